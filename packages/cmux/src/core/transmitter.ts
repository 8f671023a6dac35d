import { CONTROL } from './control-field.ts';
import type { Dlc } from './dlc.ts';
import type { ErrorRecovery, InformationFrame } from './error-recovery.ts';
import { addressOf, AdvancedEncoder, advancedFrameLimit, BASIC_OVERHEAD, encodeBasic } from './frame-encoder.ts';
import type { LinkCounters } from './link-counters.ts';
import type { Scheduler } from './scheduler.ts';
import type { SendTicket } from './send-queue.ts';

/** A frame that goes before all data: unnumbered and supervisory frames, and the control channel. */
export interface UrgentFrame {
  readonly dlci: number;
  readonly control: number;
  /** 1 in what the initiator commands and the responder answers. */
  readonly commandResponse: 0 | 1;
  readonly info: Uint8Array;
  /** Called when it has been written into a batch. */
  readonly onSent?: ((nowMs: number) => void) | undefined;
}

/** Whole frames for the line. */
export interface Batch {
  readonly bytes: Uint8Array;
  /** To be told when the line has taken the batch. */
  readonly finished: readonly SendTicket[];
}

const NOTHING = new Uint8Array(0);

/** Options of {@link Transmitter}. */
export interface TransmitterOptions {
  readonly option: 'basic' | 'advanced';
  readonly softwareFlow: boolean;
  readonly isInitiator: boolean;
  readonly scheduler: Scheduler;
  readonly counters: LinkCounters;
}

/** Sees each frame that is sent. */
export type SentFrameWatcher = (address: number, control: number, info: Uint8Array, start: number, end: number) => void;

/** Most urgent frames that wait with answers among them: more is a peer that asks faster than its own line takes answers. */
export const URGENT_LIMIT = 256;

/**
 * Makes frames of what is to be sent: urgent ones first, then data as the scheduler says. Frames are whole in a batch, so
 * nothing can come between their octets.
 */
export class Transmitter {
  watcher: SentFrameWatcher | undefined;
  /** The peer has sent FCoff: nothing but the control channel may leave (§5.4.6.3.6). */
  dataStopped = false;
  /** The peer sleeps (§5.4.7): nothing but what wakes it may leave. */
  isHeld = false;
  /** The line has sent XOFF: nothing at all may leave. */
  isLineStopped = false;
  readonly #options: TransmitterOptions;
  readonly #advanced: AdvancedEncoder;
  /** DLCs in error-recovery mode. */
  readonly #recovering = new Set<Dlc>();
  #raw: Uint8Array = NOTHING;
  #urgent: UrgentFrame[] = [];
  #scratch = new Uint8Array(4096);
  #info = new Uint8Array(256);

  constructor(options: TransmitterOptions) {
    this.#options = options;
    this.#advanced = new AdvancedEncoder(options.softwareFlow);
  }

  /** True while urgent frames wait. */
  get hasUrgent(): boolean {
    if (this.#urgent.length > 0 || this.#raw.length > 0) return true;
    if (this.#recovering.size === 0) return false;
    for (const dlc of this.#recovering) if (dlc.recovery?.isSupervisoryDue === true) return true;
    return false;
  }

  /** The supervisory frames of this DLC are to be sent. */
  addRecovering(dlc: Dlc): void {
    this.#recovering.add(dlc);
  }

  removeRecovering(dlc: Dlc): void {
    this.#recovering.delete(dlc);
  }

  /** True while octets wait that leave even when the rest is held. */
  get hasRaw(): boolean {
    return this.#raw.length > 0;
  }

  /** Sends octets as they are: flags that wake or answer. Those before that did not leave yet are replaced. */
  raw(octets: Uint8Array): void {
    this.#raw = octets;
  }

  urgent(frame: UrgentFrame): void {
    // Who asks wants to know when it leaves; one of a kind and DLC is all there is of these.
    const isAnswer = frame.onSent === undefined;
    if (isAnswer && this.#urgent.length >= URGENT_LIMIT) {
      this.#options.counters.answersDropped++;
      return;
    }
    this.#urgent.push(frame);
  }

  /** Takes urgent frames out that are no longer wanted. */
  forget(isUnwanted: (frame: UrgentFrame) => boolean): void {
    this.#urgent = this.#urgent.filter((frame) => !isUnwanted(frame));
  }

  /**
   * The next frames, together at most `limit` octets, no more of them once there are `enough` octets; with `atLeastOne`,
   * one frame even if it is longer. Undefined where nothing fits or nothing waits.
   */
  poll(limit: number, enough: number, atLeastOne: boolean, nowMs: number): Batch | undefined {
    const finished: SendTicket[] = [];
    if (this.isLineStopped) return undefined;
    if (this.#raw.length > 0) {
      const bytes = this.#raw;
      this.#raw = NOTHING;
      return { bytes, finished };
    }
    if (this.isHeld) return undefined;
    let at = 0;
    let count = 0;
    while (count < this.#urgent.length && (at === 0 || at < enough)) {
      const frame = this.#urgent[count] as UrgentFrame;
      const limitOfFrame = this.#limitOf(frame.info.length);
      if (at + limitOfFrame > limit && !(atLeastOne && at === 0)) break;
      this.#makeRoom(at + limitOfFrame, at);
      const { dlci, control, commandResponse, info } = frame;
      at = this.#encode(at, addressOf(dlci, commandResponse), control, info, 0, info.length);
      frame.onSent?.(nowMs);
      count++;
    }
    const isUrgentDone = count === this.#urgent.length;
    this.#urgent.splice(0, count);
    if (isUrgentDone) {
      at = this.#pollSupervisory(at, limit, atLeastOne, nowMs);
      at = this.#pollData(at, limit, enough, atLeastOne, finished, nowMs);
    }
    if (at === 0) return undefined;
    return { bytes: this.#scratch.slice(0, at), finished };
  }

  #pollSupervisory(start: number, limit: number, atLeastOne: boolean, nowMs: number): number {
    let at = start;
    for (const dlc of this.#recovering) {
      const needed = this.#limitOf(0);
      if (at + needed > limit && !(atLeastOne && at === 0)) break;
      if (dlc.state === 'resetting') continue;
      const frame = dlc.recovery?.takeSupervisory(nowMs);
      if (frame === undefined) continue;
      this.#makeRoom(at + needed, at);
      const commandResponse = frame.isCommand === this.#options.isInitiator ? 1 : 0;
      at = this.#encode(at, addressOf(dlc.dlci, commandResponse), frame.control, NOTHING, 0, 0);
    }
    return at;
  }

  #pollData(
    start: number,
    limit: number,
    enough: number,
    atLeastOne: boolean,
    finished: SendTicket[],
    nowMs: number,
  ): number {
    const { scheduler, isInitiator } = this.#options;
    let at = start;
    for (;;) {
      const room = atLeastOne && at === 0 ? Infinity : limit - at;
      if (room < BASIC_OVERHEAD || (at > 0 && at >= enough)) return at;
      const dlc = scheduler.next(this.dataStopped, (length) => this.#limitOf(length) <= room);
      if (dlc === undefined) return at;
      const length = dlc.nextLength(this.dataStopped);
      this.#makeRoom(at + this.#limitOf(length), at);
      const address = addressOf(dlc.dlci, isInitiator ? 1 : 0);
      if (dlc.recovery !== undefined) {
        const { control, info } = nextInformation(dlc, dlc.recovery, length, nowMs);
        at = this.#encode(at, address, control, info, 0, length);
      } else {
        if (this.#info.length < length) this.#info = new Uint8Array(length);
        dlc.outbound.take(this.#info, 0, length, finished);
        const control = dlc.parameters.frameType === 'UI' ? CONTROL.UI : CONTROL.UIH;
        at = this.#encode(at, address, control, this.#info, 0, length);
      }
      dlc.counters.framesSent++;
      dlc.counters.bytesSent += length;
      scheduler.served(dlc);
    }
  }

  #limitOf(infoLength: number): number {
    return this.#options.option === 'basic' ? infoLength + BASIC_OVERHEAD : advancedFrameLimit(infoLength);
  }

  #encode(at: number, address: number, control: number, info: Uint8Array, start: number, end: number): number {
    this.#options.counters.framesSent++;
    this.watcher?.(address, control, info, start, end);
    if (this.#options.option === 'basic') return encodeBasic(this.#scratch, at, address, control, info, start, end);
    return this.#advanced.encode(this.#scratch, at, address, control, info, start, end);
  }

  #makeRoom(octets: number, used: number): void {
    if (octets <= this.#scratch.length) return;
    const larger = new Uint8Array(octets * 2);
    larger.set(this.#scratch.subarray(0, used));
    this.#scratch = larger;
  }
}

function nextInformation(dlc: Dlc, recovery: ErrorRecovery, length: number, nowMs: number): InformationFrame {
  if (recovery.mustRepeat) return recovery.repeat(nowMs);
  const info = new Uint8Array(length);
  const finished: SendTicket[] = [];
  dlc.outbound.take(info, 0, length, finished);
  return recovery.sendNew(info, finished, nowMs);
}
