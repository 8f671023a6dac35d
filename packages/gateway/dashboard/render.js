// Puts a status on the page. Whatever comes from outside becomes text, never markup.

import { bytes, clock, damage, duration, services, STATES, STEPS } from './words.js';

export const $ = (id) => document.getElementById(id);

/** An element with text in it. */
export function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className !== undefined) made.className = className;
  return made;
}

export function pill(where, text, kind) {
  where.textContent = text;
  where.className = `pill ${kind}`;
}

function definitions(list, entries) {
  list.replaceChildren(
    ...entries.flatMap(([term, text]) => [
      element('dt', term),
      element('dd', text ?? '–', text === undefined ? 'quiet' : ''),
    ]),
  );
}

function row(cells) {
  const made = document.createElement('tr');
  made.append(
    ...cells.map(([label, text, className]) => {
      const cell = element('td', text, className);
      cell.dataset.label = label;
      return cell;
    }),
  );
  return made;
}

function listOf(list, items) {
  list.replaceChildren(...items.map(([text, className]) => element('li', text, className)));
}

function stateOf({ state }) {
  if (state === 'up') return [state, 'good'];
  if (state === 'degraded') return [state, 'bad'];
  return [STATES[state] ?? state, 'wait'];
}

/** The header, and what is wrong at this moment in words. */
function showState(status) {
  pill($('state'), ...stateOf(status));
  document.title = status.state === 'up' ? 'cellmux' : `cellmux: ${status.state}`;
  $('uptime').textContent = `for ${duration(status.uptimeMs)}`;
  $('capture').hidden = status.capture === undefined;
  $('capture').textContent = status.capture === undefined ? '' : `recording ${status.capture}`;
  $('trouble').hidden = status.outages.length === 0;
  $('trouble').replaceChildren(
    ...status.outages.map(({ services: names, words, lastsMs }) => {
      const ports = status.ports.filter(({ service }) => names.includes(service));
      const step = [status.line, ...ports].map((one) => one.step).find((one) => one !== undefined);
      const doing = step === undefined ? 'waiting for the next attempt' : (STEPS[step] ?? step);
      return element('p', `${services(names)} down for ${duration(lastsMs)}: ${words}; ${doing}`);
    }),
  );
}

function showLine({ line, multiplexer }) {
  pill(
    $('line-works'),
    line.works ? 'works' : (STEPS[line.step] ?? (line.name === undefined ? 'closed' : 'not multiplexed')),
    line.works ? 'good' : 'bad',
  );
  $('line-name').textContent = line.name ?? '';
  $('line-total').textContent = `${bytes(line.bytesSent)} sent, ${bytes(line.bytesReceived)} received`;
  $('multiplexer').textContent =
    multiplexer === undefined
      ? 'No multiplexer runs.'
      : `Control channel ${multiplexer.state}; ${multiplexer.option} option, N1 ${multiplexer.n1}, ` +
        `T1 ${multiplexer.t1Ms} ms, T2 ${multiplexer.t2Ms} ms, N2 ${multiplexer.n2}; ` +
        `${multiplexer.framesSent} frames sent, ${multiplexer.framesReceived} received; ` +
        `${multiplexer.controlRetransmissions} messages repeated; ${damage(multiplexer.damage)}`;
  $('dlcs').hidden = multiplexer === undefined;
  $('dlcs').tBodies[0].replaceChildren(...(multiplexer?.dlcs ?? []).map(dlcRow));
}

const USES = { control: 'control channel', ppp: 'port 1: PPP', sockets: 'port 2: sockets', at: 'port 3: AT' };

function dlcRow(dlc) {
  const stopped = [dlc.isStoppedByPeer ? 'by the module' : '', dlc.isStoppedByUs ? 'by us' : '']
    .filter(Boolean)
    .join(', ');
  const times = `module ${dlc.stopsByPeer}×, us ${dlc.stopsByUs}×`;
  return row([
    ['DLCI', `${dlc.dlci} ${USES[dlc.use] ?? dlc.use}`],
    ['state', dlc.state, dlc.state === 'connected' ? 'good' : 'wait'],
    ['frames as', `${dlc.frameType}, layer ${dlc.convergence}, priority ${dlc.priority}, N1 ${dlc.n1}`],
    ['sent', `${dlc.framesSent} frames, ${bytes(dlc.bytesSent)}`],
    ['received', `${dlc.framesReceived} frames, ${bytes(dlc.bytesReceived)}`],
    ['stopped (FC)', stopped === '' ? `no (${times})` : `${stopped} (${times})`, stopped === '' ? '' : 'wait'],
  ]);
}

const OURS = ['dtr', 'rts'];
const THEIRS = ['dsr', 'cts', 'dcd', 'ri'];

function showPort(port) {
  const card = $(`port-${port.dlci}`);
  const doing = STEPS[port.step] ?? (port.isOpen ? 'open' : 'closed');
  pill(card.querySelector('[data-works]'), port.works ? 'works' : doing, port.works ? 'good' : 'bad');
  const circuits = (names, label) => [
    element('span', label, 'quiet'),
    ...names.map((name) => {
      const isOn = port.circuits?.[name] === true;
      const span = element('span', name.toUpperCase(), isOn ? 'circuit on' : 'circuit');
      span.title = `${name.toUpperCase()} is ${isOn ? 'on' : 'off'}`;
      return span;
    }),
  ];
  card
    .querySelector('[data-circuits]')
    .replaceChildren(
      ...(port.circuits === undefined
        ? [element('span', 'no circuits: the port is not open', 'quiet')]
        : [...circuits(OURS, 'to it'), ...circuits(THEIRS, 'from it')]),
    );
}

const SOCKETS = [1, 2, 3, 4, 5, 6];

function showSockets({ sockets }) {
  $('sockets').tBodies[0].replaceChildren(
    ...SOCKETS.map((connId) => {
      const socket = sockets.rows.find((one) => one.connId === connId);
      if (socket === undefined) {
        const free = [
          ['connId', connId],
          ['peer', ''],
          ['state', 'free', 'quiet'],
          ['read', '', 'number'],
          ['written', '', 'number'],
        ];
        return row(free);
      }
      const peer = socket.remoteAddress === undefined ? '' : `${socket.remoteAddress}:${socket.remotePort ?? '?'}`;
      return row([
        ['connId', connId],
        ['peer', peer],
        ['state', socket.state, 'word'],
        ['read', bytes(socket.bytesRead), 'number'],
        ['written', bytes(socket.bytesWritten), 'number'],
      ]);
    }),
  );
  $('queue').textContent =
    `${sockets.address === '' ? 'no address' : `address ${sockets.address}`}, ${sockets.open} of 6 in use, ` +
    `${sockets.waiting} waiting`;
}

function showNetwork({ ppp, network }) {
  definitions($('ppp'), [
    ['phase', ppp.phase],
    ['address', ppp.localAddress],
    ['peer', ppp.peerAddress],
    ['DNS', ppp.dns.join(' ') || undefined],
  ]);
  definitions($('network'), [
    ['operator', network.operator],
    ['registration', network.registration],
    ['for packets', network.packetRegistration],
    ['signal', network.signal?.dbm === undefined ? undefined : `${network.signal.dbm} dBm`],
  ]);
}

function showOutages({ outages, pastOutages }) {
  const items = [
    ...outages.map(({ services: names, words, lastsMs }) => [
      `now: ${services(names)}: ${words}, for ${duration(lastsMs)}`,
      'bad',
    ]),
    ...pastOutages
      .toReversed()
      .map(({ services: names, words, durationMs, endedAt }) => [
        `${clock(endedAt)} ${services(names)}: ${words}, ${duration(durationMs)}`,
        '',
      ]),
  ];
  listOf($('outages'), items.length === 0 ? [['none so far', 'quiet']] : items);
}

/** All of a status but what is drawn. */
export function render(status) {
  showState(status);
  showLine(status);
  for (const port of status.ports) showPort(port);
  showNetwork(status);
  showSockets(status);
  showOutages(status);
}
