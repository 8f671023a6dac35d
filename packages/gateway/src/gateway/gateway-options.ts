import type { AtProfile } from '@cellmux/at';
import type { Clock, Port } from '@cellmux/port';
import type { ForwardRule } from '../core/forward-rule.ts';
import type { HostPort } from '../core/host-port.ts';
import type { LineName } from '../core/line-name.ts';

/** Options of {@link Gateway}. */
export interface GatewayOptions {
  /**
   * The line to the module, in AT command mode: a device, TCP, the virtual module, or a Port that is open already. A Port
   * that is handed in is left open when the gateway stops.
   */
  readonly line: LineName | Port;
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
  /** An HTTP proxy over IP Easy sockets. */
  readonly proxy?: HostPort | undefined;
  /** TCP forwards over IP Easy sockets. */
  readonly forwards?: readonly ForwardRule[] | undefined;
  /** Path of the control socket for `cellmux at`; none when left out. */
  readonly control?: string | undefined;
  /** A pty with AT on port 3 for other programs, linked at this path. */
  readonly atPty?: string | undefined;
  /** A pcapng file that records every CMUX frame; made anew. */
  readonly capture?: string | undefined;
  /** A TUN device for the packets of PPP; made, or taken when it is there. */
  readonly tun?: string | undefined;
  /** An address or name to ping through PPP for as long as the gateway is up. */
  readonly ping?: PingOptions | undefined;
  readonly clock?: Clock | undefined;
}

/** Options of the pings that a gateway sends. */
export interface PingOptions {
  /** An IPv4 address, or a name that the module resolves. */
  readonly host: string;
  /** From one ping to the next, milliseconds, 10 to 3 600 000; default 1000. */
  readonly intervalMs?: number | undefined;
}
