import Table from 'cli-table3';
import type { Colours } from '../cli/console.ts';
import type { DemoProgress } from './demo.ts';
import type { DemoReport, EchoReport, PortReport } from './demo-report.ts';
import { bar, formatBytes, formatMs, formatRate, formatShare } from './render-text.ts';

/** How wide a screen is drawn at the most; narrower terminals get shorter bars. */
const MAXIMUM_COLUMNS = 100;

/** Where the text goes. */
export interface RenderOptions {
  readonly columns: number;
  readonly colours: Colours;
}

/** The screen while the demo works: one line for each thing that moves. */
export function renderScreen(progress: DemoProgress, { columns, colours }: RenderOptions): string {
  const { report, fetches } = progress;
  const width = Math.min(columns, MAXIMUM_COLUMNS);
  const barWidth = Math.max(8, width - 62);
  const drawn = (share: number, paint: (text: string) => string): string => {
    const { full, rest } = bar(share, barWidth);
    return `${paint(full)}${colours.dim(rest)}`;
  };
  const { icmp, udp, address, peer } = report.ppp;
  const rows = [
    `${colours.bold('cellmux demo')}  virtual HE863, one line at ${spaced(report.baudRate)} bit/s`,
    `${(progress.elapsedMs / 1000).toFixed(1).padStart(5)} s  ${progress.phase}`,
    '',
    row('line', 'to module', drawn(report.line.toModule.utilisation, colours.cyan), share(report.line.toModule)),
    row('', 'from module', drawn(report.line.fromModule.utilisation, colours.cyan), share(report.line.fromModule)),
    '',
    row('port 1', 'PPP', address === '' ? '' : `${address}, peer ${peer}`, ''),
    row('', 'ICMP', echoes(icmp), ''),
    row('', 'UDP', echoes(udp), rate(report.ports[0])),
    '',
    ...fetches.map(({ path, bytes, expectedBytes }, index) =>
      row(
        index === 0 ? 'port 2' : '',
        `HTTP ${path}`,
        drawn(bytes / expectedBytes, colours.green),
        `${formatShare(bytes / expectedBytes).padStart(5)}  ${formatBytes(bytes)}`,
      ),
    ),
    row('', '', '', rate(report.ports[1])),
    row(
      'port 3',
      'AT',
      report.at.count === 0
        ? ''
        : `${report.at.lastSignal}  ${report.at.count} answers, p50 ${formatMs(report.at.p50Ms)}, p99 ${formatMs(report.at.p99Ms)}`,
      '',
    ),
    '',
    progress.ended.length === 0 ? '' : `end    ${progress.ended.join(', ')}`,
  ];
  return rows.map((text) => text.trimEnd()).join('\n');
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

/** The table at the end. */
export function renderReport(report: DemoReport, colours: Colours): string {
  const table = new Table({
    head: ['port', 'to module', 'from module', 'goodput', 'share of line', 'frames out', 'frames in', 'errors'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const port of report.ports) {
    table.push([
      `${port.port} ${port.what}`,
      formatBytes(port.bytesSent),
      formatBytes(port.bytesReceived),
      formatRate(port.goodputBytesPerSecond),
      formatShare(port.shareOfLine),
      spaced(port.framesSent),
      spaced(port.framesReceived),
      port.errors === 0 ? '0' : colours.red(String(port.errors)),
    ]);
  }
  table.push([
    'line',
    formatBytes(report.line.toModule.bytes),
    formatBytes(report.line.fromModule.bytes),
    '',
    '',
    `${formatShare(report.line.toModule.utilisation)} busy`,
    `${formatShare(report.line.fromModule.utilisation)} busy`,
    String(report.line.badFrames),
  ]);
  const mark = (good: boolean): string => (good ? colours.green('ok') : colours.red('NOT OK'));
  const { icmp, udp } = report.ppp;
  const lines = [
    table.toString(),
    `port 1  ICMP ${verified(icmp)}  ${mark(icmp.sent > 0 && icmp.sent === icmp.verified)}`,
    `port 1  UDP  ${verified(udp)}  ${mark(udp.sent > 0 && udp.sent === udp.verified)}`,
    ...report.bodies.map(
      (body) =>
        `port 2  ${body.url}  ${formatBytes(body.bytes)} in ${body.seconds.toFixed(1)} s, CRC-32 ${body.crc32}  ${mark(body.verified)}`,
    ),
    `port 3  ${report.at.count} AT answers under this load: p50 ${formatMs(report.at.p50Ms)}, ` +
      `p99 ${formatMs(report.at.p99Ms)}, longest ${formatMs(report.at.maxMs)}  ${mark(report.at.count > 0 && report.at.failed === 0)}`,
    `end     sockets closed, PPP terminated, multiplexer closed, module answers AT  ${mark(Object.values(report.end).every(Boolean))}`,
    '',
    ...report.problems.map((problem) => colours.red(`! ${problem}`)),
    report.ok
      ? colours.green(`everything verified in ${report.seconds.toFixed(1)} s`)
      : colours.red(`not everything was verified (${report.seconds.toFixed(1)} s)`),
  ];
  return lines.join('\n');
}

function row(port: string, what: string, middle: string, right: string): string {
  return `${port.padEnd(6)} ${what.padEnd(14)} ${middle}  ${right}`;
}

function share({ bytes, utilisation }: { readonly bytes: number; readonly utilisation: number }): string {
  return `${formatShare(utilisation).padStart(5)}  ${formatBytes(bytes)}`;
}

function rate(port: PortReport | undefined): string {
  return port === undefined || port.goodputBytesPerSecond === 0 ? '' : formatRate(port.goodputBytesPerSecond);
}

function echoes({ sent, verified, roundTrip }: EchoReport): string {
  return sent === 0 ? '' : `${verified} of ${sent} echoes verified, p50 ${formatMs(roundTrip.p50Ms)}`;
}

function verified({ sent, verified: good, payloadBytes, roundTrip }: EchoReport): string {
  return (
    `${good} of ${sent} echoes verified, ${formatBytes(payloadBytes)} each way, ` +
    `p50 ${formatMs(roundTrip.p50Ms)}, p99 ${formatMs(roundTrip.p99Ms)}`
  );
}

/** Digits in groups of three. */
function spaced(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ' ');
}
