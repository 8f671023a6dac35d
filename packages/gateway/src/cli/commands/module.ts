import { describeFaults, VirtualHe863, type PacketNetwork } from '@cellmux/he863';
import { faultyLine, type Port } from '@cellmux/port';
import { Command, Option } from 'commander';
import type { FaultSpec } from '../../core/fault-spec.ts';
import type { HostPort } from '../../core/host-port.ts';
import { asError } from '../../errors/describe-error.ts';
import { joinPorts } from '../../gateway/join-ports.ts';
import type { CommandEnvironment } from '../command-environment.ts';
import type { ExitCode } from '../exit-codes.ts';
import { EXIT } from '../exit-codes.ts';
import { aborted } from '../interruption.ts';
import { openModulePlace, type ModulePlaceOptions } from '../module-place.ts';
import { faultSpec, hostEntry, integer, listenAddress, readPassword } from '../option-values.ts';
import type { OnDone } from '../program.ts';
import { usageError } from '../usage-error.ts';

interface ModuleOptions {
  readonly pty?: string;
  readonly tcp?: HostPort;
  readonly host?: Readonly<Record<string, string>>;
  readonly auth: 'none' | 'pap' | 'chap';
  readonly user?: string;
  readonly passwordFile?: string;
  readonly password?: string;
  readonly tun?: string;
  readonly faults?: FaultSpec;
  readonly baud?: number;
  readonly json?: boolean;
}

/** What the virtual HE863 gives itself and the caller on context 1, unless it is told otherwise. */
const MODULE_ADDRESS = '10.64.64.64';
const CALLER_ADDRESS = '10.64.0.1';

const AUTH = { none: 'none', pap: 'pap', chap: 'chap-md5' } as const;

const EXAMPLES = `
Examples:
  $ cellmux module --pty /tmp/modem                       a pty: any program may open /tmp/modem as its modem
  $ cellmux module --tcp 5000 --host files.example=127.0.0.1:8000
  $ cellmux module --pty /tmp/modem --auth pap --user me --password-file secret
  $ cellmux module --pty /tmp/modem --baud 115200 --faults flip=1e-5,seed=7,reset@30s
  $ cellmux module --tcp 5000 --faults coverage:30s@1m/5m,carrier:1@20s~10s/45s,line:5s@10m,seed=7

--faults takes any number of these, with commas between them. seed=N makes what is random repeatable.
Faults of the line, each a probability for an octet, both ways: drop=P, flip=P, insert=P, duplicate=P; for a slice
of the line: dropSlice=P, duplicateSlice=P; delay=MS; rechunk.
Faults of the module, NAME[:ARG...][@WHEN[~JITTER]][/EVERY]. Times are 500ms, 10s, 2m; a bare number is seconds.
WHEN counts from the start (at once unless given), JITTER is how much later it may be, EVERY repeats it. PORT is 0 for
the line, 1 to 3 for a virtual port.
${describeFaults()
  .map(({ form, meaning }) => `  ${form.padEnd(28)} ${meaning}`)
  .join('\n')}

It runs until SIGINT or SIGTERM. A pty outlives the programs that open it; on TCP each connection is a line, and the
next one finds the same module.`;

/** `cellmux module`: the virtual HE863 for any host software. */
export function moduleCommand(environment: CommandEnvironment, onDone: OnDone): Command {
  return new Command('module')
    .description('Run the virtual HE863 on a pty or on TCP, for any host software.')
    .option('--pty <link>', 'make a pty and link it there')
    .option('--tcp <[host:]port>', 'listen there; 127.0.0.1 unless a host is given', listenAddress)
    .option('--host <name=address[:port]>', 'a name that the module resolves; repeatable', hostEntry)
    .addOption(
      new Option('--auth <how>', 'what the network asks in PPP').choices(['none', 'pap', 'chap']).default('none'),
    )
    .option('--user <name>', 'the user that the network knows')
    .option('--password-file <file>', "that user's password: the file's first line; or CELLMUX_PASSWORD")
    .option('--password <password>', 'the same on the command line, where all users of the machine can read it')
    .option('--tun <name>', 'the far end of PPP on a TUN device, instead of a small network of its own')
    .option('--faults <spec>', 'what goes wrong with the line and the module: flip=1e-5,reset@20s,seed=7', faultSpec)
    .option('--baud <rate>', 'pace of the line in bit/s; as fast as it goes unless given', integer(300, 100_000_000))
    .option('--json', 'report as one JSON object a line')
    .addHelpText('after', EXAMPLES)
    .action(async (options: ModuleOptions) => {
      onDone(await runModule(options, environment));
    });
}

async function runModule(options: ModuleOptions, { console, signal }: CommandEnvironment): Promise<ExitCode> {
  const placeOptions = placeOf(options);
  const password =
    options.password ?? (await readPassword({ passwordFile: options.passwordFile, env: console.streams.env }));
  if (options.auth !== 'none' && (options.user === undefined || password === undefined)) {
    throw usageError(`--auth ${options.auth} needs --user and --password-file`);
  }
  const report = (event: { readonly type: string }, text: string): void => {
    if (options.json === true) console.printJson(event);
    else console.print(text);
  };
  await using tun = options.tun === undefined ? undefined : await openNetworkEnd(options.tun);
  await using module = new VirtualHe863({
    ...(options.host === undefined ? {} : { hosts: options.host }),
    ...(options.faults?.module === undefined ? {} : { faults: options.faults.module }),
    ...(options.faults?.seed === undefined ? {} : { seed: options.faults.seed >>> 0 }),
    ppp: {
      auth: AUTH[options.auth],
      ...(options.user === undefined ? {} : { user: options.user }),
      ...(password === undefined ? {} : { password }),
      ...(tun === undefined ? {} : { network: tun.network }),
    },
  });
  module.events$.subscribe((event) => {
    report(event, describeEvent(event));
  });
  const serve = (outside: Port): void => {
    module.serve(lineBetween(outside, options));
  };
  await using place = await openModulePlace(placeOptions);
  report({ type: 'listening', ...place.where }, `module: virtual HE863 on ${place.text}`);
  module.events$.subscribe((event) => {
    if (event.type === 'lineLost') place.linesLost(event.forMs);
  });
  place.start(serve);
  await Promise.race([aborted(signal), place.failed]);
  report({ type: 'ending' }, 'module: ending');
  signal.throwIfAborted();
  return EXIT.ok;
}

function placeOf({ pty, tcp }: ModuleOptions): ModulePlaceOptions {
  if (pty !== undefined && tcp === undefined) return { pty };
  if (tcp !== undefined && pty === undefined) return { tcp };
  throw usageError('the module needs one place for its line: --pty LINK or --tcp [HOST:]PORT');
}

/** The network behind PPP on a TUN device: this end has the module's own address, the caller is its peer. */
async function openNetworkEnd(name: string): Promise<AsyncDisposable & { readonly network: PacketNetwork }> {
  // Loaded when it is needed: it brings a native library.
  const { openTun } = await import('@cellmux/ppp/tun');
  const device = await openTun({ name, localAddress: MODULE_ADDRESS, peerAddress: CALLER_ADDRESS });
  return {
    network: {
      packets$: device.packets$,
      send: (packet) => {
        device.write(packet);
        return Promise.resolve();
      },
    },
    [Symbol.asyncDispose]: () => device.close(),
  };
}

/** The port that the module serves: the outside itself, or the far end of a line with a pace and faults. */
function lineBetween(outside: Port, { baud, faults }: ModuleOptions): Port {
  const { seed, module: _ofTheModule, ...rates } = faults ?? {};
  if (baud === undefined && Object.keys(rates).length === 0) return outside;
  const { dte, dce } = faultyLine({
    baudRate: baud,
    name: outside.name,
    faults: rates,
    ...(seed === undefined ? {} : { seed }),
  });
  void joinPorts(outside, dte);
  return dce;
}

function describeEvent(event: Readonly<Record<string, unknown>> & { readonly type: string }): string {
  const { type, error, ...rest } = event;
  const words = Object.entries(rest).map(([name, value]) => `${name} ${String(value)}`);
  if (error !== undefined) words.push(asError(error).message);
  return `module: ${type}${words.length === 0 ? '' : `: ${words.join(', ')}`}`;
}
