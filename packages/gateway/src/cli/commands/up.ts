import { HE863_AT_PROFILE } from '@cellmux/at';
import { Command } from 'commander';
import type { ForwardRule } from '../../core/forward-rule.ts';
import type { HostPort } from '../../core/host-port.ts';
import type { LineName } from '../../core/line-name.ts';
import { asError, describeError, errorSentence } from '../../errors/describe-error.ts';
import { defaultControlPath } from '../../gateway/control-path.ts';
import type { GatewayEvent } from '../../gateway/gateway-events.ts';
import { Gateway } from '../../gateway/gateway.ts';
import type { CommandEnvironment } from '../command-environment.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { aborted } from '../interruption.ts';
import { forwardRule, integer, lineName, listenAddress, readPassword } from '../option-values.ts';
import type { OnDone } from '../program.ts';
import { describeGatewayEvent } from '../describe-gateway-event.ts';

interface UpOptions {
  readonly line: LineName;
  readonly baud: number;
  readonly rtscts: boolean;
  readonly atGap?: number;
  readonly apn: string;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly proxy?: HostPort;
  readonly forward?: readonly ForwardRule[];
  readonly tun?: string;
  readonly atPty?: string;
  readonly control: string | false;
  readonly capture?: string;
  readonly ping?: string;
  readonly pingInterval: number;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ cellmux up --line /dev/ttyUSB0 --apn internet --proxy 8080
  $ curl -x 127.0.0.1:8080 http://example.org/

  $ cellmux up --line /dev/ttyUSB0 --apn internet --user me --password-file secret \\
      --forward 2525:mail.example:25 --ping 8.8.8.8 --capture line.pcapng

  $ cellmux up --line tcp:127.0.0.1:5000 --proxy 8080     a module of \`cellmux module --tcp 5000\`
  $ cellmux up --line virtual --proxy 8080                no hardware at all

It runs until SIGINT or SIGTERM, or until the line, the multiplexer or the PPP call ends; then it closes the
sockets, terminates PPP, closes the multiplexer, and leaves the module in AT command mode.`;

/** `cellmux up`: the gateway. */
export function upCommand(environment: CommandEnvironment, onDone: OnDone): Command {
  return new Command('up')
    .description('Run the gateway: PPP on port 1, IP Easy sockets on port 2, AT on port 3 of one line.')
    .requiredOption('--line <line>', 'DEVICE, tcp:HOST:PORT, or virtual', lineName)
    .option('--baud <rate>', 'rate of a serial device in bit/s', integer(300, 12_000_000), 115_200)
    .option('--no-rtscts', 'no hardware flow control on a serial device')
    .option('--at-gap <ms>', 'silence the module wants between an answer and the next command; 20', integer(0, 1000))
    .option('--apn <name>', 'access point name', '')
    .option('--user <name>', 'user name for the network (PAP, CHAP)')
    .option('--password-file <file>', "its password: the file's first line; or in the environment, CELLMUX_PASSWORD")
    .option('--tun <name>', 'the packets of PPP on a TUN device; needs CAP_NET_ADMIN')
    .option('--proxy <[host:]port>', 'HTTP proxy over IP Easy sockets; 127.0.0.1 unless a host is given', listenAddress)
    .option('--forward <[addr:]port:host:port>', 'TCP forward over an IP Easy socket; repeatable', forwardRule)
    .option('--at-pty <link>', 'AT of port 3 on a pty, linked there')
    .option('--control <path>', 'socket for `cellmux at`', defaultControlPath(environment.console.streams.env))
    .option('--no-control', 'no socket for `cellmux at`')
    .option('--capture <file>', 'record all CMUX frames as pcapng, for Wireshark')
    .option('--ping <host>', 'ping this host through PPP as long as the gateway is up')
    .option('--ping-interval <ms>', 'from one ping to the next', integer(10, 3_600_000), 1000)
    .option('--json', 'report as one JSON object a line')
    .addHelpText('after', EXAMPLES)
    .action(async (options: UpOptions) => {
      onDone(await runUp(options, environment));
    });
}

async function runUp(options: UpOptions, { console, signal }: CommandEnvironment): Promise<ExitCode> {
  const password = await readPassword({ passwordFile: options.passwordFile, env: console.streams.env });
  const gateway = new Gateway({
    line: options.line,
    baudRate: options.baud,
    rtscts: options.rtscts,
    atProfile: options.atGap === undefined ? undefined : { ...HE863_AT_PROFILE, resultGapMs: options.atGap },
    apn: options.apn,
    user: options.user,
    password,
    proxy: options.proxy,
    forwards: options.forward,
    tun: options.tun,
    atPty: options.atPty,
    control: options.control === false ? undefined : options.control,
    capture: options.capture,
    ping: options.ping === undefined ? undefined : { host: options.ping, intervalMs: options.pingInterval },
  });
  const startedMs = performance.now();
  gateway.events$.subscribe((event) => {
    if (options.json === true) console.printJson(forScripts(event));
    else {
      const text = describeGatewayEvent(event, console.colours);
      if (text !== undefined) console.print(`${stamp(startedMs)}  ${text}`);
    }
  });
  await gateway.start({ signal });
  if (options.json === true) console.printJson({ type: 'up' });
  else console.print(`${stamp(startedMs)}  ${console.colours.green('up')}: all three ports work; Ctrl-C ends it`);
  await Promise.race([aborted(signal), gateway.ended]);
  await gateway.stop();
  const { error } = await gateway.ended;
  if (error !== undefined) throw asError(error);
  signal.throwIfAborted();
  return EXIT.ok;
}

function stamp(startedMs: number): string {
  return `${((performance.now() - startedMs) / 1000).toFixed(3).padStart(8)} s`;
}

/** An event as JSON: errors as their code and sentence. */
function forScripts(event: GatewayEvent): Record<string, unknown> {
  if (!('error' in event)) return { ...event };
  const description = describeError(event.error);
  return { ...event, error: { code: description.code, sentence: errorSentence(description) } };
}
