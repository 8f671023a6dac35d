import type { AtProfile } from '@cellmux/at';
import type { Clock, Port } from '@cellmux/port';
import type { FirewallRule } from '../core/firewall-rule.ts';
import type { ForwardRule } from '../core/forward-rule.ts';
import type { HostPort } from '../core/host-port.ts';
import type { IncomingRule } from '../core/incoming-rule.ts';
import type { LineName } from '../core/line-name.ts';
import type { CaptureRotation } from './frame-capture.ts';
import type { OpenLine } from './open-line.ts';

/** Options of {@link Gateway}. */
export interface GatewayOptions {
  /**
   * The line to the module: a device, TCP, the virtual module, a Port that is open already, or a function that opens one.
   * A Port that is handed in is left open when the gateway stops, and cannot be opened again when it is lost: then the
   * gateway ends. The other three are opened again for as long as it takes.
   */
  readonly line: LineName | Port | LineOpener;
  /**
   * Rate of a serial device in bit/s, 300 to 12 000 000; default 115200. Of another line only where it has a pace of its
   * own: what waits below the multiplexer is then kept short, and with it the time that an AT command waits.
   */
  readonly baudRate?: number | undefined;
  /** RTS/CTS on a serial device; default true. */
  readonly rtscts?: boolean | undefined;
  /**
   * What the module's AT interpreter needs; default that of the HE863, with 20 ms of silence between a final result and the
   * next command. The virtual module needs none, and `line: virtual` asks for none.
   */
  readonly atProfile?: AtProfile | undefined;
  /** Access point name of both contexts; default empty, which is the subscription's own. */
  readonly apn?: string | undefined;
  /** What the network asks for in PPP (PAP, CHAP) and at the activation of the IP Easy context. */
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** The context that PPP dials on port 1, 1 to 5; default 1. On the HE863 PPP works on context 1 only. */
  readonly pppCid?: number | undefined;
  /** The context of the IP Easy sockets on port 2, 1 to 5; default 2. */
  readonly socketCid?: number | undefined;
  /** The SIM's PIN, where it asks for one. It is tried once. */
  readonly pin?: string | undefined;
  /** How long the first start waits for the module to be registered, ms, 0 to 3 600 000; default 60 000. */
  readonly registrationLimitMs?: number | undefined;
  /** LCP Echo-Requests on a quiet call, one each so often, ms, 0 (none) or 100 to 3 600 000; default 20 000. */
  readonly pppEchoMs?: number | undefined;
  /**
   * T1 of the multiplexer, ms, 10 to 700: how long the module may take to answer a frame before that is sent again, three
   * times (3GPP TS 27.010 §5.7.1); default 100 and the time that the line itself takes. More for a line with a delay, TCP
   * over a radio link for one. T2, for what is asked on DLCI 0, is three times as long.
   */
  readonly t1Ms?: number | undefined;
  /** Silence after which the multiplexer is asked with Test whether it is there, ms, 0 (never) to 3 600 000; default 10 000. */
  readonly keepAliveMs?: number | undefined;
  /** From one look at signal, registration and contexts to the next, ms, 0 (never) or 1000 to 3 600 000; default 10 000. */
  readonly pollMs?: number | undefined;
  /** How the gateway restores what breaks; false: it ends at the first outage, with its error. */
  readonly recovery?: Partial<RecoveryOptions> | false | undefined;
  /** Resets the module where it does not listen to AT: by its power supply or a pin. */
  readonly resetModule?: ((options: { readonly signal: AbortSignal }) => Promise<void>) | undefined;
  /** How long a connection waits for the sockets while they are being restored, ms, 0 to 600 000; default 20 000. */
  readonly dialWaitMs?: number | undefined;
  /** Connections that wait for one of the six sockets, 0 to 65 536; default 64. One more is refused. */
  readonly queueLimit?: number | undefined;
  /** FTP jobs that wait while one runs, 0 to 1024; default 16. One more is refused. */
  readonly ftpQueueLimit?: number | undefined;
  /** An HTTP proxy over IP Easy sockets; beyond loopback it needs `proxyToken`. */
  readonly proxy?: HostPort | undefined;
  /** What clients of the proxy must give (Proxy-Authorization: password of Basic, or Bearer); default: nothing is asked for. */
  readonly proxyToken?: string | undefined;
  /** Where metrics (`/metrics`, Prometheus) and health (`/health`) are served; beyond loopback it needs `metricsToken`. */
  readonly metrics?: HostPort | undefined;
  /** What `/metrics` asks for, as `dashboardToken`; `/health` answers everybody. Default: nothing. */
  readonly metricsToken?: string | undefined;
  /** Where the live page is served; beyond loopback it needs `dashboardToken`. */
  readonly dashboard?: HostPort | undefined;
  /** What it asks for, as the password of HTTP Basic or as a Bearer; default: nothing. */
  readonly dashboardToken?: string | undefined;
  /** TCP forwards over IP Easy sockets. TCP has no place for a token: one beyond loopback is open to whoever reaches it. */
  readonly forwards?: readonly ForwardRule[] | undefined;
  /** Ports of the module that are listened on, and the local servers that their connections go on to. */
  readonly incoming?: readonly IncomingRule[] | undefined;
  /** Who may connect to `incoming`; without a rule the module lets nobody in. */
  readonly firewall?: readonly FirewallRule[] | undefined;
  /** Path of the control socket for `cellmux at`; none when left out. */
  readonly control?: string | undefined;
  /** A pty with AT on port 3 for other programs, linked at this path. */
  readonly atPty?: string | undefined;
  /** A pcapng file that records every frame of CMUX and PPP; made anew. */
  readonly capture?: string | undefined;
  /** Passwords and PINs are recorded as they are; default false: `*` stands for each of their octets. */
  readonly captureSecrets?: boolean | undefined;
  /** When `capture` goes on in another file. */
  readonly captureRotation?: CaptureRotation | undefined;
  /**
   * A folder in which the three virtual ports are given out as ptys `1`, `2` and `3`, for pppd, minicom and any other
   * program. They are theirs alone then: no PPP, no sockets, no AT of the gateway's own.
   */
  readonly ports?: string | undefined;
  /** A TUN device for the packets of PPP; made, or taken when it is there. */
  readonly tun?: string | undefined;
  /** What is routed into it: `default`, `10.0.0.0/8`; default nothing but the far end. */
  readonly routes?: readonly string[] | undefined;
  /** A file that gets the name servers for as long as the device is there, as `/etc/resolv.conf` has them. */
  readonly resolvConf?: string | undefined;
  /** An address or name to ping through PPP for as long as the gateway is up. */
  readonly ping?: PingOptions | undefined;
  readonly clock?: Clock | undefined;
}

/** Opens the line, each time that it is needed. */
export type LineOpener = (options: { readonly signal: AbortSignal }) => Promise<OpenLine>;

/** How a gateway restores what breaks. */
export interface RecoveryOptions {
  /** The pause after the first attempt that failed, ms, 10 to 3 600 000; default 1000. Each failure doubles it. */
  readonly firstPauseMs: number;
  /** The longest pause, ms, up to 86 400 000; default 300 000. */
  readonly longestPauseMs: number;
  /** What has worked this long starts with the mildest step again, ms; default 60 000. */
  readonly stableMs: number;
  /** An outage that lasts this long ends the gateway, ms; default Infinity: never. */
  readonly giveUpAfterMs: number;
  /** True: a first start that fails is an outage like any other, and is not given up. Default false. */
  readonly fromStart: boolean;
  /** Numbers from 0 to 1 that spread the pauses; default `Math.random`. */
  readonly random: () => number;
}

/** Options of the pings that a gateway sends. */
export interface PingOptions {
  /** An IPv4 address, or a name that the module resolves. */
  readonly host: string;
  /** From one ping to the next, milliseconds, 10 to 3 600 000; default 1000. */
  readonly intervalMs?: number | undefined;
}
