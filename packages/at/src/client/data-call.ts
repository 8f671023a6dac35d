import type { AbortOptions, Port } from '@cellmux/port';

/** Why data mode ended. */
export interface DataCallEnd {
  readonly reason:
    /** The module said NO CARRIER, or DCD went off. */
    | 'noCarrier'
    /** The escape sequence was obeyed. */
    | 'escaped'
    /** DTR was dropped and the module obeyed. */
    | 'dtr'
    /** The line below was closed or failed. */
    | 'lineLost'
    /** The call was closed and the module did not answer. */
    | 'closed';
  /** The result line, empty when there was none. */
  readonly text: string;
}

/** How a call leaves data mode. */
export interface EscapeOptions extends AbortOptions {
  /** Default as in the profile. */
  readonly by?: '+++' | 'dtr' | undefined;
}

/**
 * The data phase of a call, from CONNECT to the result line that ends it: what the far side sends, byte for byte,
 * beginning right behind CONNECT. A Port like any other; `received$` completes when data mode ends.
 */
export interface DataCall extends Port {
  /** What stood behind CONNECT: `115200`, or empty. */
  readonly connectText: string;
  /**
   * Goes back to command mode without hanging up. Resolves with the module's answer, `OK` or `NO CARRIER`. The client
   * takes commands again afterwards, and this port has ended.
   *
   * Waits for what was sent before, then for the guard time of S12; `send` rejects meanwhile. Rejects with
   * `ERR_AT_ESCAPE_FAILED` when the module does not answer; data mode then goes on. An abort before the sequence has been
   * sent leaves data mode on; afterwards the escape goes on and only its caller is let go.
   */
  escape(options?: EscapeOptions): Promise<string>;
  /** Settles when data mode has ended; never rejects. */
  readonly ended: Promise<DataCallEnd>;
  /** Escapes, and hangs up where the call was made so. Resolves when the client takes commands again, or gave up; never rejects. */
  close(options?: AbortOptions): Promise<void>;
}
