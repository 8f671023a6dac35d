import type { ForwardEvent } from './tcp-forward.ts';
import type { ProxyEvent } from './http-proxy.ts';

/**
 * What a gateway is doing. `up` means: all three ports work. It goes from `up` to `stopping` when it is told to stop and
 * when something below it ends.
 */
export type GatewayState =
  'idle' | 'openingLine' | 'startingMultiplexer' | 'openingPorts' | 'bringingUp' | 'up' | 'stopping' | 'stopped';

/** What a gateway takes down at its end, in this order. */
export type GatewayPart =
  'listeners' | 'packets' | 'tun' | 'ppp' | 'sockets' | 'ports' | 'multiplexer' | 'capture' | 'line';

/** What happened in a gateway, in order. Never holds a secret. */
export type GatewayEvent =
  | { readonly type: 'lineOpened'; readonly line: string }
  | { readonly type: 'multiplexerStarted' }
  | { readonly type: 'portsOpened' }
  | {
      readonly type: 'pppUp';
      readonly localAddress: string;
      readonly peerAddress: string;
      readonly dns: readonly string[];
    }
  | { readonly type: 'tunUp'; readonly name: string }
  | { readonly type: 'socketsUp'; readonly address: string }
  | { readonly type: 'listening'; readonly what: 'proxy' | 'forward' | 'control' | 'at'; readonly where: string }
  | { readonly type: 'urc'; readonly port: 1 | 2 | 3; readonly text: string }
  | { readonly type: 'pingAnswered'; readonly host: string; readonly sequence: number; readonly roundTripMs: number }
  | { readonly type: 'pingLost'; readonly host: string; readonly sequence: number; readonly error: unknown }
  | ProxyEvent
  | ForwardEvent
  /** A step of the end in order; `endFailed` when it was given up. */
  | { readonly type: 'ended'; readonly what: GatewayPart }
  | { readonly type: 'endFailed'; readonly what: GatewayPart; readonly error: unknown }
  /** After the end the module was asked `AT` on the bare line, and this is whether it answered. */
  | { readonly type: 'moduleInCommandMode'; readonly verified: boolean };

/** How a gateway ended. */
export interface GatewayEnd {
  /** Why it ended; undefined when it was told to stop. */
  readonly error: unknown;
  /** True when the module answered `AT` on the bare line afterwards. */
  readonly moduleInCommandMode: boolean;
}
