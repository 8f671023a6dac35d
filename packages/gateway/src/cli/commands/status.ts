import Table from 'cli-table3';
import { Command } from 'commander';
import { resolve } from 'node:path';
import { CAUSES } from '../../core/recovery/cause.ts';
import { askGateway } from '../../gateway/control-client.ts';
import { defaultControlPath } from '../../gateway/control-path.ts';
import type { GatewayStatus } from '../../gateway/gateway-status.ts';
import type { CommandEnvironment } from '../command-environment.ts';
import type { Colours } from '../console.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { OnDone } from '../program.ts';

interface StatusOptions {
  readonly control: string;
  /** A file; false to end the capture. */
  readonly capture?: string | false;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ cellmux status                              how the gateway is
  $ cellmux status --json | jq .network.signal.dbm
  $ cellmux status --capture line.pcapng        begins to record all frames of CMUX and PPP
  $ cellmux status --no-capture                 ends that

Exit status 0 while all three services work, 1 while one does not, 3 when no gateway runs.`;

/** `cellmux status`: how a gateway that runs is. */
export function statusCommand(environment: CommandEnvironment, onDone: OnDone): Command {
  return new Command('status')
    .description('Show how the gateway that runs is: line, ports, sockets, PPP, signal, outages.')
    .option('--control <path>', 'socket of the gateway', defaultControlPath(environment.console.streams.env))
    .option('--capture <file>', 'have the gateway begin to record all frames as pcapng')
    .option('--no-capture', 'have it end that')
    .option('--json', 'one JSON object')
    .addHelpText('after', EXAMPLES)
    .action(async (options: StatusOptions, command: Command) => {
      // commander sets a `--no-` option to true when nothing is said.
      const capture = command.getOptionValueSource('capture') === 'cli' ? options.capture : undefined;
      onDone(await runStatus(options, capture, environment));
    });
}

async function runStatus(
  { control, json }: StatusOptions,
  capture: string | false | undefined,
  { console, signal }: CommandEnvironment,
): Promise<ExitCode> {
  const question =
    capture === undefined
      ? ({ method: 'status' } as const)
      : ({ method: 'capture', path: capture === false ? null : resolve(capture) } as const);
  const status = (await askGateway(control, question, { signal })) as GatewayStatus;
  if (json === true) console.printJson(status);
  else console.print(renderStatus(status, console.colours));
  return status.state === 'up' ? EXIT.ok : EXIT.failed;
}

/** The status as a table that fits 80 columns. */
export function renderStatus(status: GatewayStatus, colours: Colours): string {
  const { line, ports, ppp, sockets, network, outages, pastOutages, listeners, capture } = status;
  const state = status.state === 'up' ? colours.green(status.state) : colours.yellow(status.state);
  const table = new Table({
    head: ['', 'state', 'sent', 'received', 'what'],
    colAligns: ['left', 'left', 'right', 'right', 'left'],
    colWidths: [11, 12, 11, 11, 29],
    wordWrap: true,
    style: { head: [], border: [] },
  });
  const works = (isFine: boolean, step: string | undefined): string =>
    isFine ? colours.green('works') : colours.yellow(step ?? 'down');
  table.push(['line', works(line.works, line.step), bytes(line.bytesSent), bytes(line.bytesReceived), line.name ?? '']);
  const what = {
    ppp: ppp.localAddress === undefined ? ppp.phase : `PPP ${ppp.localAddress}, peer ${ppp.peerAddress ?? '?'}`,
    sockets: `${sockets.open} of 6 sockets, ${sockets.waiting} waiting; ${sockets.address}`,
    at: [network.operator, network.packetRegistration, network.signal?.dbm && `${network.signal.dbm} dBm`]
      .filter(Boolean)
      .join(', '),
  };
  for (const port of ports) {
    table.push([
      `port ${port.dlci}`,
      works(port.works, port.step),
      bytes(port.bytesSent),
      bytes(port.bytesReceived),
      what[port.service],
    ]);
  }
  for (const { connId, state: socketState, remoteAddress, remotePort, bytesRead, bytesWritten } of sockets.rows) {
    const peer = remoteAddress === undefined ? '' : `${remoteAddress}:${remotePort ?? '?'}`;
    table.push([`socket ${connId}`, socketState, bytes(bytesWritten), bytes(bytesRead), peer]);
  }
  return [
    `${state} for ${duration(status.uptimeMs)}`,
    table.toString(),
    ...listeners.map((listener) => `${listener.what}: ${listener.where}`),
    ...(capture === undefined ? [] : [`capture: ${capture}`]),
    ...outages.map(({ services, cause }) => colours.yellow(`down: ${services.join(', ')}: ${CAUSES[cause].words}`)),
    ...pastOutages
      .slice(-5)
      .map(
        ({ endedAt, services, cause, durationMs }) =>
          `${endedAt.slice(0, 19)}Z ${services.join(', ')}: ${CAUSES[cause].words}, ${duration(durationMs)}`,
      ),
  ].join('\n');
}

function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  if (count < 1e6) return `${(count / 1000).toFixed(1)} kB`;
  return count < 1e9 ? `${(count / 1e6).toFixed(2)} MB` : `${(count / 1e9).toFixed(2)} GB`;
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}
