'use strict';
// The page: what the worker says every two seconds, in tiles and rows.

const INTERVAL_MS = 2000;
const MAX_RETRY_MS = 30000;
const FILTERS = ['ALL', 'RUNNING', 'PAUSED', 'STOPPED', 'FAILED'];

const rows = new Map();
const total = { rate: new Series(), lag: new Series() };
let role = 'reader';
let shownState = 'ALL';
const mayChange = () => role !== 'reader';

const tile = (title, plotKind) => {
  const figure = make('div', { className: 'figure' });
  const plot = plotKind ? new Plot(title, plotKind) : null;
  const detail = make('div', { className: 'detail' });
  byId('tiles').append(make('div', { className: 'tile' }, make('h2', { textContent: title }), figure, plot ? plot.node : detail));
  return { figure, detail, plot };
};
const tiles = {
  connectors: tile('Connectors'),
  tasks: tile('Tasks'),
  rate: tile('Records per second', 'rate'),
  lag: tile('Lag of sinks', 'lag'),
};

const filters = new Map(FILTERS.map((state) => {
  const button = make('button', { type: 'button' });
  button.onclick = () => {
    shownState = state;
    filter();
  };
  byId('filters').append(button);
  return [state, button];
}));

const filter = () => {
  const all = [...rows.values()];
  const wanted = byId('search').value.trim().toLowerCase();
  let numShown = 0;
  for (const row of all) {
    const isShown = (shownState === 'ALL' || row.health === shownState) && row.name.toLowerCase().includes(wanted);
    row.node.hidden = !isShown;
    numShown += isShown ? 1 : 0;
  }
  for (const [state, button] of filters) {
    const count = state === 'ALL' ? all.length : all.filter((row) => row.health === state).length;
    set(button, 'textContent', `${state[0]}${state.slice(1).toLowerCase()} ${count}`);
    button.setAttribute('aria-pressed', String(state === shownState));
  }
  set(byId('shown'), 'textContent', numShown < all.length ? `${numShown} of ${all.length} shown` : '');
  byId('empty').hidden = all.length > 0;
  byId('connectors').hidden = all.length === 0;
};

const breakdown = (states) => {
  const counts = STATES.map((state) => [states.filter((other) => other === state).length, state.toLowerCase()]);
  return counts.filter(([count]) => count > 0).map((pair) => pair.join(' ')).join(' · ');
};

const showTiles = () => {
  const all = [...rows.values()];
  const tasks = all.flatMap((row) => row.status.tasks);
  total.rate.add(sum(all.map((row) => row.rate.latest())));
  total.lag.add(sum(all.map((row) => row.lag.latest())));
  tiles.connectors.figure.textContent = all.length;
  tiles.connectors.detail.textContent = breakdown(all.map((row) => row.health));
  tiles.tasks.figure.textContent = tasks.length;
  tiles.tasks.detail.textContent = breakdown(tasks.map((task) => task.state));
  for (const kind of ['rate', 'lag']) {
    tiles[kind].figure.textContent = number(total[kind].average());
    tiles[kind].plot.show(total[kind]);
  }
  const numFailed = all.filter((row) => row.health === 'FAILED').length;
  document.title = numFailed > 0 ? `(${numFailed} failed) Dovetail` : 'Dovetail';
};

const showUser = (figures) => {
  role = figures.role;
  set(byId('user'), 'textContent', figures.user === null ? '' : `${figures.user} (${role})`);
  set(byId('notice'), 'textContent', 'You may look at everything and change nothing: your user has the role reader.');
  byId('notice').hidden = mayChange();
};

const show = (statuses, figures, infos) => {
  showUser(figures);
  const byConnector = new Map();
  for (const task of figures.tasks) {
    if (!byConnector.has(task.connector)) byConnector.set(task.connector, new Map());
    byConnector.get(task.connector).set(task.task, task);
  }
  for (const [name, row] of rows) {
    if (statuses.has(name)) continue;
    row.node.remove();
    rows.delete(name);
  }
  const names = [...statuses.keys()].sort((a, b) => a.localeCompare(b));
  let before = byId('connectors').tHead;
  for (const name of names) {
    if (!rows.has(name)) rows.set(name, new Row(name));
    const row = rows.get(name);
    row.take(statuses.get(name).status, byConnector.get(name), figures.time_ms, infos?.get(name)?.info);
    row.show();
    if (before.nextElementSibling !== row.node) before.after(row.node);
    before = row.node;
  }
  filter();
  showTiles();
};

// A map, so that a connector may be called __proto__.
const connectors = async (expansion) => new Map(Object.entries(await request('GET', `connectors?expand=${expansion}`)));

let timer;
let isPolling = false;
let isWanted = false;
let retryMs = INTERVAL_MS;

const poll = async () => {
  clearTimeout(timer);
  if (isPolling) {
    isWanted = true;
    return;
  }
  isPolling = true;
  try {
    const [statuses, figures] = await Promise.all([connectors('status'), request('GET', 'ui/figures')]);
    // Configurations are asked for only when there is a connector whose class is not known.
    const isNew = [...statuses.keys()].some((name) => !rows.get(name)?.info);
    show(statuses, figures, isNew ? await connectors('info') : null);
    retryMs = INTERVAL_MS;
    byId('trouble').hidden = true;
    byId('freshness').className = '';
    byId('freshness').textContent = `Live, ${new Date().toLocaleTimeString()}`;
  } catch (error) {
    retryMs = Math.min(2 * retryMs, MAX_RETRY_MS);
    byId('freshness').className = 'stale';
    byId('freshness').textContent = 'Not live';
    byId('trouble').textContent = `The worker does not answer as it should: ${error.message}. The page shows what it knew; it tries again in ${Math.round(retryMs / 1000)} s.`;
    byId('trouble').hidden = false;
  } finally {
    isPolling = false;
    if (isWanted) {
      isWanted = false;
      poll();
    } else if (!document.hidden) {
      timer = setTimeout(poll, retryMs);
    }
  }
};
const refresh = () => poll();

const showTheme = () => {
  const chosen = document.documentElement.dataset.theme;
  const isDark = chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  byId('theme').textContent = isDark ? 'Light' : 'Dark';
  label(byId('theme'), `${isDark ? 'Light' : 'Dark'} colours`);
  return isDark;
};
const chooseTheme = (theme) => {
  document.documentElement.dataset.theme = theme;
  showTheme();
};
const remembered = localStorage.getItem('dovetail.theme');
if (remembered === 'dark' || remembered === 'light') chooseTheme(remembered);
byId('theme').onclick = () => {
  const theme = showTheme() ? 'light' : 'dark';
  localStorage.setItem('dovetail.theme', theme);
  chooseTheme(theme);
};
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', showTheme);
showTheme();

byId('search').oninput = filter;
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.target.matches('input') || byId('confirmation').open) return;
  event.preventDefault();
  byId('search').focus();
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) poll();
});
filter();
// The addresses are relative to /ui, wherever a proxy has put it.
if (location.pathname.endsWith('/')) {
  location.replace(location.pathname.replace(/\/+$/, '') + location.search);
} else {
  poll();
  request('GET', './').then((info) => {
    byId('cluster').textContent = `${info.version} · Kafka cluster ${info.kafka_cluster_id ?? 'not known yet'}`;
  }, () => {});
}
