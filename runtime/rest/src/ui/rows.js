'use strict';
// A row for each connector, with one for each of its tasks below it.

const MAX_NUM_SQUARES = 24;

const stateNode = () => make('span', { className: 'state' });
const showState = (node, state, text = state) => {
  set(node, 'className', `state ${stateClass(state)}`);
  set(node, 'textContent', text);
};
const elsewhere = (workerId) => `Runs on ${workerId}, whose page has the figures`;

class TaskRow {
  constructor(row, id) {
    this.series = new TaskSeries();
    this.state = stateNode();
    this.worker = make('td', { className: 'mono' });
    this.rate = new Metric(`Records per second of task ${id}`, 'rate');
    this.lag = new Metric(`Lag of task ${id}`, 'lag');
    this.errors = make('td');
    this.button = make('button', { type: 'button', className: 'small', textContent: 'Restart' });
    label(this.button, `Restart task ${id} of ${row.name}`);
    this.button.onclick = () => restartTask(row, id, this.button);
    this.node = make('tr', {}, make('td', { textContent: id }), make('td', {}, this.state), this.worker, make('td', {}, this.rate.node), make('td', {}, this.lag.node), this.errors, make('td', {}, this.button));
  }
  show(task) {
    const why = this.series.timeMs === undefined ? elsewhere(task.worker_id) : '';
    showState(this.state, task.state);
    set(this.worker, 'textContent', task.worker_id);
    this.rate.show(this.series.rate, why);
    this.lag.show(this.series.lag, why);
    set(this.errors, 'textContent', number(this.series.numErrors));
    this.button.hidden = !mayChange();
  }
}

let numRows = 0;

class Row {
  constructor(name) {
    this.name = name;
    this.rate = new Series();
    this.lag = new Series();
    this.tasks = new Map();
    this.traces = new Map();
    numRows += 1;
    const id = `details-${numRows}`;
    this.toggle = make('button', { type: 'button', className: 'name', textContent: name });
    this.toggle.setAttribute('aria-expanded', 'false');
    this.toggle.setAttribute('aria-controls', id);
    this.toggle.onclick = () => this.open(this.details.hidden);
    this.about = make('div', { className: 'class' });
    this.fault = make('span', { className: 'fault' });
    this.state = stateNode();
    this.squares = make('div', { className: 'squares' });
    this.squares.setAttribute('role', 'img');
    this.rateMetric = new Metric(`Records per second of ${name}`, 'rate');
    this.lagMetric = new Metric(`Lag of ${name}`, 'lag');
    this.pauseButton = make('button', { type: 'button' });
    this.pauseButton.onclick = () => (this.isHeld ? resume : pause)(this, this.pauseButton);
    this.restartButton = make('button', { type: 'button', textContent: 'Restart' });
    label(this.restartButton, `Restart ${name}`);
    this.restartButton.onclick = () => restart(this, this.restartButton);
    this.actions = make('div', { className: 'actions' }, this.pauseButton, this.restartButton);
    const cells = [[this.toggle, this.about, this.fault], [this.state], [this.squares], [this.rateMetric.node], [this.lagMetric.node], [this.actions]];
    const heads = ['Task', 'State', 'Worker', 'Records / s', 'Lag', 'Record errors', ''];
    this.taskTable = make('tbody');
    this.errors = make('div');
    const table = make('table', {}, make('thead', {}, make('tr', {}, ...heads.map((text) => make('th', { scope: 'col', textContent: text })))), this.taskTable);
    this.details = make('tr', { className: 'details', id, hidden: true }, make('td', { colSpan: cells.length }, table, this.errors));
    this.node = make('tbody', {}, make('tr', { className: 'connector' }, ...cells.map((nodes) => make('td', {}, ...nodes))), this.details);
  }

  open(isOpen) {
    this.details.hidden = !isOpen;
    this.toggle.setAttribute('aria-expanded', String(isOpen));
    if (isOpen) this.showDetails();
  }

  // Takes in a status and the figures of its tasks.
  take(status, figures, timeMs, info) {
    this.status = status;
    this.info = info ?? this.info;
    const { connector, tasks } = status;
    const ids = new Set(tasks.map((task) => task.id));
    for (const [id, task] of this.tasks) {
      if (ids.has(id)) continue;
      task.node.remove();
      this.tasks.delete(id);
    }
    for (const task of tasks) {
      if (!this.tasks.has(task.id)) this.tasks.set(task.id, new TaskRow(this, task.id));
      const known = figures?.get(task.id);
      const { series } = this.tasks.get(task.id);
      if (known) series.add(known, timeMs);
      else series.miss();
    }
    const all = [...this.tasks.values()].map((task) => task.series);
    this.rate.add(sum(all.map((series) => series.rate.latest())));
    this.lag.add(sum(all.map((series) => series.lag.latest())));
    this.failedTasks = tasks.filter((task) => task.state === 'FAILED');
    this.numFailed = this.failedTasks.length + (connector.state === 'FAILED' ? 1 : 0);
    this.health = this.numFailed > 0 ? 'FAILED' : connector.state;
    this.isHeld = connector.state === 'PAUSED' || connector.state === 'STOPPED';
  }

  show() {
    const { connector, tasks, type } = this.status;
    const className = this.info?.config?.['connector.class'] ?? '';
    set(this.about, 'textContent', [type, className.split('.').at(-1)].filter(Boolean).join(' · '));
    set(this.about, 'title', className);
    const numFailedTasks = this.failedTasks.length;
    const pill = numFailedTasks > 0 && connector.state !== 'FAILED' ? `${counted(numFailedTasks, 'TASK').toUpperCase()} FAILED` : connector.state;
    showState(this.state, this.health, pill);
    const trace = connector.trace ?? this.failedTasks.find((task) => task.trace)?.trace;
    set(this.fault, 'textContent', trace ? readTrace(trace).headline : '');
    this.fault.hidden = !trace;
    this.showSquares(tasks);
    const away = tasks.filter((task) => this.tasks.get(task.id).series.timeMs === undefined);
    const why = away.length > 0 ? `Without ${counted(away.length, 'task')}: ${elsewhere(away[0].worker_id)}` : '';
    this.rateMetric.show(this.rate, why);
    this.lagMetric.show(this.lag, why);
    set(this.pauseButton, 'textContent', this.isHeld ? 'Resume' : 'Pause');
    label(this.pauseButton, `${this.isHeld ? 'Resume' : 'Pause'} ${this.name}`);
    this.actions.hidden = !mayChange();
    if (!this.details.hidden) this.showDetails();
  }

  showSquares(tasks) {
    const states = tasks.map((task) => stateClass(task.state));
    const numRunning = states.filter((state) => state === 'RUNNING').length;
    const key = states.join();
    if (this.squaresKey === key) return;
    this.squaresKey = key;
    const squares = states.slice(0, MAX_NUM_SQUARES).map((state) => make('i', { className: state }));
    this.squares.replaceChildren(...squares, make('span', { textContent: `${numRunning}/${tasks.length}` }));
    const counts = STATES.map((state) => [state, states.filter((other) => other === state).length]).filter(([, count]) => count > 0);
    const text = `${counted(tasks.length, 'task')}: ${counts.map(([state, count]) => `${count} ${state}`).join(', ')}`;
    label(this.squares, text);
    this.squares.title = text;
  }

  showDetails() {
    const { connector, tasks } = this.status;
    for (const task of tasks) {
      const row = this.tasks.get(task.id);
      if (!row.node.isConnected) this.taskTable.append(row.node);
      row.show(task);
    }
    const traces = new Map();
    if (connector.trace) traces.set('The connector', connector.trace);
    for (const task of tasks) {
      if (task.trace) traces.set(`Task ${task.id}`, task.trace);
    }
    // A trace that is being read stays open.
    const isSame = traces.size === this.traces.size && [...traces].every(([owner, trace]) => this.traces.get(owner) === trace);
    if (isSame) return;
    this.traces = traces;
    this.errors.replaceChildren(...[...traces].map(([owner, trace]) => errorNode(owner, trace)));
  }
}
