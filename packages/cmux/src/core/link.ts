import { AdvancedDeframer } from './advanced-deframer.ts';
import { BasicDeframer } from './basic-deframer.ts';
import { CloseDown } from './close-down.ts';
import type { CommandDone } from './control-channel.ts';
import type { MessageType } from './control-message.ts';
import type { Dlc, OpenOutcome } from './dlc.ts';
import { DlcMachine } from './dlc-machine.ts';
import { FrameReceiver } from './frame-receiver.ts';
import type { Deframer } from './frame-sink.ts';
import { LinkContext, type LinkState } from './link-context.ts';
import { LineFlow } from './line-flow.ts';
import { CONTROL_N1 } from './limits.ts';
import type { LinkCounters } from './link-counters.ts';
import type { LinkEvent } from './link-event.ts';
import type { LinkOptions } from './link-options.ts';
import type { ModemStatus } from './modem-status.ts';
import { Negotiation } from './negotiation.ts';
import type { DlcParameters } from './parameter-negotiation.ts';
import { PowerSaving } from './power-saving.ts';
import { Responder } from './responder.ts';
import type { SendTicket } from './send-queue.ts';
import { StatusExchange } from './status-exchange.ts';
import { Supervision } from './supervision.ts';
import type { Batch, SentFrameWatcher } from './transmitter.ts';

/**
 * The connection core of the multiplexer, both roles in one: octets, time and wishes in; octets, events and outcomes out.
 * It has no clock and no timers: `nowMs` comes with each call, and {@link nextDeadlineMs} says when
 * {@link handleTimeout} is due.
 */
export class Link {
  readonly #context: LinkContext;
  readonly #receiver: FrameReceiver;
  readonly #machine: DlcMachine;
  readonly #status: StatusExchange;
  readonly #negotiation: Negotiation;
  readonly #closeDown: CloseDown;
  readonly #supervision: Supervision;
  readonly #power: PowerSaving;
  readonly #lineFlow: LineFlow;
  #silentAtMs = Infinity;
  #deadlineMs = Infinity;

  constructor(options: LinkOptions) {
    const { softwareFlow, headerOnlyUi } = options;
    const n1 = Math.max(options.n1, CONTROL_N1);
    this.#receiver = new FrameReceiver();
    const deframer =
      options.option === 'basic'
        ? new BasicDeframer(this.#receiver, { n1, headerOnlyUi })
        : new AdvancedDeframer(this.#receiver, {
            n1,
            softwareFlow,
            headerOnlyUi,
            onFlowOctet: (octet) => {
              this.#lineFlow.take(octet);
            },
          });
    const context = new LinkContext(options, deframer);
    this.#context = context;
    this.#status = new StatusExchange(context);
    this.#machine = new DlcMachine(context, {
      linkOpened: () => {
        context.state = 'up';
        context.emit({ type: 'up' });
        this.#supervision.begin(context.nowMs);
      },
      linkClosed: () => {
        if (context.state === 'starting') context.state = 'idle';
        // DM or DISC on an open DLCI 0: the peer has no multiplexer any more.
        else this.#closeDown.linkClosed();
      },
      tellStatus: (dlc) => {
        this.#negotiation.opened(dlc.dlci);
        this.#status.tell(dlc);
      },
      propose: (dlc) => {
        this.#negotiation.propose(dlc);
      },
      gone: ({ dlci }) => {
        this.#status.forget(dlci);
        this.#negotiation.forget(dlci);
        this.#closeDown.goOn();
      },
    });
    this.#negotiation = new Negotiation(context, this.#machine);
    this.#lineFlow = new LineFlow(context);
    this.#power = new PowerSaving(context, options.wakeMs);
    this.#supervision = new Supervision(context, options.keepAliveMs, () => {
      this.#closeDown.end(this.#receiver.sawText ? 'moduleLeft' : 'linkLost');
    });
    this.#closeDown = new CloseDown(context, this.#machine, () => {
      this.#silentAtMs = Infinity;
      this.#supervision.end();
      this.#power.end();
      this.#lineFlow.end();
    });
    const responder = new Responder({
      send: (message) => {
        context.sendMessage(message);
      },
      emit: (event) => {
        context.emit(event);
      },
      counters: context.counters,
      status: (dlci, status) => {
        this.#status.take(dlci, status);
      },
      stopData: (stopped) => {
        context.transmitter.dataStopped = stopped;
        context.emit({ type: 'dataStopped', stopped });
      },
      negotiate: (dlci, wanted) => this.#negotiation.answer(dlci, wanted),
      closeDown: () => {
        this.#closeDown.peerCloses();
      },
      sleep: () => {
        this.#sleepWhenSent();
      },
      answered: (type, dlci, value) => {
        if (context.control.answered(type, dlci, value, context.nowMs)) return;
        context.counters.unexpectedAnswers++;
        if (type === 'MSC') this.#status.unexpected(dlci, value);
      },
      notSupported: (type) => {
        context.control.notSupported(type, context.nowMs);
      },
    });
    this.#receiver.join({
      context,
      machine: this.#machine,
      negotiation: this.#negotiation,
      status: this.#status,
      responder,
      onText: () => {
        this.#supervision.ask();
      },
    });
  }

  get state(): LinkState {
    return this.#context.state;
  }

  get counters(): LinkCounters {
    return this.#context.counters;
  }

  get deframer(): Deframer {
    return this.#context.deframer;
  }

  /** Messages of the control channel sent again because T2 ran out. */
  get controlRetransmissions(): number {
    return this.#context.control.retransmissions;
  }

  /** Each DLC that ever was, by DLCI. */
  get dlcs(): readonly (Dlc | undefined)[] {
    return this.#context.dlcs;
  }

  /** Sees each frame, as address, control and information: sent ones and received ones. */
  watchFrames(sent: SentFrameWatcher | undefined, received: SentFrameWatcher | undefined): void {
    this.#context.transmitter.watcher = sent;
    this.#receiver.watcher = received;
  }

  /** True while {@link takeEvents} has something to give. */
  get hasEvents(): boolean {
    return this.#context.hasEvents;
  }

  /** The events since it was last called. */
  takeEvents(): readonly LinkEvent[] {
    return this.#context.takeEvents();
  }

  // What the owner wishes.

  /** Opens the link: as the initiator DLCI 0 with SABM, as the responder by waiting for that. */
  start(nowMs: number, onStarted: (outcome: OpenOutcome) => void): void {
    this.#context.touch(nowMs);
    this.#context.state = 'starting';
    const dlc = this.#context.dlc(0);
    dlc.onOpened = onStarted;
    if (this.#context.options.role === 'initiator') this.#machine.step(dlc, 'open');
  }

  /** Gives up opening the link; it may be started again. */
  stopStarting(): void {
    if (this.state !== 'starting') return;
    this.#context.isTouched = true;
    const dlc = this.#context.dlc(0);
    dlc.onOpened = undefined;
    dlc.state = 'disconnected';
    dlc.t1AtMs = Infinity;
    this.#context.transmitter.forget(() => true);
    this.#context.state = 'idle';
  }

  /** Opens a DLC, with parameters to negotiate where they are not the standard's. */
  open(dlci: number, wanted: DlcParameters | undefined, nowMs: number, onOpened: (outcome: OpenOutcome) => void): void {
    this.#context.touch(nowMs);
    const dlc = this.#context.dlc(dlci);
    dlc.signals = this.#context.options.signals;
    dlc.stoppedByPeer = false;
    dlc.onOpened = onOpened;
    if (wanted !== undefined) this.#negotiation.wish(dlci, wanted);
    if (wanted === undefined && this.#negotiation.isFresh(dlci)) {
      this.#machine.configure(dlc, this.#context.standardParameters(dlci));
      this.#machine.step(dlc, 'open');
    } else {
      this.#machine.step(dlc, 'negotiate');
    }
  }

  /** The state of a DLC. */
  stateOf(dlci: number): Dlc['state'] {
    return this.#context.dlcs[dlci]?.state ?? 'disconnected';
  }

  /** What holds on a DLC. */
  parametersOf(dlci: number): DlcParameters {
    return this.#context.dlc(dlci).parameters;
  }

  /** Closes a DLC, after what is queued (`drain`) or now. `onClosed` is called in any case, once. */
  closeDlc(dlci: number, drain: boolean, nowMs: number, onClosed: (() => void) | undefined): void {
    this.#context.touch(nowMs);
    const dlc = this.#context.dlc(dlci);
    if (dlc.state === 'disconnected') {
      onClosed?.();
      return;
    }
    if (onClosed !== undefined) dlc.onClosed.push(onClosed);
    if (!drain) dlc.outbound.drop('closed');
    this.#machine.step(dlc, drain ? 'close' : 'disconnect');
    this.#machine.disconnectIfDrained(dlc);
  }

  /** Queues bytes on an open DLC. */
  send(dlci: number, ticket: SendTicket): void {
    const dlc = this.#context.dlc(dlci);
    dlc.outbound.queue.push(ticket);
    if (dlc.recovery !== undefined) {
      dlc.recovery.wake(this.#context.nowMs);
      this.#context.isTouched = true;
    }
    this.#context.scheduler.add(dlc);
  }

  /** The most octets of one `send` on this DLC. */
  longestSend(dlci: number): number {
    return this.#context.dlc(dlci).outbound.longestFrame;
  }

  /** True where a `send` is a user frame of its own. */
  isFramed(dlci: number): boolean {
    return this.#context.dlc(dlci).outbound.isFramed;
  }

  /** Takes bytes back that wait, as far as no frame holds part of them; false where that is not possible. */
  unsend(dlci: number, ticket: SendTicket): boolean {
    const { outbound } = this.#context.dlc(dlci);
    return outbound.queue.remove(ticket, !outbound.isFramed);
  }

  /** The V.24 signals of this end of a DLC, FC included; told to the peer. */
  setSignals(dlci: number, signals: ModemStatus, nowMs: number): void {
    this.#context.touch(nowMs);
    const dlc = this.#context.dlc(dlci);
    if (isSameStatus(signals, dlc.signals)) return;
    if (signals.fc && !dlc.signals.fc) dlc.counters.stoppedByUs++;
    dlc.signals = signals;
    dlc.recovery?.setBusy(signals.fc);
    if (dlc.isOpen) this.#status.change(dlc);
  }

  /** Sends a command on the control channel; see {@link ControlChannel.command}. */
  command(type: MessageType, dlci: number, value: Uint8Array, echo: boolean, nowMs: number, done: CommandDone): void {
    this.#context.touch(nowMs);
    this.#context.control.command(type, dlci, value, nowMs, echo, done);
  }

  /** Both lines may be idle from now on: the peer has agreed to PSC. */
  sleep(): void {
    this.#sleepWhenSent();
    this.#closeDown.endIfSent();
  }

  #sleepWhenSent(): void {
    // Who closes has still to hear something.
    if (this.state !== 'up') return;
    this.#closeDown.whenSent(() => {
      this.#power.sleep();
    });
  }

  /** Closes the link in order; see {@link CloseDown}. */
  close(nowMs: number): void {
    this.#context.touch(nowMs);
    this.#closeDown.close();
  }

  /** The line is gone: everything pending ends. */
  lineLost(): void {
    this.#closeDown.end('linkLost');
  }

  // Octets and time.

  /** Takes octets from the line. */
  receive(chunk: Uint8Array, nowMs: number): void {
    const context = this.#context;
    if (context.state === 'closed') return;
    context.nowMs = nowMs;
    context.counters.octetsReceived += chunk.length;
    const framesBefore = context.counters.framesReceived;
    this.#receiver.receive(chunk);
    // Something in it ended the link: nothing is due any more.
    if (this.state === 'closed') return;
    if (this.#receiver.sawPeer) {
      this.#receiver.sawPeer = false;
      this.#supervision.heard(nowMs);
    }
    this.#power.heard(context.counters.framesReceived !== framesBefore);
    const mayHide = context.deframer.isPending || !this.#receiver.isQuiet;
    this.#silentAtMs = mayHide ? nowMs + context.options.interOctetMs : Infinity;
    this.#closeDown.endIfSent();
  }

  /** The next octets for the line; see {@link Transmitter.poll}. */
  poll(limit: number, enough: number, atLeastOne: boolean, nowMs: number): Batch | undefined {
    const context = this.#context;
    context.touch(nowMs);
    if (!this.#power.isAwake) this.#power.wake(nowMs);
    const batch = context.transmitter.poll(limit, enough, atLeastOne, nowMs);
    if (batch === undefined) return undefined;
    context.batchesOut.add(batch);
    context.counters.octetsSent += batch.bytes.length;
    return batch;
  }

  /** True where {@link poll} may give something. */
  get hasWork(): boolean {
    const { transmitter, scheduler } = this.#context;
    if (this.#lineFlow.isStopped) return false;
    if (this.#power.state === 'waking') return transmitter.hasRaw;
    return transmitter.hasUrgent || scheduler.hasWork(transmitter.dataStopped);
  }

  /** The line has taken a batch. */
  taken(batch: Batch, nowMs: number): void {
    const context = this.#context;
    context.nowMs = nowMs;
    // After the end of the link their senders have been told already.
    if (!context.batchesOut.delete(batch)) return;
    for (const ticket of batch.finished) ticket.done();
    for (const dlc of context.dlcs) if (dlc?.state === 'draining') this.#machine.disconnectIfDrained(dlc);
    this.#closeDown.endIfSent();
  }

  /** When {@link handleTimeout} is due; Infinity where nothing runs. */
  get nextDeadlineMs(): number {
    if (this.#context.isTouched) {
      this.#context.isTouched = false;
      this.#deadlineMs = this.#findDeadline();
    }
    return Math.min(this.#silentAtMs, this.#deadlineMs);
  }

  handleTimeout(nowMs: number): void {
    const context = this.#context;
    if (context.state === 'closed') return;
    context.touch(nowMs);
    if (this.#silentAtMs <= nowMs) {
      this.#silentAtMs = Infinity;
      this.#receiver.idle();
    }
    this.#closeDown.handleTimeout(nowMs);
    this.#lineFlow.handleTimeout(nowMs);
    if (this.#lineFlow.isStopped) return;
    this.#power.handleTimeout(nowMs);
    this.#supervision.handleTimeout(nowMs, this.#power.isAwake);
    // What was under way when the lines went idle is still to be answered, or to be said again.
    if (this.#power.state === 'asleep' && this.#outstandingUntilMs() <= nowMs) this.#power.wake(nowMs);
    if (!this.#power.isAwake) return;
    for (const dlc of context.dlcs) if (dlc !== undefined) this.#machine.handleTimeout(dlc, nowMs);
    context.control.handleTimeout(nowMs);
    this.#status.handleTimeout(nowMs);
    this.#closeDown.endIfSent();
  }

  #findDeadline(): number {
    if (this.state === 'closed') return Infinity;
    let next = Math.min(this.#closeDown.nextDeadlineMs, this.#lineFlow.nextDeadlineMs);
    // While the line takes nothing, or the peer wakes up, nothing can be answered.
    if (this.#lineFlow.isStopped) return next;
    next = Math.min(next, this.#power.nextDeadlineMs, this.#supervision.nextDeadlineMs);
    return this.#power.state === 'waking' ? next : Math.min(next, this.#outstandingUntilMs());
  }

  /** When the time of something that awaits an answer is over. */
  #outstandingUntilMs(): number {
    const { control, dlcs } = this.#context;
    let next = Math.min(control.nextDeadlineMs, this.#status.nextDeadlineMs);
    for (const dlc of dlcs) {
      if (dlc !== undefined) next = Math.min(next, dlc.t1AtMs, dlc.recovery?.t1AtMs ?? Infinity);
    }
    return next;
  }
}

function isSameStatus(one: ModemStatus, other: ModemStatus): boolean {
  const { fc, rtc, rtr, ic, dv, breakMs } = other;
  return (
    one.fc === fc && one.rtc === rtc && one.rtr === rtr && one.ic === ic && one.dv === dv && one.breakMs === breakMs
  );
}
