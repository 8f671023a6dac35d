import { CellmuxError, checkInteger, checkOneOf, type Clock } from '@cellmux/port';
import type { AddressPool } from './address-pool.ts';
import { ipv4Option } from './address-pool.ts';
import { AUTH_PREFERENCE, AUTH_PROTOCOLS, type AuthProtocol } from './core/auth-protocol.ts';
import type { NegotiationLimits } from './core/negotiation-limits.ts';
import type { Crc32 } from './core/frame-format.ts';
import { DEFAULT_MRU, MINIMUM_MRU } from './core/lcp-options.ts';
import type { SessionConfiguration } from './core/session-types.ts';
import { utf8 } from './core/text.ts';

/** Times and counts of a link; every default is that of RFC 1661 §4.6 unless it says otherwise. */
export interface PppTiming {
  /** Restart timer of LCP, IPCP and IPV6CP in ms, 100 to 60000; default 3000. Longer than the line's round trip. */
  readonly restartMs?: number;
  /** Max-Configure, 1 to 255; default 10. */
  readonly maxConfigure?: number;
  /** Max-Terminate, 1 to 255; default 2. */
  readonly maxTerminate?: number;
  /** Max-Failure: Naks sent before options are rejected instead, 1 to 255; default 5. */
  readonly maxFailure?: number;
  /** Naks of IPCP received before they are taken as rejections, 1 to 10000; default 100: modules put us off with them. */
  readonly maxIpcpNaks?: number;
  /** Pause before IPCP asks again after a Nak that brought nothing new, in ms, 10 to 60000; default 500. */
  readonly stallMs?: number;
  /** PAP requests and CHAP challenges: time between two, in ms, 100 to 60000; default 3000. */
  readonly authRetryMs?: number;
  /** PAP requests and CHAP challenges, 1 to 255; default 10. */
  readonly authRetries?: number;
  /** The most that LCP may take, in ms, 1000 to 3600000; default 60000. */
  readonly establishTimeoutMs?: number;
  /** The most that authentication may take, in ms, 1000 to 3600000; default 60000. */
  readonly authTimeoutMs?: number;
  /** The most that IPCP and IPV6CP may take, in ms, 1000 to 3600000; default 90000: a context is activated meanwhile. */
  readonly networkTimeoutMs?: number;
}

/** LCP's keep-alive: Echo-Requests that must be answered. */
export interface PppKeepAlive {
  /** Time between two in ms, 100 to 3600000. */
  readonly intervalMs: number;
  /** Unanswered ones after which the link counts as dead, 1 to 255; default 3. */
  readonly failures?: number;
  /** Ask only where nothing was received since the last time; default true. */
  readonly adaptive?: boolean;
}

/** What both ends of a link may be told. */
export interface PppCommonOptions {
  /** The longest packet that we want to receive, 128 to 16384; default 1500. */
  readonly mru?: number;
  /** The longest packet that we send whatever the peer can take, 128 to 16384; default 1500. LTE likes 1358 to 1400. */
  readonly mtu?: number;
  /** Characters below 0x20 that the peer shall escape, bit n for character n; default 0: none. */
  readonly accm?: number;
  /** Ask for Protocol-Field-Compression; default true. */
  readonly pfc?: boolean;
  /** Ask for Address-and-Control-Field-Compression; default true. */
  readonly acfc?: boolean;
  /** Ask for a Magic-Number, without which a looped line is not noticed; default true. */
  readonly magicNumber?: boolean;
  /** Ask for FCS-32 and grant it: the `crc32` of `@cellmux/ppp/fcs32`. Default: FCS-16 only, which is what peers know. */
  readonly crc32?: Crc32;
  /** IPV6CP besides IPCP; default false: there are modules that hang up when they see it. */
  readonly ipv6?: boolean | { /** Eight octets; default random. */ readonly interfaceIdentifier: Uint8Array };
  /** Default: none. Not every module answers. */
  readonly keepAlive?: PppKeepAlive;
  readonly timing?: PppTiming;
  /** Take a dropped circuit (DCD at the terminal, DTR at the module) as the end of the call; default true. */
  readonly watchCarrier?: boolean;
  /** Packets that wait for the line, 1 to 65536; default 128. More are refused with `ERR_PPP_QUEUE_FULL`. */
  readonly sendQueuePackets?: number;
  /** Octets put into one `send` of the port, 1500 to 1048576; default 4096. */
  readonly batchBytes?: number;
  /** Every frame, unescaped and without FCS: for a capture of link type 204. */
  readonly onFrame?: (direction: 'sent' | 'received', frame: Uint8Array) => void;
  readonly clock?: Clock;
  /** Random octets for Magic-Numbers, challenges and identifiers; default the platform's. */
  readonly random?: (octets: number) => Uint8Array;
}

/** The terminal's end: dials, is given an address. */
export interface PppClientOptions extends PppCommonOptions {
  readonly role?: 'client';
  /** Our name; default empty. Most modules ask and do not look at the answer. */
  readonly user?: string;
  readonly password?: string;
  /**
   * How we show who we are: `auto` (default) takes whatever the peer asks for among PAP, CHAP-MD5 and MS-CHAPv2, and
   * proposes these in turn where it asks for anything else, PAP last; a name takes that one and proposes it where the peer
   * asks for another; `none` refuses all.
   */
  readonly auth?: 'auto' | 'none' | AuthProtocol;
  /** An address to insist on; default: the peer gives one. Modules may fall silent when they see one. */
  readonly localAddress?: string;
  /** Ask for the addresses of name servers; default true. */
  readonly requestDns?: boolean;
}

/** The network's end: asks who dials in, gives addresses. */
export interface PppServerOptions extends PppCommonOptions {
  readonly role: 'server';
  /** How the peer must show who it is; several, most wanted first, where it may choose. Default `none`. */
  readonly auth?: 'none' | AuthProtocol | readonly AuthProtocol[];
  /** The password of a user, undefined for one who is unknown; needed unless `auth` is `none`. */
  readonly verify?: (user: string) => string | undefined | Promise<string | undefined>;
  /** Our name in CHAP challenges; default `cellmux`. */
  readonly name?: string;
  /** A new CHAP challenge this often, in ms, 0 (never, the default) or 1000 to 86400000. */
  readonly rechallengeMs?: number;
  /** Our address; default: none is named, as many modules do. */
  readonly localAddress?: string;
  /** The peer's address, or where to take one from. */
  readonly peerAddress: string | AddressPool;
  /** Name servers for the peer, none to two. */
  readonly dns?: readonly string[];
  /** Say nothing until the peer has spoken, and wait for it without end; default false. */
  readonly passive?: boolean;
}

/** Options of {@link PppLink}. */
export type PppOptions = PppClientOptions | PppServerOptions;

/** Checks the options and makes of them what a session needs. `peerAddress` is the one taken from the pool. */
export function sessionConfiguration(options: PppOptions, peerAddress: string | undefined): SessionConfiguration {
  const timing = options.timing ?? {};
  const authLimits = {
    retryMs: checkInteger('timing.authRetryMs', timing.authRetryMs ?? 3000, 100, 60_000),
    maxRequests: checkInteger('timing.authRetries', timing.authRetries ?? 10, 1, 255),
  };
  const lcpLimits: NegotiationLimits = {
    restartMs: checkInteger('timing.restartMs', timing.restartMs ?? 3000, 100, 60_000),
    maxConfigure: checkInteger('timing.maxConfigure', timing.maxConfigure ?? 10, 1, 255),
    maxTerminate: checkInteger('timing.maxTerminate', timing.maxTerminate ?? 2, 1, 255),
    maxFailure: checkInteger('timing.maxFailure', timing.maxFailure ?? 5, 1, 255),
    maxNaksReceived: 20,
    maxRequestsReceived: 200,
    stallMs: checkInteger('timing.stallMs', timing.stallMs ?? 500, 10, 60_000),
  };
  const timeout = (name: 'establishTimeoutMs' | 'authTimeoutMs' | 'networkTimeoutMs', standard: number): number =>
    checkInteger(`timing.${name}`, timing[name] ?? standard, 1000, 3_600_000);
  const { keepAlive, ipv6 } = options;
  return {
    mru: checkInteger('mru', options.mru ?? DEFAULT_MRU, MINIMUM_MRU, 16_384),
    mtuLimit: checkInteger('mtu', options.mtu ?? DEFAULT_MRU, MINIMUM_MRU, 16_384),
    accm: checkInteger('accm', options.accm ?? 0, 0, 0xffffffff),
    magicNumber: options.magicNumber ?? true,
    pfc: options.pfc ?? true,
    acfc: options.acfc ?? true,
    crc32: options.crc32,
    ipv6:
      ipv6 === undefined || ipv6 === false
        ? undefined
        : { identifier: ipv6 === true ? undefined : checkIdentifier(ipv6.interfaceIdentifier) },
    lcpLimits,
    networkLimits: {
      ...lcpLimits,
      maxNaksReceived: checkInteger('timing.maxIpcpNaks', timing.maxIpcpNaks ?? 100, 1, 10_000),
    },
    authLimits,
    establishTimeoutMs: timeout('establishTimeoutMs', 60_000),
    authTimeoutMs: timeout('authTimeoutMs', 60_000),
    networkTimeoutMs: timeout('networkTimeoutMs', 90_000),
    echo:
      keepAlive === undefined
        ? undefined
        : {
            intervalMs: checkInteger('keepAlive.intervalMs', keepAlive.intervalMs, 100, 3_600_000),
            failures: checkInteger('keepAlive.failures', keepAlive.failures ?? 3, 1, 255),
            adaptive: keepAlive.adaptive ?? true,
          },
    ...(options.role === 'server' ? serverPart(options, peerAddress) : clientPart(options)),
  };
}

type RolePart = Pick<
  SessionConfiguration,
  | 'credentials'
  | 'acceptAuth'
  | 'demandAuth'
  | 'authenticatorName'
  | 'rechallengeMs'
  | 'ipv4'
  | 'passive'
  | 'watchModemText'
>;

function clientPart(options: PppClientOptions): RolePart {
  const auth = checkOneOf('auth', options.auth ?? 'auto', ['auto', 'none', ...AUTH_PROTOCOLS]);
  return {
    credentials: {
      user: checkName('user', options.user ?? ''),
      password: checkName('password', options.password ?? ''),
    },
    acceptAuth: auth === 'auto' ? AUTH_PREFERENCE : auth === 'none' ? [] : [auth],
    demandAuth: [],
    authenticatorName: '',
    rechallengeMs: 0,
    ipv4: {
      localAddress: options.localAddress === undefined ? 0 : ipv4Option('localAddress', options.localAddress),
      needsAddress: true,
      peerAddress: undefined,
      requestDns: options.requestDns ?? true,
      dns: [],
    },
    passive: false,
    watchModemText: true,
  };
}

function serverPart(options: PppServerOptions, peerAddress: string | undefined): RolePart {
  const auth = options.auth ?? 'none';
  const demandAuth: readonly AuthProtocol[] = auth === 'none' ? [] : typeof auth === 'string' ? [auth] : auth;
  for (const protocol of demandAuth) checkOneOf('auth', protocol, AUTH_PROTOCOLS);
  if (demandAuth.length > 0 && options.verify === undefined) {
    throw new CellmuxError('ERR_OPTION_RANGE', 'verify is needed where the peer must authenticate', {
      context: { option: 'verify' },
    });
  }
  const dns = options.dns ?? [];
  checkInteger('dns.length', dns.length, 0, 2);
  const rechallengeMs = options.rechallengeMs ?? 0;
  return {
    credentials: { user: '', password: '' },
    acceptAuth: [],
    demandAuth,
    authenticatorName: checkName('name', options.name ?? 'cellmux'),
    rechallengeMs: rechallengeMs === 0 ? 0 : checkInteger('rechallengeMs', rechallengeMs, 1000, 86_400_000),
    ipv4: {
      localAddress: options.localAddress === undefined ? undefined : ipv4Option('localAddress', options.localAddress),
      needsAddress: false,
      peerAddress: peerAddress === undefined ? undefined : ipv4Option('peerAddress', peerAddress),
      requestDns: false,
      dns: dns.map((address) => ipv4Option('dns', address)),
    },
    passive: options.passive ?? false,
    watchModemText: false,
  };
}

/** Names and passwords travel in fields of one length octet. The value is not shown: it may be a secret. */
function checkName(option: string, value: string): string {
  const octets = utf8(value).length;
  if (octets <= 255) return value;
  throw new CellmuxError('ERR_OPTION_RANGE', `${option} must have at most 255 octets, not ${octets}`, {
    context: { option, octets },
  });
}

function checkIdentifier(identifier: Uint8Array): Uint8Array {
  checkInteger('ipv6.interfaceIdentifier.length', identifier.length, 8, 8);
  return identifier;
}
