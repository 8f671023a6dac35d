import type { Registration } from '../core/network-state.ts';
import type { Cause, Patient, Service, Step } from '../core/recovery/cause.ts';
import type { FtpEvent } from './ftp-service.ts';
import type { ForwardEvent } from './tcp-forward.ts';
import type { ProxyEvent } from './http-proxy.ts';
import type { ListenerKind } from './start-listeners.ts';

/**
 * What a gateway is doing. `up` means: all three ports work; `degraded`: something does not, and is being restored. It
 * goes to `stopping` when it is told to stop and when it gives up.
 */
export type GatewayState =
  | 'idle'
  | 'openingLine'
  | 'startingMultiplexer'
  | 'openingPorts'
  | 'bringingUp'
  | 'up'
  | 'degraded'
  | 'stopping'
  | 'stopped';

/** How an AT command ended: `OK` or CONNECT, an error of the module, no answer in time, the port gone or the command given up. */
export const AT_RESULTS = ['ok', 'error', 'timeout', 'lost'] as const;
export type AtResult = (typeof AT_RESULTS)[number];

/** What a gateway takes down at its end, in this order. */
export type GatewayPart =
  'listeners' | 'ftp' | 'packets' | 'tun' | 'ppp' | 'sockets' | 'ports' | 'multiplexer' | 'capture' | 'line';

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
  | { readonly type: 'socketsInUse'; readonly count: number }
  | { readonly type: 'listening'; readonly what: ListenerKind; readonly where: string }
  | { readonly type: 'warning'; readonly code: string; readonly message: string }
  /** +CSQ; undefined where the module does not know. */
  | { readonly type: 'signal'; readonly dbm: number | undefined }
  | {
      readonly type: 'registration';
      readonly registration: Registration | undefined;
      readonly packetRegistration: Registration | undefined;
    }
  /** Something stopped working; it is told once more, with its end. */
  | { readonly type: 'outageBegan'; readonly id: number; readonly cause: Cause; readonly services: readonly Service[] }
  /** A step of the recovery has ended; `error` where it did not help. */
  | { readonly type: 'stepEnded'; readonly step: Step; readonly patient: Patient; readonly error?: unknown }
  /** All works again that stopped working then. */
  | {
      readonly type: 'outageEnded';
      readonly id: number;
      readonly cause: Cause;
      readonly services: readonly Service[];
      readonly durationMs: number;
      readonly steps: readonly { readonly step: Step; readonly patient: Patient; readonly ok: boolean }[];
    }
  /** An outage lasts too long, or nothing can end it: the gateway stops. */
  | { readonly type: 'gaveUp'; readonly cause: Cause; readonly durationMs: number }
  | { readonly type: 'incomingConnected'; readonly port: number; readonly from: string; readonly target: string }
  | {
      readonly type: 'incomingFailed';
      readonly port: number;
      readonly from: string;
      readonly target: string;
      readonly error: unknown;
    }
  | FtpEvent
  /** A command on a port has ended. Its text is not told: it may hold a secret. */
  | { readonly type: 'atCommand'; readonly port: 1 | 2 | 3; readonly result: AtResult; readonly durationMs: number }
  /** An LCP Echo-Request was answered; or was not, in time: `roundTripMs` is undefined. */
  | { readonly type: 'pppEcho'; readonly roundTripMs: number | undefined }
  | { readonly type: 'urc'; readonly port: 1 | 2 | 3; readonly text: string }
  | { readonly type: 'pingAnswered'; readonly host: string; readonly sequence: number; readonly roundTripMs: number }
  | { readonly type: 'pingLost'; readonly host: string; readonly sequence: number; readonly error: unknown }
  | ProxyEvent
  | ForwardEvent
  /** A capture began in this file, or ended. */
  | { readonly type: 'capture'; readonly path: string | undefined }
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
