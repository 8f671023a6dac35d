import { POLL_FINAL, SUPERVISORY } from './control-field.ts';
import type { SendTicket } from './send-queue.ts';

/*
 * The error-recovery mode, 3GPP TS 27.010 §6: HDLC's asynchronous balanced mode, modulo 8, on one DLC. V(S), V(R) and
 * N(S), N(R) are the standard's; V(A) is the oldest number not acknowledged.
 */

/** What is counted here. */
export interface RecoveryCounters {
  framesRepeated: number;
  rejectsSent: number;
}

/** A supervisory frame to be sent. */
export interface SupervisoryFrame {
  /** The control octet, P/F included. */
  readonly control: number;
  readonly isCommand: boolean;
}

/** An I frame to be sent. */
export interface InformationFrame {
  readonly control: number;
  readonly info: Uint8Array;
}

interface Unacknowledged {
  readonly info: Uint8Array;
  readonly finished: readonly SendTicket[];
}

const MODULUS = 8;

/** One end of a DLC in error-recovery mode. */
export class ErrorRecovery {
  /** When T1 runs out; Infinity while it does not run. */
  t1AtMs = Infinity;
  readonly #k: number;
  readonly #n2: number;
  readonly #t1Ms: number;
  readonly #counters: RecoveryCounters;
  /** V(A), V(R); V(S) is V(A) + #next. */
  #va = 0;
  #vr = 0;
  #unacknowledged: Unacknowledged[] = [];
  #next = 0;
  #peerIsBusy = false;
  #isBusy = false;
  /** RR with P = 1 was sent, and the frame with F = 1 is awaited; no I frame is sent meanwhile. */
  #isPolling = false;
  #tries = 0;
  #rejectSent = false;
  /** What is to be told with the next supervisory frame. */
  #due: 'nothing' | 'acknowledge' | 'reject' = 'nothing';
  #finalDue = false;
  #pollDue = false;
  /**
   * True once the peer was heard in the present numbering. The end that was sent SABM says nothing before: a second SABM
   * that was sent before its UA arrived would undo the numbering of what it had said.
   */
  #heard: boolean;

  constructor(options: {
    readonly k: number;
    readonly n2: number;
    readonly t1Ms: number;
    readonly counters: RecoveryCounters;
    /** This end sent SABM. */
    readonly opener: boolean;
  }) {
    this.#k = options.k;
    this.#n2 = options.n2;
    this.#t1Ms = options.t1Ms;
    this.#counters = options.counters;
    this.#heard = options.opener;
    if (options.opener) this.#due = 'acknowledge';
  }

  /** Frames that were sent and not acknowledged. */
  get outstanding(): number {
    return this.#unacknowledged.length;
  }

  /** True while a frame may be sent again, or `hasData` of new ones. */
  maySend(hasData: boolean): boolean {
    if (this.#peerIsBusy || this.#isPolling || !this.#heard) return false;
    return this.#next < this.#unacknowledged.length || (hasData && this.#unacknowledged.length < this.#k);
  }

  /** True where the next frame is one that was sent before. */
  get mustRepeat(): boolean {
    return this.#next < this.#unacknowledged.length;
  }

  /** The length of the frame to be repeated. */
  get repeatLength(): number {
    return this.#unacknowledged[this.#next]?.info.length ?? -1;
  }

  /** The frame to be repeated; only where {@link mustRepeat}. */
  repeat(nowMs: number): InformationFrame {
    const { info } = this.#unacknowledged[this.#next] as Unacknowledged;
    this.#counters.framesRepeated++;
    return this.#frame(info, nowMs);
  }

  /** A new frame; only where {@link maySend}. The array is kept. `finished` are through when it is acknowledged. */
  sendNew(info: Uint8Array, finished: readonly SendTicket[], nowMs: number): InformationFrame {
    this.#unacknowledged.push({ info, finished });
    return this.#frame(info, nowMs);
  }

  /** The supervisory frame that is due; undefined where none is. */
  takeSupervisory(nowMs: number): SupervisoryFrame | undefined {
    const ready = this.#isBusy ? SUPERVISORY.RNR : SUPERVISORY.RR;
    if (this.#finalDue) {
      this.#finalDue = false;
      this.#due = 'nothing';
      return { control: ready | POLL_FINAL | (this.#vr << 5), isCommand: false };
    }
    if (this.#pollDue) {
      this.#pollDue = false;
      this.#due = 'nothing';
      this.t1AtMs = nowMs + this.#t1Ms;
      return { control: ready | POLL_FINAL | (this.#vr << 5), isCommand: true };
    }
    if (this.#due === 'nothing') return undefined;
    const name = this.#due === 'reject' ? SUPERVISORY.REJ : ready;
    if (this.#due === 'reject') this.#counters.rejectsSent++;
    this.#due = 'nothing';
    return { control: name | (this.#vr << 5), isCommand: false };
  }

  /** True while {@link takeSupervisory} has something. */
  get isSupervisoryDue(): boolean {
    return this.#finalDue || this.#pollDue || this.#due !== 'nothing';
  }

  /** This end can take no more, or can again. What is under way is taken all the same. */
  setBusy(isBusy: boolean): void {
    if (this.#isBusy === isBusy) return;
    this.#isBusy = isBusy;
    if (this.#due !== 'reject') this.#due = 'acknowledge';
  }

  /** An I frame arrived; true where its information is the next in order. */
  receiveInformation(control: number, nowMs: number): boolean {
    this.#hear(nowMs);
    const ns = (control >> 1) & 7;
    this.#acknowledge(control >> 5, nowMs);
    if ((control & POLL_FINAL) !== 0) this.#finalDue = true;
    const ahead = (ns - this.#vr + MODULUS) % MODULUS;
    if (ahead === 0) {
      this.#vr = (this.#vr + 1) % MODULUS;
      this.#rejectSent = false;
      this.#due = 'acknowledge';
      return true;
    }
    // Behind it is one that was repeated, and another acknowledgement is all it needs.
    if (ahead < this.#k && !this.#rejectSent) {
      this.#rejectSent = true;
      this.#due = 'reject';
    } else if (this.#due === 'nothing') {
      this.#due = 'acknowledge';
    }
    return false;
  }

  /** RR, RNR or REJ arrived. */
  receiveSupervisory(control: number, isCommand: boolean, nowMs: number): void {
    this.#hear(nowMs);
    const kind = control & 0x0f;
    const nr = control >> 5;
    const isFinal = (control & POLL_FINAL) !== 0;
    if (isCommand && isFinal) this.#finalDue = true;
    this.#peerIsBusy = kind === SUPERVISORY.RNR;
    const isValid = this.#acknowledge(nr, nowMs);
    if (this.#isPolling && !isCommand && isFinal) {
      this.#isPolling = false;
      this.#pollDue = false;
      this.#tries = 0;
      // The peer says what it has: the rest goes out again.
      this.#next = 0;
      this.#restartT1(nowMs);
    } else if (kind === SUPERVISORY.REJ && isValid && !this.#isPolling) {
      this.#next = 0;
      this.#restartT1(nowMs);
    } else if (this.#peerIsBusy && this.t1AtMs === Infinity) {
      this.t1AtMs = nowMs + this.#t1Ms;
    }
  }

  /** T1 ran out: false where N2 polls were in vain, and only a reset is left. */
  timeout(nowMs: number): boolean {
    if (!this.#isPolling) this.#tries = 0;
    if (this.#tries > this.#n2) return false;
    this.#tries++;
    this.#isPolling = true;
    this.#pollDue = true;
    this.t1AtMs = nowMs + this.#t1Ms;
    return true;
  }

  /**
   * Begins anew after SABM and UA. Whether the peer has what was not acknowledged nobody can know: its senders are told.
   * True where such frames were given up; what is left of a send that was cut in two must then follow them.
   */
  restart(isOpener: boolean): boolean {
    const lost = this.#unacknowledged;
    this.#unacknowledged = [];
    this.#va = this.#vr = this.#next = 0;
    this.#peerIsBusy = this.#isPolling = this.#rejectSent = this.#finalDue = this.#pollDue = false;
    this.#tries = 0;
    this.t1AtMs = Infinity;
    this.#heard = isOpener;
    this.#due = isOpener ? 'acknowledge' : 'nothing';
    for (const { finished } of lost) for (const ticket of finished) ticket.dropped('reset');
    return lost.length > 0;
  }

  /** Gives up what is not acknowledged. */
  drop(reason: 'closed' | 'linkLost'): void {
    for (const { finished } of this.#unacknowledged.splice(0)) for (const ticket of finished) ticket.dropped(reason);
    this.t1AtMs = Infinity;
  }

  /** There is data and the peer has never spoken: it is asked to, so that this end may begin. */
  wake(nowMs: number): void {
    if (!this.#heard && this.t1AtMs === Infinity) this.t1AtMs = nowMs + 2 * this.#t1Ms;
  }

  #hear(nowMs: number): void {
    if (this.#heard) return;
    this.#heard = true;
    if (!this.#isPolling) this.#restartT1(nowMs);
  }

  #frame(info: Uint8Array, nowMs: number): InformationFrame {
    const ns = (this.#va + this.#next) % MODULUS;
    this.#next++;
    // N(R) goes with it, so no RR need.
    if (this.#due === 'acknowledge' && !this.#isBusy) this.#due = 'nothing';
    if (this.t1AtMs === Infinity) this.t1AtMs = nowMs + this.#t1Ms;
    return { control: (ns << 1) | (this.#vr << 5), info };
  }

  /** Takes all frames before N(R) as received; false where N(R) is none that could be. */
  #acknowledge(nr: number, nowMs: number): boolean {
    const count = (nr - this.#va + MODULUS) % MODULUS;
    if (count > this.#unacknowledged.length) return false;
    if (count === 0) return true;
    this.#va = nr;
    this.#next = Math.max(0, this.#next - count);
    for (const { finished } of this.#unacknowledged.splice(0, count)) for (const ticket of finished) ticket.done();
    if (!this.#isPolling) {
      this.#tries = 0;
      this.#restartT1(nowMs);
    }
    return true;
  }

  #restartT1(nowMs: number): void {
    this.t1AtMs = this.#unacknowledged.length > 0 || this.#peerIsBusy ? nowMs + this.#t1Ms : Infinity;
  }
}
