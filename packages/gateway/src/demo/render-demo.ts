import Table from 'cli-table3';
import type { Colours } from '../cli/console.ts';
import { endedWords } from '../cli/describe-gateway-event.ts';
import type { DemoProgress } from './demo.ts';
import type { DemoReport, DirectionReport, EchoReport, PortReport } from './demo-report.ts';
import { bar, formatBytes, formatMs, formatRate, formatShare, groupDigits, visibleLength } from './render-text.ts';

/** How wide a screen is drawn at the most, and what the columns left and right of its middle take. */
const MAXIMUM_COLUMNS = 100;
const LEFT_COLUMNS = 22;
const RIGHT_COLUMNS = 18;

/** Where the text goes. */
export interface RenderOptions {
  readonly columns: number;
  readonly colours: Colours;
}

/** The screen while the demo works: one line for each thing that moves. */
export function renderScreen(progress: DemoProgress, { columns, colours }: RenderOptions): string {
  const { report, fetches, ended } = progress;
  const middleColumns = Math.max(10, Math.min(columns, MAXIMUM_COLUMNS) - LEFT_COLUMNS - RIGHT_COLUMNS - 1);
  const row = (port: string, what: string, middle: string, right = ''): string => {
    const padding = ' '.repeat(Math.max(0, middleColumns - visibleLength(middle)));
    return `${colours.bold(port.padEnd(7))} ${what.padEnd(LEFT_COLUMNS - 9)} ${middle}${padding}${right.padStart(RIGHT_COLUMNS)}`;
  };
  const drawn = (share: number, paint: (text: string) => string): string => {
    const { full, rest } = bar(share, middleColumns);
    return `${paint(full)}${colours.dim(rest)}`;
  };
  const direction = (port: string, what: string, { bytes, utilisation }: DirectionReport): string =>
    row(port, what, drawn(utilisation, colours.cyan), `${formatBytes(bytes)}  ${percent(utilisation)}`);
  const { icmp, udp, address, peer } = report.ppp;
  const { count, p50Ms, p99Ms, lastSignal } = report.at;
  return [
    `${colours.bold('cellmux demo')}  a virtual HE863 on one line at ${groupDigits(report.baudRate)} bit/s`,
    `${(progress.elapsedMs / 1000).toFixed(1)} s  ${progress.phase}`,
    '',
    direction('line', 'to module', report.line.toModule),
    direction('', 'from module', report.line.fromModule),
    '',
    row('port 1', 'PPP', address === '' ? '' : `${address}, peer ${peer}`, goodput(report.ports[0])),
    row('', 'ICMP', echoes(icmp)),
    row('', 'UDP', echoes(udp)),
    '',
    row('port 2', 'IP Easy', report.busySeconds > 0 ? 'two sockets, HTTP' : '', goodput(report.ports[1])),
    ...fetches.map(({ path, bytes, expectedBytes }) =>
      row(
        '',
        path,
        drawn(bytes / expectedBytes, colours.green),
        `${formatBytes(bytes)}  ${percent(bytes / expectedBytes)}`,
      ),
    ),
    '',
    row('port 3', 'AT', lastSignal, goodput(report.ports[2])),
    row('', '', count === 0 ? '' : `${count} answers, p50 ${formatMs(p50Ms)}, p99 ${formatMs(p99Ms)}`),
    '',
    ended.length === 0 ? '' : row('end', '', ended.flatMap((part) => endedWords(part) ?? []).join(', ')),
  ]
    .map((line) => line.trimEnd())
    .join('\n');
}

/** One line now and then, for a reader that is no terminal. */
export function renderProgressLine({ elapsedMs, phase, fetches, report }: DemoProgress): string {
  const bytes = fetches.reduce((sum, fetch) => sum + fetch.bytes, 0);
  const expected = fetches.reduce((sum, fetch) => sum + fetch.expectedBytes, 0);
  return (
    `${(elapsedMs / 1000).toFixed(1).padStart(5)} s  ${phase}: bodies ${formatShare(bytes / expected)}, ` +
    `${report.ppp.icmp.verified + report.ppp.udp.verified} echoes, ${report.at.count} AT answers`
  );
}

/** The table at the end, and below it what was verified. */
export function renderReport(report: DemoReport, colours: Colours): string {
  const mark = (good: boolean): string => (good ? colours.green('ok') : colours.red('NOT OK'));
  const { icmp, udp } = report.ppp;
  const { toModule, fromModule, badFrames } = report.line;
  const { count, failed, p50Ms, p99Ms, maxMs } = report.at;
  return [
    portTable(report.ports, colours),
    `line    ${groupDigits(report.baudRate)} bit/s: to module ${formatBytes(toModule.bytes)}, ${formatShare(toModule.utilisation)} busy; ` +
      `from module ${formatBytes(fromModule.bytes)}, ${formatShare(fromModule.utilisation)} busy`,
    `        ${badFrames} damaged frames  ${mark(badFrames === 0)}`,
    `port 1  ICMP ${verified(icmp)}  ${mark(icmp.sent > 0 && icmp.sent === icmp.verified)}`,
    `        UDP  ${verified(udp)}  ${mark(udp.sent > 0 && udp.sent === udp.verified)}`,
    ...report.bodies.map((body, index) => {
      const figures = `${groupDigits(body.bytes)} bytes in ${body.seconds.toFixed(1)} s, CRC-32 ${body.crc32}`;
      return `${index === 0 ? 'port 2' : '      '}  ${body.url}  ${figures}  ${mark(body.verified)}`;
    }),
    `port 3  ${count} AT answers under this load: p50 ${formatMs(p50Ms)}, p99 ${formatMs(p99Ms)}, longest ${formatMs(maxMs)}  ` +
      mark(count > 0 && failed === 0),
    `end     sockets closed, PPP terminated, multiplexer closed, module answers AT  ${mark(Object.values(report.end).every(Boolean))}`,
    '',
    ...report.problems.map((problem) => colours.red(`! ${problem}`)),
    report.ok
      ? colours.green(`everything verified in ${report.seconds.toFixed(1)} s`)
      : colours.red(`not everything was verified (${report.seconds.toFixed(1)} s)`),
  ].join('\n');
}

/** Fits a terminal of 80 columns. */
function portTable(ports: readonly PortReport[], colours: Colours): string {
  const table = new Table({
    head: ['port', 'sent', 'received', 'goodput', 'share\nof line', 'frames\nsent', 'frames\nreceived', 'errors'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true, 'padding-right': 0 },
  });
  for (const port of ports) {
    table.push([
      `${port.port} ${port.what}`,
      formatBytes(port.bytesSent),
      formatBytes(port.bytesReceived),
      formatRate(port.goodputBytesPerSecond),
      formatShare(port.shareOfLine),
      groupDigits(port.framesSent),
      groupDigits(port.framesReceived),
      port.errors === 0 ? '0' : colours.red(String(port.errors)),
    ]);
  }
  return table.toString();
}

function percent(share: number): string {
  return formatShare(share).padStart(5);
}

function goodput(port: PortReport | undefined): string {
  return port === undefined || port.goodputBytesPerSecond === 0 ? '' : formatRate(port.goodputBytesPerSecond);
}

function echoes({ verified: good, lost, roundTrip }: EchoReport): string {
  if (good + lost === 0) return '';
  return `${good} echoes verified${lost === 0 ? '' : `, ${lost} LOST`}, p50 ${formatMs(roundTrip.p50Ms)}`;
}

function verified({ sent, verified: good, payloadBytes, roundTrip }: EchoReport): string {
  return (
    `${good} of ${sent} echoes verified, ${formatBytes(payloadBytes)} each way, ` +
    `p50 ${formatMs(roundTrip.p50Ms)}, p99 ${formatMs(roundTrip.p99Ms)}`
  );
}
