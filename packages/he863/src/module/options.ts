import { checkInteger, checkOneOf, systemClock, type Clock } from '@cellmux/port';
import type { PacketNetwork } from '../network/packet-network.ts';
import type { SocketOptions } from '../sockets/index.ts';
import type { FaultPlan } from './faults/fault.ts';
import type { JsonValue } from './module-services.ts';

/** What the network asks of a PPP caller, and what it gives. */
export interface PppServerOptions {
  /** Default `none`. */
  readonly auth?: 'none' | 'pap' | 'chap-md5' | 'ms-chap-v2';
  readonly user?: string;
  readonly password?: string;
  /** The module's own end; default 10.64.64.64. */
  readonly localAddress?: string;
  /** Name servers that IPCP gives; default the module's own end. */
  readonly dns?: readonly string[];
  /** Where the packets go; default a small network of its own that answers ICMP echo, UDP echo and DNS. */
  readonly network?: PacketNetwork;
}

/** Options of {@link VirtualHe863}. */
export interface VirtualHe863Options extends SocketOptions {
  /** Names that the module resolves: `address` or `address:port`; keys `name` or `name:port`. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** Whether other names are asked of the machine's resolver; default true. */
  readonly machineNames?: boolean;
  readonly ppp?: PppServerOptions;
  readonly clock?: Clock | undefined;
  /** Addresses that the network gives, by context number; default `10.64.0.<cid>`. */
  readonly addresses?: Readonly<Record<number, string>>;
  /** User and password that an activation by `#SGACT` must give; default: any. */
  readonly apnUser?: string;
  readonly apnPassword?: string;
  /** How `#SGACTAUTH` must say that they are given, else +CME ERROR 149; default `any`. */
  readonly apnAuth?: 'any' | 'pap' | 'chap';
  /** How long an activation takes, in ms, 0 to 150000; default 0. */
  readonly activationMs?: number;
  /** From power-on to registration, in ms, 0 to 3600000; default 0. */
  readonly registrationMs?: number;
  /** From a reset until AT is answered again, in ms, 0 to 60000; default 500. */
  readonly bootMs?: number;
  /** The SIM's PIN; default: none is asked for. */
  readonly pin?: string;
  /** +CSQ's `<rssi>`, 0 to 31 or 99; default 21. */
  readonly signalQuality?: number;
  /** Largest information field of a frame, 1 to 1500 bytes; default 127. */
  readonly n1?: number;
  /** Virtual ports, 1 to 3; default 3. */
  readonly dlciCount?: number;
  /** AT+CMUX with more than `<mode>,<subset>`: refused with +CME ERROR 4, or taken and ignored; default `refuse`. */
  readonly cmuxParameters?: 'refuse' | 'ignore';
  /** From AT+CMUX to the first SABM, in ms, before AT is back; 100 to 60000, default 5000. */
  readonly cmuxStartMs?: number;
  /** Contexts that `D*99***<cid>#` may dial; default `first`: 1 alone. */
  readonly pppContexts?: 'first' | 'all';
  /** Characters of a command line, 8 to 4096; default 80. */
  readonly maximumLineLength?: number;
  /** Contents of the module's memory at the start, and who is told when it changes. */
  readonly nvm?: Readonly<Record<string, JsonValue>>;
  readonly onNvmChange?: (contents: Readonly<Record<string, JsonValue>>) => void;
  /** What goes wrong, and when: a plan, or its text as `parseFaults` reads it. */
  readonly faults?: FaultPlan | string;
  /** Seed of every random choice; 0 to 2^32-1, default 1. */
  readonly seed?: number;
}

/** Options that are checked once, with their defaults. */
export interface CheckedOptions {
  readonly clock: Clock;
  readonly activationMs: number;
  readonly registrationMs: number;
  readonly bootMs: number;
  readonly signalQuality: number;
  readonly n1: number;
  readonly dlciCount: number;
  readonly cmuxParameters: 'refuse' | 'ignore';
  readonly cmuxStartMs: number;
  readonly pppContexts: 'first' | 'all';
  readonly apnAuth: 'any' | 'pap' | 'chap';
  readonly pppAuth: 'none' | 'pap' | 'chap-md5' | 'ms-chap-v2';
  readonly seed: number;
}

/**
 * Checks what can be checked before anything starts.
 *
 * @throws CellmuxError `ERR_OPTION_RANGE`
 */
export function checkOptions(options: VirtualHe863Options): CheckedOptions {
  const { signalQuality = 21 } = options;
  if (signalQuality !== 99) checkInteger('signalQuality', signalQuality, 0, 31);
  return {
    clock: options.clock ?? systemClock,
    activationMs: checkInteger('activationMs', options.activationMs ?? 0, 0, 150_000),
    registrationMs: checkInteger('registrationMs', options.registrationMs ?? 0, 0, 3_600_000),
    bootMs: checkInteger('bootMs', options.bootMs ?? 500, 0, 60_000),
    signalQuality,
    n1: checkInteger('n1', options.n1 ?? 127, 1, 1500),
    dlciCount: checkInteger('dlciCount', options.dlciCount ?? 3, 1, 3),
    cmuxParameters: checkOneOf('cmuxParameters', options.cmuxParameters ?? 'refuse', ['refuse', 'ignore']),
    cmuxStartMs: checkInteger('cmuxStartMs', options.cmuxStartMs ?? 5000, 100, 60_000),
    pppContexts: checkOneOf('pppContexts', options.pppContexts ?? 'first', ['first', 'all']),
    apnAuth: checkOneOf('apnAuth', options.apnAuth ?? 'any', ['any', 'pap', 'chap']),
    pppAuth: checkOneOf('ppp.auth', options.ppp?.auth ?? 'none', ['none', 'pap', 'chap-md5', 'ms-chap-v2']),
    seed: checkInteger('seed', options.seed ?? 1, 0, 0xffff_ffff),
  };
}
