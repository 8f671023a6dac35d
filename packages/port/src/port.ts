import type { Observable } from 'rxjs';
import type { Circuits, PortRole } from './circuits.ts';

/** What a call that may take long accepts. */
export interface AbortOptions {
  /** Ends the call early; it then rejects with the signal's own reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A full-duplex byte channel with V.24 circuits: a serial line, a virtual port of a multiplexer, the data phase of a
 * call, a TCP connection. Every layer of cellmux takes Ports from below and gives Ports above.
 */
export interface Port extends AsyncDisposable {
  /** For people: a device path, `DLCI 2`, `tcp 127.0.0.1:5000`. */
  readonly name: string;
  /** Which circuits {@link setCircuits} drives. */
  readonly role: PortRole;

  /**
   * Bytes in arrival order; hot. A chunk is its subscriber's for good and is never overwritten. Bytes that arrive while
   * nobody subscribes are kept for the next subscriber, up to the port's `backlogLimitBytes`: that is how a port changes
   * hands without losing any. Past half of that bound the far side is asked to stop; past the bound the stream errors
   * with `ERR_PORT_OVERFLOW`.
   *
   * Completes when the port is closed from either side, after the last byte; errors with a {@link CellmuxError} when
   * the line fails. What arrived before is still delivered first, even to a subscriber that comes later.
   */
  readonly received$: Observable<Uint8Array>;

  /**
   * Sends bytes. Resolves when the layer below has taken them, which is the back-pressure: a sender that awaits each
   * call holds at most one chunk in memory. Calls may overlap; bytes leave in the order of the calls. The array must
   * not be changed before the call resolves.
   *
   * Rejects with `ERR_PORT_CLOSED` on a port that is closed or closes meanwhile, and then says in
   * `context.unsentBytes` how many of these bytes were certainly not sent, and in `cause` why, if the line was lost.
   * Rejects with the signal's reason on abort; what had left before is not called back.
   */
  send(bytes: Uint8Array, options?: AbortOptions): Promise<void>;

  /** Asks the far side to stop sending. What is under way still arrives and is still emitted. Idempotent. */
  pause(): void;
  /** Asks the far side to go on. Idempotent. */
  resume(): void;

  /** The circuits as they are now. */
  readonly circuits: Circuits;
  /** The circuits as they are now and after each change, each state once; completes on close. */
  readonly circuits$: Observable<Circuits>;
  /**
   * Sets circuits that this end drives. Resolves when the layer below has taken the change.
   *
   * Rejects with `ERR_PORT_CIRCUIT_NOT_OURS` for a circuit of the other end, `ERR_PORT_CLOSED` on a closed port. A
   * transport without circuits (TCP) keeps the value and tells nobody.
   */
  setCircuits(change: Partial<Circuits>): Promise<void>;

  /** True once {@link close} was called or the far side or the line ended it. */
  readonly isClosed: boolean;
  /**
   * Closes after what was accepted by {@link send} has left; resolves when closed, and never rejects. Calling it again
   * is fine and joins the first call.
   *
   * Where the far side takes no more (it is paused, it does not read), a port of a real device waits for some seconds
   * and a port in memory for ever; `signal` cuts the wait short. What has not left by then is dropped and its senders
   * are told. A far side that is gone is not waited for.
   */
  close(options?: AbortOptions): Promise<void>;
}
