'use strict';
// Series of samples, and how they are drawn.

// Four minutes; a plot has the width of one from its beginning.
const MAX_NUM_SAMPLES = 120;
const MIN_NUM_SAMPLES = 30;
// A number that jumps with every batch cannot be read.
const NUM_AVERAGED = 5;
const PLOT = { width: 116, height: 28 };

class Series {
  constructor() {
    this.values = [];
  }
  add(value) {
    this.values.push(value);
    if (this.values.length > MAX_NUM_SAMPLES) this.values.shift();
  }
  latest() {
    return this.values.at(-1) ?? null;
  }
  average() {
    const recent = this.values.slice(-NUM_AVERAGED).filter((value) => value !== null);
    if (this.latest() === null) return null;
    return recent.reduce((sum, value) => sum + value, 0) / recent.length;
  }
}

const sum = (values) => {
  const known = values.filter((value) => value !== null && value !== undefined);
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
};

// The figures of a task: counters as they came, and what is drawn of them.
class TaskSeries {
  constructor() {
    this.rate = new Series();
    this.lag = new Series();
    this.numErrors = 0;
  }
  add(figures, timeMs) {
    const { num_records: numRecords } = figures;
    let rate = null;
    if (this.timeMs !== undefined && timeMs > this.timeMs) {
      // A task that was started again counts from 0.
      const since = numRecords >= this.numRecords ? this.numRecords : 0;
      rate = ((numRecords - since) * 1000) / (timeMs - this.timeMs);
    }
    this.timeMs = timeMs;
    this.numRecords = numRecords;
    this.numErrors = figures.num_errors;
    this.rate.add(rate);
    this.lag.add(figures.lag);
  }
  miss() {
    this.timeMs = undefined;
    this.rate.add(null);
    this.lag.add(null);
  }
}

class Plot {
  constructor(what, kind) {
    this.what = what;
    this.area = drawn('path', { class: 'area' });
    this.curve = drawn('path', { class: 'curve' });
    this.node = drawn('svg', {
      class: `plot ${kind}`,
      viewBox: `0 0 ${PLOT.width} ${PLOT.height}`,
      preserveAspectRatio: 'none',
      role: 'img',
    });
    this.node.append(this.area, this.curve);
  }
  show(series) {
    const { values } = series;
    const highest = Math.max(0, ...values.filter((value) => value !== null));
    const numShown = Math.max(values.length, MIN_NUM_SAMPLES);
    const x = (index) => ((index + numShown - values.length) * PLOT.width) / (numShown - 1);
    const y = (value) => PLOT.height - 1 - (highest > 0 ? (value / highest) * (PLOT.height - 3) : 0);
    const runs = [];
    values.forEach((value, index) => {
      if (value === null) return;
      if (index === 0 || values[index - 1] === null) runs.push([]);
      runs.at(-1).push([x(index).toFixed(1), y(value).toFixed(1)]);
    });
    const line = (points) => points.map((point) => point.join(' ')).join('L');
    this.curve.setAttribute('d', runs.map((points) => `M${line(points)}`).join(''));
    const closed = (points) => `M${points[0][0]} ${PLOT.height}L${line(points)}L${points.at(-1)[0]} ${PLOT.height}Z`;
    this.area.setAttribute('d', runs.map(closed).join(''));
    label(this.node, `${this.what}: ${number(series.average())} now, at most ${number(highest)} in 4 minutes`);
  }
}

// A number with its plot.
class Metric {
  constructor(what, kind) {
    this.plot = new Plot(what, kind);
    this.output = make('output');
    this.node = make('div', { className: 'metric' }, this.output, this.plot.node);
  }
  show(series, explanation) {
    set(this.output, 'textContent', number(series.average()));
    set(this.node, 'title', explanation);
    this.plot.show(series);
  }
}
