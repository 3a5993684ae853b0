'use strict';
// Pausing, resuming and restarting, each after a question.

const TOAST_MS = 8000;

const toast = (text, isBad = false) => {
  const node = make('div', { className: isBad ? 'toast bad' : 'toast', textContent: text });
  byId('toasts').append(node);
  setTimeout(() => node.remove(), isBad ? 2 * TOAST_MS : TOAST_MS);
};

// Resolves to what was chosen, or to null.
const confirmed = ({ question, consequence, verb, choices = [] }) => {
  const dialog = byId('confirmation');
  byId('question').textContent = question;
  byId('consequence').textContent = consequence;
  byId('confirm').textContent = verb;
  const boxes = choices.map(({ checked }) => make('input', { type: 'checkbox', checked }));
  byId('choices').replaceChildren(...choices.map(({ text }, index) => make('label', {}, boxes[index], text)));
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === 'yes' ? boxes.map((box) => box.checked) : null);
  });
};

const change = async (button, dialog, send, done) => {
  const choice = await confirmed(dialog);
  if (choice === null) return;
  button.disabled = true;
  try {
    await send(choice);
    toast(done);
  } catch (error) {
    toast(`${dialog.question} ${error.message}`, true);
  } finally {
    button.disabled = false;
    refresh();
  }
};

const pause = (row, button) => change(
  button,
  { question: `Pause ${row.name}?`, consequence: 'Its tasks keep their places and move no records until it is resumed.', verb: 'Pause' },
  () => request('PUT', `${connectorPath(row.name)}/pause`),
  `${row.name} is being paused`,
);
const resume = (row, button) => change(
  button,
  { question: `Resume ${row.name}?`, consequence: 'Its tasks go on from where they stopped.', verb: 'Resume' },
  () => request('PUT', `${connectorPath(row.name)}/resume`),
  `${row.name} is being resumed`,
);
const restart = (row, button) => change(
  button,
  {
    question: `Restart ${row.name}?`,
    consequence: 'What is restarted stops, and begins again from the last committed offsets.',
    verb: 'Restart',
    choices: [{ text: 'Its tasks too', checked: true }, { text: 'Only what has failed', checked: row.numFailed > 0 }],
  },
  ([includeTasks, onlyFailed]) => request('POST', `${connectorPath(row.name)}/restart?includeTasks=${includeTasks}&onlyFailed=${onlyFailed}`),
  `${row.name} is being restarted`,
);
const restartTask = (row, id, button) => change(
  button,
  { question: `Restart task ${id} of ${row.name}?`, consequence: 'It stops, and begins again from the last committed offsets.', verb: 'Restart' },
  () => request('POST', `${connectorPath(row.name)}/tasks/${id}/restart`),
  `Task ${id} of ${row.name} is being restarted`,
);
