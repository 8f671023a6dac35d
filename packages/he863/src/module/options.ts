import type { Clock } from '@cellmux/port';

/** What the network asks of a PPP caller. */
export interface PppServerOptions {
  readonly auth: 'none' | 'pap' | 'chap-md5';
  readonly user?: string;
  readonly password?: string;
}

/** Options of {@link VirtualHe863}. */
export interface VirtualHe863Options {
  /** Names that the module resolves: `address` or `address:port`; keys `name` or `name:port`. */
  readonly hosts?: Readonly<Record<string, string>>;
  readonly ppp?: PppServerOptions;
  readonly clock?: Clock;
  /** Addresses that the network gives, by context number; default `10.64.0.<cid>`. */
  readonly addresses?: Readonly<Record<number, string>>;
  /** Seed of every random choice; 0 to 2^32-1, default 1. */
  readonly seed?: number;
}
