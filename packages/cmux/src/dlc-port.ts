import {
  CellmuxError,
  CircuitCable,
  DRIVEN_CIRCUITS,
  portClosedError,
  ReceiveStream,
  type AbortOptions,
  type Cancel,
  type Circuits,
  type Clock,
  type Port,
  type PortRole,
} from '@cellmux/port';
import type { Observable } from 'rxjs';
import { linkLostError } from './cmux-errors.ts';
import { BREAK_MAX_MS, type ModemStatus } from './core/modem-status.ts';
import type { DlcParameters } from './core/parameter-negotiation.ts';
import type { DropReason, SendTicket } from './core/send-queue.ts';

/** What a {@link DlcPort} needs of its multiplexer. */
export interface DlcPortLink {
  readonly clock: Clock;
  readonly lingerMs: number;
  readonly longestSend: number;
  readonly isFramed: boolean;
  readonly parameters: DlcParameters;
  /** Bytes that have left so far: tells whether a close makes progress. */
  readonly bytesSent: number;
  send(ticket: SendTicket): void;
  unsend(ticket: SendTicket): boolean;
  setSignals(signals: ModemStatus): void;
  close(drain: boolean, onClosed: (() => void) | undefined): void;
}

/** Options of {@link DlcPort}. */
export interface DlcPortOptions {
  readonly dlci: number;
  readonly role: PortRole;
  readonly backlogLimitBytes: number | undefined;
  readonly link: DlcPortLink;
}

/**
 * A virtual port: one DLC of a multiplexer. `pause()` and a backlog that nobody reads stop the peer on this DLC alone
 * (FC in MSC); circuits are the signals of MSC (3GPP TS 27.010 §5.4.6.3.7). `close()` sends what is queued, then DISC.
 */
export class DlcPort implements Port {
  readonly dlci: number;
  readonly name: string;
  readonly role: PortRole;
  readonly received$: Observable<Uint8Array>;
  readonly circuits$: Observable<Circuits>;
  readonly #link: DlcPortLink;
  readonly #stream: ReceiveStream;
  readonly #cable = new CircuitCable();
  #pausedByUser = false;
  #pausedByBacklog = false;
  #isOver = false;
  #closing: Promise<void> | undefined;
  #endBreak: Cancel = () => undefined;

  constructor({ dlci, role, backlogLimitBytes, link }: DlcPortOptions) {
    this.dlci = dlci;
    this.name = `DLCI ${dlci}`;
    this.role = role;
    this.#link = link;
    this.circuits$ = this.#cable.circuits$;
    this.#stream = new ReceiveStream({
      name: this.name,
      backlogLimitBytes,
      keepsChunks: link.isFramed,
      onBackpressure: (wanted) => {
        this.#pausedByBacklog = wanted;
        this.#tellSignals();
      },
      onOverflow: () => {
        // The peer does not obey FC: with a hole in its stream the DLC is of no more use.
        this.#link.close(false, undefined);
      },
    });
    this.received$ = this.#stream.bytes$;
  }

  get circuits(): Circuits {
    return this.#cable.circuits;
  }

  get isClosed(): boolean {
    return this.#isOver || this.#closing !== undefined;
  }

  /** What holds on this DLC: what was negotiated, or the standard's values. */
  get parameters(): DlcParameters {
    return this.#link.parameters;
  }

  /** The signals of this end, as MSC tells them. */
  get signals(): ModemStatus {
    const { dtr, rts, dsr, cts, ri, dcd } = this.circuits;
    const fc = this.#pausedByUser || this.#pausedByBacklog;
    const breakMs = this.circuits.break && this.#isOurBreak ? BREAK_MAX_MS : undefined;
    if (this.role === 'dte') return { fc, rtc: dtr, rtr: rts, ic: false, dv: true, breakMs };
    return { fc, rtc: dsr, rtr: cts, ic: ri, dv: dcd, breakMs };
  }

  #isOurBreak = false;

  /**
   * Sends bytes; see {@link Port.send}. Resolves when the line has taken the last of them; on a DLC in error-recovery mode,
   * when the peer has acknowledged them. With convergence layer 3 or 4 each call is one user frame, and each chunk of the
   * far `received$` is one; frames without octets do not exist there, as chunks without octets do not.
   *
   * Rejects besides with `ERR_CMUX_FRAME_TOO_LONG` (more than N1 octets with layer 3, than 64 KiB with layer 4), `ERR_CMUX_LINK_LOST` and
   * `ERR_CMUX_DLC_RESET` (error-recovery mode: whether the peer has them is not known).
   */
  send(bytes: Uint8Array, { signal }: AbortOptions = {}): Promise<void> {
    if (this.isClosed) return Promise.reject(portClosedError(this.name, bytes.length));
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    const longest = this.#link.longestSend;
    if (bytes.length > longest) {
      return Promise.reject(
        new CellmuxError(
          'ERR_CMUX_FRAME_TOO_LONG',
          `${this.name}: a frame of ${bytes.length} octets is longer than ${longest}`,
          {
            hint: 'Send shorter frames, or open the DLC with a larger N1.',
            context: { octets: bytes.length, longest },
          },
        ),
      );
    }
    if (bytes.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        if (this.#link.unsend(ticket)) reject(signal?.reason);
      };
      const ticket: SendTicket = {
        bytes,
        sent: 0,
        done: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
        dropped: (reason) => {
          signal?.removeEventListener('abort', onAbort);
          reject(this.#dropError(reason, bytes.length - ticket.sent));
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#link.send(ticket);
    });
  }

  pause(): void {
    if (this.#pausedByUser) return;
    this.#pausedByUser = true;
    this.#tellSignals();
  }

  resume(): void {
    if (!this.#pausedByUser) return;
    this.#pausedByUser = false;
    this.#tellSignals();
  }

  setCircuits(change: Partial<Circuits>): Promise<void> {
    const driven: readonly string[] = DRIVEN_CIRCUITS[this.role];
    const foreign = Object.keys(change).find((circuit) => !driven.includes(circuit));
    if (foreign !== undefined) {
      return Promise.reject(
        new CellmuxError(
          'ERR_PORT_CIRCUIT_NOT_OURS',
          `${this.name}: a ${this.role.toUpperCase()} does not drive ${foreign}`,
          { context: { circuit: foreign, role: this.role } },
        ),
      );
    }
    if (this.isClosed) return Promise.reject(portClosedError(this.name, 0));
    const before = this.signals;
    if (change.break !== undefined) this.#isOurBreak = change.break;
    this.#cable.change(change);
    const after = this.signals;
    if ((Object.keys(after) as (keyof ModemStatus)[]).some((name) => after[name] !== before[name])) this.#tellSignals();
    return Promise.resolve();
  }

  close(options?: AbortOptions): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    this.#closing ??= new Promise((resolve) => {
      let seenBytes = this.#link.bytesSent;
      const { clock, lingerMs } = this.#link;
      const giveUp = (): void => {
        this.#link.close(false, undefined);
      };
      const watch = (): void => {
        if (this.#link.bytesSent === seenBytes) {
          giveUp();
          return;
        }
        seenBytes = this.#link.bytesSent;
        cancel = clock.after(lingerMs, watch);
      };
      let cancel = clock.after(lingerMs, watch);
      const { signal } = options ?? {};
      signal?.addEventListener('abort', giveUp, { once: true });
      this.#link.close(true, () => {
        cancel();
        signal?.removeEventListener('abort', giveUp);
        resolve();
      });
      if (signal?.aborted === true) giveUp();
    });
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // What the multiplexer tells its port.

  /** Bytes arrived; they are given away. */
  received(bytes: Uint8Array): void {
    this.#stream.push(bytes);
  }

  /** The peer's signals arrived. */
  signalled({ rtc, rtr, ic, dv, breakMs }: ModemStatus): void {
    if (this.#isOver) return;
    this.#endBreak();
    const far = this.role === 'dte' ? { dsr: rtc, cts: rtr, ri: ic, dcd: dv } : { dtr: rtc, rts: rtr };
    this.#cable.change({ ...far, ...(this.#isOurBreak ? {} : { break: breakMs !== undefined }) });
    if (breakMs === undefined || breakMs === 0) return;
    this.#endBreak = this.#link.clock.after(breakMs, () => {
      if (!this.#isOurBreak) this.#cable.change({ break: false });
    });
  }

  /** The peer may have forgotten what this end has said. */
  ended(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#endBreak();
    this.#cable.end();
    if (error === undefined) this.#stream.complete();
    else this.#stream.fail(error);
  }

  #tellSignals(): void {
    if (!this.#isOver) this.#link.setSignals(this.signals);
  }

  #dropError(reason: DropReason, unsentBytes: number): CellmuxError {
    switch (reason) {
      case 'closed':
        return portClosedError(this.name, unsentBytes);
      case 'linkLost': {
        const { message, code, hint } = linkLostError(this.name);
        const text = message.slice(0, -code.length - 3);
        return new CellmuxError(code, text, { ...(hint === undefined ? {} : { hint }), context: { unsentBytes } });
      }
      case 'reset':
        return new CellmuxError('ERR_CMUX_DLC_RESET', `${this.name} began anew before these bytes were acknowledged`, {
          context: { unsentBytes },
        });
    }
  }
}
