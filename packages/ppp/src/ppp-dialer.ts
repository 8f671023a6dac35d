import type { AbortOptions, Port } from '@cellmux/port';

/** A call in data mode, as an AT client gives it. */
export interface PppDataCall extends Port {
  /** Goes back to command mode; resolves with the module's answer. */
  escape(options?: AbortOptions): Promise<string>;
  /** Settles when data mode is over, with the module's last words in `text`. */
  readonly ended: Promise<{ readonly text: string }>;
}

/** What dials: the part of an AT client that a PPP call needs. */
export interface PppDialer {
  /** Runs a command; the response has its lines in `lines`. */
  command(line: string, options?: AbortOptions & { readonly timeoutMs?: number }): Promise<unknown>;
  /** Runs a command that ends in CONNECT. */
  connect(line: string, options?: AbortOptions & { readonly timeoutMs?: number }): Promise<PppDataCall>;
}

/** The information lines of a response; none where it has none. */
export function responseLines(response: unknown): readonly string[] {
  const { lines } = (response ?? {}) as { lines?: unknown };
  return Array.isArray(lines) ? lines.filter((line): line is string => typeof line === 'string') : [];
}
