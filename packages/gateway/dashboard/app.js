// Follows the gateway by server-sent events and draws what it tells. No library, nothing from elsewhere.

const SECONDS = 120;
const EVENTS_KEPT = 50;
const $ = (id) => document.getElementById(id);

/** The last two minutes of one thing: what was sent and received, or one value. */
const series = { line: [], 1: [], 2: [], 3: [], signal: [] };
let before;

function keep(list, value) {
  list.push(value);
  if (list.length > SECONDS) list.shift();
}

function bytes(count) {
  if (count < 1000) return `${Math.round(count)} B`;
  if (count < 1e6) return `${(count / 1000).toFixed(1)} kB`;
  return `${(count / 1e6).toFixed(2)} MB`;
}

function duration(ms) {
  const seconds = Math.round(ms / 1000);
  const [days, hours, minutes] = [
    Math.floor(seconds / 86400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Lines of several values over the last two minutes; the scale fits the largest. */
function plot(canvas, list, lines, range) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = Number(canvas.getAttribute('height-css') ?? canvas.getAttribute('height'));
  if (!canvas.hasAttribute('height-css')) canvas.setAttribute('height-css', String(height));
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.height = `${height}px`;
  const context = canvas.getContext('2d');
  context.scale(ratio, ratio);
  const values = list.flatMap((point) => lines.map(([key]) => point[key]).filter((value) => value !== undefined));
  const low = range?.[0] ?? 0;
  const high = range?.[1] ?? Math.max(100, ...values);
  const y = (value) => height - 2 - ((value - low) / (high - low)) * (height - 16);
  context.strokeStyle = colour('--edge');
  context.beginPath();
  context.moveTo(0, y(low));
  context.lineTo(width, y(low));
  context.stroke();
  context.fillStyle = colour('--quiet');
  context.font = '10px system-ui, sans-serif';
  context.fillText(range === undefined ? `${bytes(high)}/s` : `${high} dBm`, 2, 10);
  for (const [key, name] of lines) {
    context.strokeStyle = colour(name);
    context.lineWidth = 1.5;
    context.beginPath();
    let isDown = false;
    list.forEach((point, index) => {
      const value = point[key];
      if (value === undefined) {
        isDown = false;
        return;
      }
      const x = width - (list.length - 1 - index) * (width / (SECONDS - 1));
      if (isDown) context.lineTo(x, y(value));
      else context.moveTo(x, y(value));
      isDown = true;
    });
    context.stroke();
  }
}

function pill(element, text, kind) {
  element.textContent = text;
  element.className = `pill ${kind}`;
}

function definitions(list, entries) {
  list.replaceChildren(
    ...entries.flatMap(([term, text]) => {
      const [dt, dd] = [document.createElement('dt'), document.createElement('dd')];
      dt.textContent = term;
      dd.textContent = text ?? '–';
      return [dt, dd];
    }),
  );
}

/** What came in one second; after a restart of what counts, nothing. */
function rate(now, then, seconds) {
  return now >= then && seconds > 0 ? (now - then) / seconds : 0;
}

function rates(element, { sent, received }) {
  element.textContent = `↑ ${bytes(sent)}/s  ↓ ${bytes(received)}/s`;
}

function show(status) {
  const kinds = { up: 'good', degraded: 'bad' };
  pill($('state'), status.state, kinds[status.state] ?? 'wait');
  $('uptime').textContent = `for ${duration(status.uptimeMs)}`;
  const seconds = before === undefined ? 0 : (Date.parse(status.at) - Date.parse(before.at)) / 1000;
  const ofLine = {
    sent: rate(status.line.bytesSent, before?.line.bytesSent ?? Infinity, seconds),
    received: rate(status.line.bytesReceived, before?.line.bytesReceived ?? Infinity, seconds),
  };
  keep(series.line, ofLine);
  $('line-name').textContent = status.line.name ?? status.line.step ?? 'closed';
  rates($('line-rates'), ofLine);
  $('line-bad').textContent = status.line.badFrames === 0 ? '' : `${status.line.badFrames} damaged frames`;
  status.ports.forEach((port, index) => {
    const then = before?.ports[index];
    const value = {
      sent: rate(port.bytesSent, then?.bytesSent ?? Infinity, seconds),
      received: rate(port.bytesReceived, then?.bytesReceived ?? Infinity, seconds),
    };
    keep(series[port.dlci], value);
    const card = $(`port-${port.dlci}`);
    pill(
      card.querySelector('[data-works]'),
      port.works ? 'works' : (port.step ?? (port.isOpen ? 'open' : 'closed')),
      port.works ? 'good' : 'bad',
    );
    rates(card.querySelector('[data-rates]'), value);
    card.querySelector('[data-circuits]').replaceChildren(
      ...Object.entries(port.circuits ?? {}).map(([name, on]) => {
        const span = document.createElement('span');
        span.textContent = name.toUpperCase();
        if (on) span.className = 'on';
        span.title = on ? 'on' : 'off';
        return span;
      }),
    );
  });
  const { ppp, sockets, network } = status;
  definitions($('ppp'), [
    ['phase', ppp.phase],
    ['address', ppp.localAddress],
    ['peer', ppp.peerAddress],
    ['DNS', ppp.dns.join(' ') || undefined],
  ]);
  definitions($('network'), [
    ['operator', network.operator],
    ['registration', network.packetRegistration ?? network.registration],
    ['signal', network.signal?.dbm === undefined ? undefined : `${network.signal.dbm} dBm`],
  ]);
  keep(series.signal, { dbm: network.signal?.dbm });
  $('sockets').tBodies[0].replaceChildren(
    ...[1, 2, 3, 4, 5, 6].map((connId) => {
      const socket = sockets.rows.find((row) => row.connId === connId);
      const row = document.createElement('tr');
      const peer = socket?.remoteAddress === undefined ? '' : `${socket.remoteAddress}:${socket.remotePort}`;
      const cells = [
        [connId],
        [peer],
        [socket?.state ?? 'free'],
        [socket === undefined ? '' : bytes(socket.bytesRead), 'number'],
        [socket === undefined ? '' : bytes(socket.bytesWritten), 'number'],
      ];
      row.append(
        ...cells.map(([text, kind]) => {
          const cell = document.createElement('td');
          cell.textContent = String(text);
          if (kind !== undefined) cell.className = kind;
          return cell;
        }),
      );
      return row;
    }),
  );
  $('queue').textContent = `address ${sockets.address || '–'}, ${sockets.waiting} waiting`;
  const outages = [
    ...status.outages.map((outage) => [`now: ${outage.services.join(', ')}: ${outage.cause}`, 'bad']),
    ...status.pastOutages
      .toReversed()
      .map((outage) => [
        `${new Date(outage.endedAt).toLocaleTimeString()} ${outage.services.join(', ')}: ${outage.cause}, ${duration(outage.durationMs)}`,
        '',
      ]),
  ];
  $('outages').replaceChildren(
    ...(outages.length === 0 ? [['none', 'quiet']] : outages).map(([text, kind]) => {
      const item = document.createElement('li');
      item.textContent = text;
      item.className = kind;
      return item;
    }),
  );
  before = status;
  draw();
}

function draw() {
  const both = [
    ['sent', '--sent'],
    ['received', '--received'],
  ];
  plot($('plot-line'), series.line, both);
  for (const dlci of [1, 2, 3]) plot($(`plot-${dlci}`), series[dlci], both);
  plot($('plot-signal'), series.signal, [['dbm', '--sent']], [-113, -51]);
}

function happened({ at, level, text }) {
  const item = document.createElement('li');
  const time = document.createElement('time');
  time.dateTime = at;
  time.textContent = new Date(at).toLocaleTimeString();
  item.append(time, text);
  if (level !== 'info') item.className = level === 'warn' ? 'wait' : 'bad';
  $('events').prepend(item);
  while ($('events').children.length > EVENTS_KEPT) $('events').lastElementChild.remove();
}

const source = new EventSource('/events');
source.addEventListener('open', () => {
  $('stale').hidden = true;
  // What happened lately is told again to a page that comes back.
  $('events').replaceChildren();
});
source.addEventListener('error', () => {
  $('stale').hidden = false;
});
source.addEventListener('status', ({ data }) => show(JSON.parse(data)));
source.addEventListener('happened', ({ data }) => happened(JSON.parse(data)));
window.addEventListener('resize', draw);
