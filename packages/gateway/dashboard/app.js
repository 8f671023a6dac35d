// Follows the gateway by server-sent events and draws what it tells. No library, nothing from elsewhere.

import { plot } from './plot.js';
import { $, element, pill, render } from './render.js';
import { bytes, clock } from './words.js';

const TRAFFIC_MS = 120_000;
const SIGNAL_MS = 3_600_000;
const POINTS_KEPT = 4000;
const EVENTS_KEPT = 50;
/** A server that refuses is asked again so often; one that is gone the browser itself asks again. */
const AGAIN_MS = 2000;

/** Points of each plot, the oldest first. */
const series = { line: [], 1: [], 2: [], 3: [], signal: [] };
let before;

function keep(points, point) {
  points.push(point);
  if (points.length > POINTS_KEPT) points.shift();
}

/** What came in one second; nothing is known of the first, nor after a restart of what counts. */
function rate(now, then, seconds) {
  return then !== undefined && now >= then && seconds > 0 ? (now - then) / seconds : undefined;
}

function rates(where, { sent, received }) {
  const text = (value) => (value === undefined ? '–' : `${bytes(value)}/s`);
  where.replaceChildren(
    element('span', `↑ ${text(sent)}`, 'sent'),
    ' ',
    element('span', `↓ ${text(received)}`, 'received'),
  );
}

function follow(status) {
  const atMs = Date.parse(status.at);
  const seconds = before === undefined ? 0 : (atMs - Date.parse(before.at)) / 1000;
  const speeds = (now, then) => ({
    atMs,
    sent: rate(now.bytesSent, then?.bytesSent, seconds),
    received: rate(now.bytesReceived, then?.bytesReceived, seconds),
  });
  const ofLine = speeds(status.line, before?.line);
  keep(series.line, ofLine);
  rates($('line-rates'), ofLine);
  for (const [index, port] of status.ports.entries()) {
    const value = speeds(port, before?.ports[index]);
    keep(series[port.dlci], value);
    rates($(`port-${port.dlci}`).querySelector('[data-rates]'), value);
  }
  before = status;
  render(status);
  draw();
}

function draw() {
  const traffic = {
    lines: [
      ['sent', '--sent'],
      ['received', '--received'],
    ],
    spanMs: TRAFFIC_MS,
  };
  plot($('plot-line'), series.line, traffic);
  for (const dlci of [1, 2, 3]) plot($(`plot-${dlci}`), series[dlci], traffic);
  const signal = series.signal.at(-1);
  // The last value holds until there is another one.
  const now = before === undefined || signal === undefined ? [] : [{ ...signal, atMs: Date.parse(before.at) }];
  plot($('plot-signal'), [...series.signal, ...now], {
    lines: [['dbm', '--sent']],
    spanMs: SIGNAL_MS,
    unit: 'dBm',
    range: [-113, -51],
  });
}

function happened({ at, level, text }) {
  const item = document.createElement('li');
  const time = element('time', clock(at));
  time.dateTime = at;
  item.append(time, element('span', level, `level ${level}`), text);
  const list = $('events');
  list.querySelector('.quiet')?.remove();
  list.prepend(item);
  while (list.children.length > EVENTS_KEPT) list.lastElementChild.remove();
}

function setStale(isStale) {
  $('stale').hidden = !isStale;
  document.body.classList.toggle('stale', isStale);
  if (isStale) pill($('state'), 'unknown', 'wait');
}

function connect() {
  const source = new EventSource('/events');
  source.addEventListener('open', () => {
    setStale(false);
    // What happened lately is told again to a page that comes back.
    $('events').replaceChildren(element('li', 'nothing so far', 'quiet'));
    series.signal = [];
  });
  source.addEventListener('error', () => {
    setStale(true);
    if (source.readyState !== EventSource.CLOSED) return;
    setTimeout(connect, AGAIN_MS);
  });
  source.addEventListener('status', ({ data }) => follow(JSON.parse(data)));
  source.addEventListener('happened', ({ data }) => happened(JSON.parse(data)));
  source.addEventListener('signal', ({ data }) => {
    const { at, dbm } = JSON.parse(data);
    keep(series.signal, { atMs: Date.parse(at), dbm });
  });
}

connect();
window.addEventListener('resize', draw);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
