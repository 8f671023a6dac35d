import { ControlChannel } from './control-channel.ts';
import { CONTROL, POLL_FINAL } from './control-field.ts';
import { Dlc } from './dlc.ts';
import type { Deframer } from './frame-sink.ts';
import { noCounts } from './link-counters.ts';
import type { LinkEvent } from './link-event.ts';
import { standardParameters, type LinkOptions } from './link-options.ts';
import { defaultPriority, type DlcParameters } from './parameter-negotiation.ts';
import { Scheduler } from './scheduler.ts';
import { Transmitter, type Batch } from './transmitter.ts';

/** Where the link as a whole is. */
export type LinkState = 'idle' | 'starting' | 'up' | 'closing' | 'closed';

const NOTHING = new Uint8Array(0);
const NO_EVENTS: readonly LinkEvent[] = [];

/** What the parts of a link have in common: its DLCs, what is on its way out, and what time it is. */
export class LinkContext {
  readonly options: LinkOptions;
  readonly counters = noCounts();
  readonly dlcs: (Dlc | undefined)[] = [];
  readonly scheduler = new Scheduler();
  readonly transmitter: Transmitter;
  readonly control: ControlChannel;
  readonly deframer: Deframer;
  /** The C/R bit of what this end commands (§5.2.1.2). */
  readonly commandBit: 0 | 1;
  state: LinkState = 'idle';
  nowMs = 0;
  /** Something happened that may have set a timer; data alone sets none. */
  isTouched = true;
  /** Batches that the line has not taken yet. */
  readonly batchesOut = new Set<Batch>();
  #events: LinkEvent[] = [];

  constructor(options: LinkOptions, deframer: Deframer) {
    this.options = options;
    this.deframer = deframer;
    this.commandBit = options.role === 'initiator' ? 1 : 0;
    this.transmitter = new Transmitter({
      option: options.option,
      softwareFlow: options.softwareFlow,
      isInitiator: options.role === 'initiator',
      scheduler: this.scheduler,
      counters: this.counters,
    });
    this.control = new ControlChannel({
      t2Ms: () => options.t2Ms + this.slackMs,
      n2: options.n2,
      send: (message, onSent) => {
        this.sendMessage(message, onSent);
      },
    });
  }

  /** Notes the time, and that timers may change. */
  touch(nowMs: number): void {
    this.nowMs = nowMs;
    this.isTouched = true;
  }

  dlc(dlci: number): Dlc {
    const known = this.dlcs[dlci];
    if (known !== undefined) return known;
    const dlc = new Dlc(dlci, this.standardParameters(dlci), this.options.signals);
    this.dlcs[dlci] = dlc;
    return dlc;
  }

  /**
   * What T1 and T2 need beyond their values because PN made frames longer than N1: one such frame may be on the wire
   * before ours, and one before its answer.
   */
  get slackMs(): number {
    return Math.ceil(2 * Math.max(0, this.deframer.n1 - this.options.n1) * this.options.octetMs);
  }

  /** Nothing could be answered until now, since nothing could be sent: all that is outstanding has its time anew. */
  restartTimers(): void {
    const { nowMs, slackMs } = this;
    this.isTouched = true;
    this.control.restartTimers(nowMs);
    for (const dlc of this.dlcs) {
      if (dlc === undefined) continue;
      const atMs = nowMs + dlc.parameters.t1Ms + slackMs;
      if (dlc.t1AtMs !== Infinity) dlc.t1AtMs = atMs;
      if (dlc.recovery !== undefined && dlc.recovery.t1AtMs !== Infinity) dlc.recovery.t1AtMs = atMs;
    }
  }

  standardParameters(dlci: number): DlcParameters {
    return standardParameters(this.options, defaultPriority(dlci));
  }

  emit(event: LinkEvent): void {
    this.#events.push(event);
  }

  get hasEvents(): boolean {
    return this.#events.length > 0;
  }

  takeEvents(): readonly LinkEvent[] {
    if (this.#events.length === 0) return NO_EVENTS;
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** SABM or DISC, with T1 behind it. */
  sendCommand(dlc: Dlc, type: 'SABM' | 'DISC'): void {
    const control = CONTROL[type] | POLL_FINAL;
    dlc.tries++;
    dlc.wasAnswered = false;
    if (dlc.tries > 1) dlc.counters.retransmissions++;
    const t1Ms = dlc.parameters.t1Ms + this.slackMs;
    const { state, tries } = dlc;
    dlc.t1AtMs = this.nowMs + t1Ms;
    // While the line takes nothing, the copy before still waits in the queue.
    this.transmitter.forget((frame) => frame.dlci === dlc.dlci && frame.control === control);
    this.transmitter.urgent({
      dlci: dlc.dlci,
      control,
      commandResponse: this.commandBit,
      info: NOTHING,
      onSent: (nowMs) => {
        if (dlc.state === state && dlc.tries === tries) dlc.t1AtMs = nowMs + t1Ms;
      },
    });
  }

  /** UA or DM. */
  sendResponse(dlc: Dlc, type: 'UA' | 'DM'): void {
    this.transmitter.urgent({
      dlci: dlc.dlci,
      control: CONTROL[type] | POLL_FINAL,
      commandResponse: this.commandBit === 1 ? 0 : 1,
      info: NOTHING,
    });
  }

  /** A message on the control channel. */
  sendMessage(message: Uint8Array, onSent?: (nowMs: number) => void): void {
    const dlc = this.dlc(0);
    dlc.counters.framesSent++;
    dlc.counters.bytesSent += message.length;
    this.transmitter.urgent({
      dlci: 0,
      control: CONTROL.UIH,
      commandResponse: this.commandBit,
      info: message,
      onSent,
    });
  }
}
