import { CAUSES, type Service, type Step } from '../core/recovery/cause.ts';
import { describeError, errorSentence } from '../errors/describe-error.ts';
import type { GatewayEvent, GatewayPart } from '../gateway/gateway-events.ts';
import type { Colours } from './console.ts';

const ENDED = {
  listeners: 'listener closed',
  ftp: 'FTP ended',
  sockets: 'sockets closed',
  packets: undefined,
  tun: 'TUN device removed',
  ppp: 'PPP terminated',
  ports: undefined,
  multiplexer: 'multiplexer closed',
  capture: 'capture closed',
  line: 'line closed',
} as const satisfies Record<GatewayPart, string | undefined>;

const SERVICE_WORDS: Readonly<Record<Service, string>> = { ppp: 'PPP', sockets: 'sockets', at: 'AT' };
const STEP_WORDS: Readonly<Record<Step, string>> = {
  redial: 'setting it up anew',
  reopenDlc: 'reopening its port',
  restartMultiplexer: 'restarting the multiplexer',
  resetModule: 'resetting the module',
  reopenLine: 'opening the line again',
};

function servicesWords(services: readonly Service[]): string {
  return services.map((service) => SERVICE_WORDS[service]).join(', ');
}

/** What became of a part at the end; undefined for what people need not see. */
export function endedWords(part: GatewayPart): string | undefined {
  return ENDED[part];
}

/** One line for people; undefined for what they need not see. */
export function describeGatewayEvent(event: GatewayEvent, colours: Colours): string | undefined {
  const wrong = (error: unknown): string => colours.yellow(errorSentence(describeError(error)));
  switch (event.type) {
    case 'lineOpened':
      return `line    ${event.line} open`;
    case 'multiplexerStarted':
      return 'line    multiplexer up';
    case 'portsOpened':
      return 'ports   1, 2 and 3 open';
    case 'pppUp': {
      const dns = event.dns.length === 0 ? '' : `, DNS ${event.dns.join(' ')}`;
      return `port 1  PPP up: ${event.localAddress}, peer ${event.peerAddress}${dns}`;
    }
    case 'tunUp':
      return `port 1  packets on TUN device ${event.name}`;
    case 'socketsUp':
      return `port 2  IP Easy up: ${event.address}`;
    case 'socketsInUse':
    case 'atCommand':
    case 'pppEcho':
    case 'signal':
      return undefined;
    case 'warning':
      return colours.yellow(`${event.message} (${event.code})`);
    case 'registration':
      return `module  registration: ${event.packetRegistration ?? event.registration ?? 'unknown'}`;
    case 'outageBegan':
      return colours.yellow(`${servicesWords(event.services)}: ${CAUSES[event.cause].words}; restoring`);
    case 'stepEnded':
      return event.error === undefined ? undefined : `        ${STEP_WORDS[event.step]}: ${wrong(event.error)}`;
    case 'outageEnded': {
      const seconds = (event.durationMs / 1000).toFixed(1);
      const steps = event.steps.filter(({ ok }) => ok).map(({ step }) => STEP_WORDS[step]);
      const helped = steps.length === 0 ? '' : ` by ${[...new Set(steps)].join(', ')}`;
      return colours.green(
        `${servicesWords(event.services)} back after ${seconds} s${helped}; the cause: ${CAUSES[event.cause].words}`,
      );
    }
    case 'gaveUp':
      return colours.red(`given up after ${(event.durationMs / 1000).toFixed(1)} s: ${CAUSES[event.cause].words}`);
    case 'capture':
      return event.path === undefined ? 'capture ended' : `capture to ${event.path}`;
    case 'incomingConnected':
      return `port 2  ${event.from} to ${event.target}`;
    case 'incomingFailed':
      return `port 2  ${event.from} to ${event.target}: ${wrong(event.error)}`;
    case 'ftpStarted':
      return `port 3  FTP to ${event.host}`;
    case 'ftpEnded': {
      const seconds = `${(event.durationMs / 1000).toFixed(1)} s`;
      return `port 3  FTP to ${event.host} ended after ${seconds}${event.error === undefined ? '' : `: ${wrong(event.error)}`}`;
    }
    case 'listening':
      return `        ${event.what}: ${event.where}`;
    case 'urc':
      // What IP Easy is told all the time is its own business.
      return /^SRING|^NO CARRIER/.test(event.text) ? undefined : `port ${event.port}  ${event.text}`;
    case 'pingAnswered':
      return `port 1  ping ${event.host} #${event.sequence}: ${event.roundTripMs.toFixed(1)} ms`;
    case 'pingLost':
      return `port 1  ping ${event.host} #${event.sequence}: ${wrong(event.error)}`;
    case 'proxyConnected':
      return `port 2  ${event.method} ${event.target}`;
    case 'proxyFailed':
      return `port 2  ${event.method} ${event.target}: ${wrong(event.error)}`;
    case 'forwardConnected':
      return `port 2  forward to ${event.target}`;
    case 'forwardFailed':
      return `port 2  forward to ${event.target}: ${wrong(event.error)}`;
    case 'ended': {
      const text = ENDED[event.what];
      return text === undefined ? undefined : `end     ${text}`;
    }
    case 'endFailed':
      return `end     ${event.what}: ${wrong(event.error)}`;
    case 'moduleInCommandMode':
      return event.verified
        ? 'end     the module answers AT in command mode'
        : colours.yellow('end     the module was not heard in command mode');
  }
}
