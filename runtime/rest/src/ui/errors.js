'use strict';
// What a trace tells.

const textOf = (cause) => {
  const [, className, message] = /^([\w.$]+)(?::\s*(.*))?$/s.exec(cause) ?? [];
  if (className === undefined || !className.includes('.')) return cause;
  const simple = className.split(/[.$]/).at(-1);
  if (!message) return simple;
  // Many exceptions only repeat the one that they wrap.
  return /^[\w.$]+\.[A-Z]\w*: /.test(message) ? textOf(message) : `${simple}: ${message}`;
};

const readTrace = (trace) => {
  const lines = trace.split('\n').filter((line) => line.trim() !== '');
  const causes = lines.filter((line) => line.startsWith('Caused by: ')).map((line) => line.slice('Caused by: '.length));
  const outer = lines[0] ?? '';
  const read = { headline: textOf(causes.at(-1) ?? outer), outer: causes.length > 0 ? textOf(outer) : '', coordinates: [] };
  const consumed = /\{topic='(.*?)', partition=(-?\d+), offset=(-?\d+)(?:, timestamp=(-?\d+))?/.exec(trace);
  const produced = /source record for topic (.+) from partition (.+) at offset (.+?)\)?$/m.exec(trace);
  if (consumed) {
    read.coordinates = [['topic', consumed[1]], ['partition', consumed[2]], ['offset', consumed[3]]];
    const time = new Date(Number(consumed[4]));
    if (consumed[4] && !Number.isNaN(time.getTime())) read.coordinates.push(['time', time.toISOString()]);
  } else if (produced) {
    read.coordinates = [['topic', produced[1]], ['source partition', produced[2]], ['source offset', produced[3]]];
  }
  return read;
};

const errorNode = (owner, trace) => {
  const { headline, outer, coordinates } = readTrace(trace);
  const node = make('section', { className: 'error' }, make('h3', { textContent: headline }));
  node.append(make('p', { className: 'outer', textContent: outer ? `${owner} – ${outer}` : owner }));
  if (coordinates.length > 0) {
    const list = make('dl', { className: 'coordinates' });
    label(list, 'The failing record');
    for (const [term, value] of coordinates) {
      list.append(make('div', {}, make('dt', { textContent: term }), make('dd', { textContent: value })));
    }
    node.append(list);
  }
  const details = make('details', {}, make('summary', { textContent: 'Trace' }), make('pre', { textContent: trace, tabIndex: 0 }));
  // Browsers have no clipboard for pages that came without TLS from another machine.
  if (navigator.clipboard) {
    const copy = make('button', { type: 'button', className: 'small', textContent: 'Copy' });
    copy.onclick = () => navigator.clipboard.writeText(trace).then(() => toast('The trace is copied'), () => toast('The trace could not be copied', true));
    details.append(copy);
  }
  node.append(details);
  return node;
};
