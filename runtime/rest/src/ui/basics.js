'use strict';
// Making nodes, writing numbers, asking the API. Names, states and traces are what users and remote
// systems wrote: they only ever become text nodes.

const REQUEST_TIMEOUT_MS = 20000;
const STATES = ['RUNNING', 'PAUSED', 'STOPPED', 'FAILED', 'UNASSIGNED', 'RESTARTING'];

const byId = (id) => document.getElementById(id);
const make = (tag, properties = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
};
const drawn = (tag, attributes = {}) => {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
};
// What has not changed keeps the user's selection and focus.
const set = (node, property, value) => {
  if (node[property] !== value) node[property] = value;
};
const label = (node, text) => {
  if (node.getAttribute('aria-label') !== text) node.setAttribute('aria-label', text);
};

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const number = (value) => (value === null ? '–' : compact.format(value < 10 ? value : Math.round(value)));
const counted = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`;
const stateClass = (state) => (STATES.includes(state) ? state : 'UNKNOWN');

const request = async (method, path) => {
  const answer = await fetch(path, {
    method,
    headers: { Accept: 'application/json' },
    cache: 'no-store',
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  });
  const text = await answer.text();
  if (answer.ok) return text === '' ? null : JSON.parse(text);
  let message = text;
  try {
    message = JSON.parse(text).message ?? text;
  } catch {
    // The text says it.
  }
  throw new Error(`${answer.status}: ${message || answer.statusText}`);
};

const connectorPath = (name) => {
  if (name === '.' || name === '..') throw new Error(`A browser cannot ask for a connector named ${name}`);
  return `connectors/${encodeURIComponent(name)}`;
};
