import { AdvancedDeframer } from './advanced-deframer.ts';
import { BasicDeframer } from './basic-deframer.ts';
import { ControlChannel, type CommandDone } from './control-channel.ts';
import { CONTROL, KIND, KIND_OF_CONTROL_RECOVERY, POLL_FINAL } from './control-field.ts';
import type { MessageType } from './control-message.ts';
import { Dlc, type OpenOutcome } from './dlc.ts';
import { DLC_TRANSITIONS, type DlcAction, type DlcInput, type DlcState } from './dlc-transitions.ts';
import { ErrorRecovery } from './error-recovery.ts';
import type { Deframer, FrameSink } from './frame-sink.ts';
import { noCounts } from './link-counters.ts';
import type { LinkEnd, LinkEvent } from './link-event.ts';
import { standardParameters, type LinkOptions } from './link-options.ts';
import { encodeModemStatus, type ModemStatus } from './modem-status.ts';
import { decodeParameters, defaultPriority, encodeParameters, type DlcParameters } from './parameter-negotiation.ts';
import { ReceivedRun } from './received-run.ts';
import { Responder } from './responder.ts';
import { Scheduler } from './scheduler.ts';
import type { DropReason, SendTicket } from './send-queue.ts';
import { Transmitter, type Batch, type SentFrameWatcher } from './transmitter.ts';

/** Where the link as a whole is. */
export type LinkState = 'idle' | 'starting' | 'up' | 'closing' | 'closed';

const NOTHING = new Uint8Array(0);

/** Octets of noise that one event tells at most. */
const NOISE_LIMIT = 1024;

/**
 * The connection core of the multiplexer, both roles in one: octets, time and wishes in; octets, events and outcomes out.
 * It has no clock and no timers: `nowMs` comes with each call, and {@link nextDeadlineMs} says when
 * {@link handleTimeout} is due.
 */
export class Link implements FrameSink {
  readonly counters = noCounts();
  readonly deframer: Deframer;
  readonly control: ControlChannel;
  readonly #options: LinkOptions;
  readonly #scheduler = new Scheduler();
  readonly #transmitter: Transmitter;
  readonly #responder: Responder;
  readonly #run: ReceivedRun;
  readonly #dlcs: (Dlc | undefined)[] = [];
  readonly #commandBit: 0 | 1;
  #events: LinkEvent[] = [];
  #state: LinkState = 'idle';
  #nowMs = 0;
  #silentAtMs = Infinity;
  /** Something happened that may have set a timer; data alone sets none. */
  #isTouched = true;
  #deadlineMs = Infinity;
  #onClosed: (() => void)[] = [];
  #endWhenSent: LinkEnd | undefined;
  #batchesOut = 0;
  #receivedWatcher: SentFrameWatcher | undefined;
  readonly #agreed = new Map<number, DlcParameters>();
  readonly #statusDue = new Set<number>();
  readonly #statusRetryAtMs = new Map<number, number>();
  readonly #lastDmAtMs = new Map<number, number>();

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#commandBit = options.role === 'initiator' ? 1 : 0;
    const { n1, softwareFlow, headerOnlyUi } = options;
    this.deframer =
      options.option === 'basic'
        ? new BasicDeframer(this, { n1, headerOnlyUi })
        : new AdvancedDeframer(this, { n1, softwareFlow, headerOnlyUi });
    this.#transmitter = new Transmitter({
      option: options.option,
      softwareFlow,
      isInitiator: options.role === 'initiator',
      scheduler: this.#scheduler,
    });
    this.control = new ControlChannel({
      t2Ms: options.t2Ms,
      n2: options.n2,
      send: (message, onSent) => {
        this.#sendMessage(message, onSent);
      },
    });
    this.#run = new ReceivedRun((dlci, bytes) => {
      this.#events.push({ type: 'data', dlci, bytes });
    });
    this.#responder = new Responder({
      send: (message) => {
        this.#sendMessage(message, undefined);
      },
      emit: (event) => {
        this.#events.push(event);
      },
      counters: this.counters,
      status: (dlci, status) => {
        this.#takeStatus(dlci, status);
      },
      stopData: (stopped) => {
        this.#transmitter.dataStopped = stopped;
        this.#events.push({ type: 'dataStopped', stopped });
      },
      negotiate: (dlci, wanted) => this.#negotiate(dlci, wanted),
      closeDown: () => {
        this.#peerCloses();
      },
      answered: (type, dlci, value) => {
        this.#answered(type, dlci, value);
      },
      notSupported: (type) => {
        this.control.notSupported(type, this.#nowMs);
      },
    });
  }

  get state(): LinkState {
    return this.#state;
  }

  /** What each DLC that ever was has counted, by DLCI. */
  get dlcs(): readonly (Dlc | undefined)[] {
    return this.#dlcs;
  }

  /** Sees each frame, as address, control and information: sent ones and received ones. */
  watchFrames(sent: SentFrameWatcher | undefined, received: SentFrameWatcher | undefined): void {
    this.#transmitter.watcher = sent;
    this.#receivedWatcher = received;
  }

  /** True while {@link takeEvents} has something to give. */
  get hasEvents(): boolean {
    return this.#events.length > 0;
  }

  /** The events since it was last called. */
  takeEvents(): readonly LinkEvent[] {
    if (this.#events.length === 0) return NO_EVENTS;
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Opens the link: as the initiator DLCI 0 with SABM, as the responder by waiting for that. */
  start(nowMs: number, onStarted: (outcome: OpenOutcome) => void): void {
    this.#nowMs = nowMs;
    this.#isTouched = true;
    this.#state = 'starting';
    const dlc = this.#dlc(0);
    dlc.onOpened = onStarted;
    if (this.#options.role === 'initiator') this.#step(dlc, 'open');
  }

  /** Gives up opening the link; it may be started again. */
  stopStarting(): void {
    if (this.#state !== 'starting') return;
    const dlc = this.#dlc(0);
    dlc.onOpened = undefined;
    dlc.state = 'disconnected';
    dlc.t1AtMs = Infinity;
    this.#transmitter.forget(() => true);
    this.#state = 'idle';
  }

  /** Opens a DLC, with parameters to negotiate where they are not the standard's. */
  open(dlci: number, wanted: DlcParameters | undefined, nowMs: number, onOpened: (outcome: OpenOutcome) => void): void {
    this.#nowMs = nowMs;
    this.#isTouched = true;
    const dlc = this.#dlc(dlci);
    dlc.signals = this.#options.signals;
    dlc.stoppedByPeer = false;
    dlc.onOpened = onOpened;
    if (wanted === undefined) {
      this.#configure(dlc, this.#agreed.get(dlci) ?? standardParameters(this.#options, defaultPriority(dlci)));
      this.#step(dlc, 'open');
      return;
    }
    this.#agreed.set(dlci, wanted);
    this.#step(dlc, 'negotiate');
  }

  /** The state of a DLC. */
  stateOf(dlci: number): Dlc['state'] {
    return this.#dlcs[dlci]?.state ?? 'disconnected';
  }

  /** What holds on a DLC. */
  parametersOf(dlci: number): DlcParameters {
    return this.#dlc(dlci).parameters;
  }

  /** Closes a DLC, after what is queued (`drain`) or now. `onClosed` is called in any case, once. */
  closeDlc(dlci: number, drain: boolean, nowMs: number, onClosed: (() => void) | undefined): void {
    this.#nowMs = nowMs;
    this.#isTouched = true;
    const dlc = this.#dlc(dlci);
    if (dlc.state === 'disconnected') {
      onClosed?.();
      return;
    }
    if (onClosed !== undefined) dlc.onClosed.push(onClosed);
    if (!drain) dlc.outbound.drop('closed');
    this.#step(dlc, drain ? 'close' : 'disconnect');
    this.#disconnectIfDrained(dlc);
  }

  /** Queues bytes on an open DLC. */
  send(dlci: number, ticket: SendTicket): void {
    const dlc = this.#dlc(dlci);
    dlc.outbound.queue.push(ticket);
    if (dlc.recovery !== undefined) {
      dlc.recovery.wake(this.#nowMs);
      this.#isTouched = true;
    }
    this.#scheduler.add(dlc);
  }

  /** The most octets of one `send` on this DLC. */
  longestSend(dlci: number): number {
    return this.#dlc(dlci).outbound.longestFrame;
  }

  /** Takes bytes back that wait, as far as no frame holds part of them; false where that is not possible. */
  unsend(dlci: number, ticket: SendTicket): boolean {
    const { outbound } = this.#dlc(dlci);
    return outbound.queue.remove(ticket, !outbound.isFramed);
  }

  /** The V.24 signals of this end of a DLC, FC included; told to the peer where they changed. */
  setSignals(dlci: number, signals: ModemStatus, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#isTouched = true;
    const dlc = this.#dlc(dlci);
    if (signals.fc && !dlc.signals.fc) dlc.counters.stoppedByUs++;
    dlc.signals = signals;
    dlc.recovery?.setBusy(signals.fc);
    if (dlc.isOpen) this.#tellStatus(dlc);
  }

  /** Sends a command on the control channel; see {@link ControlChannel.command}. */
  command(type: MessageType, dlci: number, value: Uint8Array, echo: boolean, nowMs: number, done: CommandDone): void {
    this.#nowMs = nowMs;
    this.#isTouched = true;
    this.control.command(type, dlci, value, nowMs, echo, done);
  }

  /** Closes the link in order: DISC on each DLC, CLD, and DISC on DLCI 0 where CLD is not answered (§5.8.2). */
  close(nowMs: number, onClosed: () => void): void {
    this.#nowMs = nowMs;
    this.#isTouched = true;
    if (this.#state === 'closed') {
      onClosed();
      return;
    }
    this.#onClosed.push(onClosed);
    if (this.#state === 'closing') return;
    if (this.#state !== 'up') {
      this.#end('closed');
      return;
    }
    this.#state = 'closing';
    for (const dlc of this.#dlcs) {
      if (dlc === undefined || dlc.dlci === 0 || dlc.state === 'disconnected') continue;
      dlc.outbound.drop('closed');
      this.#step(dlc, 'disconnect');
    }
    this.#closeFurther();
  }

  /** The line is gone: everything pending ends. */
  lineLost(): void {
    if (this.#state !== 'closed') this.#end('linkLost');
  }

  /** Takes octets from the line. */
  receive(chunk: Uint8Array, nowMs: number): void {
    if (this.#state === 'closed') return;
    this.#nowMs = nowMs;
    this.counters.octetsReceived += chunk.length;
    this.#run.begin(chunk, chunk.length + this.deframer.pendingOctets);
    this.deframer.receive(chunk);
    this.#run.flush();
    this.#silentAtMs = this.deframer.isPending ? nowMs + this.#options.interOctetMs : Infinity;
    this.#endIfSent();
  }

  /** The next octets for the line; see {@link Transmitter.poll}. */
  poll(limit: number, enough: number, atLeastOne: boolean, nowMs: number): Batch | undefined {
    this.#nowMs = nowMs;
    this.#isTouched = true;
    const batch = this.#transmitter.poll(limit, enough, atLeastOne, nowMs);
    if (batch === undefined) return undefined;
    this.#batchesOut++;
    this.counters.octetsSent += batch.bytes.length;
    return batch;
  }

  /** True where {@link poll} would give something. */
  get hasWork(): boolean {
    return this.#transmitter.hasUrgent || this.#scheduler.hasWork(this.#transmitter.dataStopped);
  }

  /** The line has taken a batch. */
  taken(batch: Batch, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#batchesOut--;
    for (const ticket of batch.finished) ticket.done();
    for (const dlc of this.#dlcs) if (dlc?.state === 'draining') this.#disconnectIfDrained(dlc);
    this.#endIfSent();
  }

  /** When {@link handleTimeout} is due; Infinity where nothing runs. */
  get nextDeadlineMs(): number {
    if (this.#isTouched) {
      this.#isTouched = false;
      this.#deadlineMs = this.#findDeadline();
    }
    return Math.min(this.#silentAtMs, this.#deadlineMs);
  }

  #findDeadline(): number {
    let next = this.control.nextDeadlineMs;
    for (const dlc of this.#dlcs) {
      if (dlc !== undefined) next = Math.min(next, dlc.t1AtMs, dlc.recovery?.t1AtMs ?? Infinity);
    }
    for (const atMs of this.#statusRetryAtMs.values()) next = Math.min(next, atMs);
    return next;
  }

  handleTimeout(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#isTouched = true;
    if (this.#silentAtMs <= nowMs) {
      this.#silentAtMs = Infinity;
      this.#run.begin(undefined, this.deframer.pendingOctets);
      this.deframer.idle();
      this.#run.flush();
    }
    for (const dlc of this.#dlcs) {
      if (dlc === undefined) continue;
      if (dlc.t1AtMs <= nowMs) this.#step(dlc, dlc.tries > dlc.parameters.n2 ? 'N2' : 'T1');
      if (dlc.recovery === undefined || dlc.recovery.t1AtMs > nowMs || dlc.state === 'resetting') continue;
      if (dlc.recovery.timeout(nowMs)) continue;
      dlc.counters.resets++;
      dlc.recovery.t1AtMs = Infinity;
      this.#step(dlc, 'reset');
    }
    this.control.handleTimeout(nowMs);
    for (const [dlci, atMs] of [...this.#statusRetryAtMs]) {
      if (atMs > nowMs) continue;
      this.#statusRetryAtMs.delete(dlci);
      const dlc = this.#dlc(dlci);
      if (dlc.isOpen) this.#tellStatus(dlc);
    }
  }

  // What the deframer finds.

  frame(bytes: Uint8Array, address: number, control: number, start: number, end: number): void {
    this.counters.framesReceived++;
    this.#receivedWatcher?.(address, control, bytes, start, end);
    const dlci = address >> 2;
    const kind = KIND_OF_CONTROL_RECOVERY[control] as number;
    const dlc = this.#dlcs[dlci];
    if (dlci !== 0 && kind === KIND.UIH && dlc?.isOpen === true && dlc.parameters.convergence === 1) {
      dlc.counters.framesReceived++;
      dlc.counters.bytesReceived += end - start;
      if (end > start) this.#run.add(dlci, bytes, start, end);
      return;
    }
    this.#run.flush();
    this.#frameSlow(bytes, dlci, (address >> 1) & 1, control, start, end);
  }

  noise(bytes: Uint8Array, start: number, end: number): void {
    this.#run.flush();
    this.#events.push({ type: 'noise', bytes: bytes.slice(start, Math.min(end, start + NOISE_LIMIT)) });
  }

  #frameSlow(
    bytes: Uint8Array,
    dlci: number,
    commandResponse: number,
    control: number,
    start: number,
    end: number,
  ): void {
    this.#isTouched = true;
    const kind = KIND_OF_CONTROL_RECOVERY[control] as number;
    const dlc = this.#dlc(dlci);
    switch (kind) {
      case KIND.SABM:
        if (dlci === 0 && this.#options.role === 'initiator' && commandResponse === 1) {
          this.counters.echoes++;
          return;
        }
        this.#sabm(dlc);
        return;
      case KIND.UA:
        this.#step(dlc, 'rxUA');
        return;
      case KIND.DM:
        this.#step(dlc, 'rxDM');
        return;
      case KIND.DISC:
        this.#step(dlc, 'rxDISC');
        return;
      case KIND.UIH:
      case KIND.UI:
        if (dlci === 0) this.#controlField(dlc, bytes, start, end);
        else this.#data(dlc, bytes, start, end);
        return;
      default:
        this.#numbered(dlc, bytes, commandResponse, control, start, end);
    }
  }

  /** An I frame or a supervisory one. */
  #numbered(dlc: Dlc, bytes: Uint8Array, commandResponse: number, control: number, start: number, end: number): void {
    const { recovery } = dlc;
    if (recovery === undefined || (dlc.state !== 'connected' && dlc.state !== 'draining')) {
      this.counters.unexpectedFrames++;
      if (dlc.state === 'disconnected') this.#data(dlc, bytes, start, end);
      return;
    }
    if (KIND_OF_CONTROL_RECOVERY[control] === KIND.I) {
      if (recovery.receiveInformation(control, this.#nowMs)) this.#data(dlc, bytes, start, end);
    } else {
      recovery.receiveSupervisory(control, commandResponse !== this.#commandBit, this.#nowMs);
    }
    this.#disconnectIfDrained(dlc);
  }

  #sabm(dlc: Dlc): void {
    if (dlc.dlci === 0) {
      // A host that starts anew on an open link knows nothing of the DLCs that it had.
      for (const other of this.#dlcs) {
        if (other !== undefined && other !== dlc && other.state !== 'disconnected') this.#forget(other, 'peer');
      }
      if (this.#state === 'closing' || this.#state === 'idle') return;
      this.#step(dlc, 'rxSABM');
      return;
    }
    const wanted = this.#state === 'up' && this.#options.accept(dlc.dlci);
    if (wanted && dlc.state === 'disconnected') {
      dlc.signals = this.#options.signals;
      dlc.stoppedByPeer = false;
      this.#configure(dlc, this.#agreed.get(dlc.dlci) ?? standardParameters(this.#options, defaultPriority(dlc.dlci)));
    }
    this.#step(dlc, wanted ? 'rxSABM' : 'rxSABMUnwanted');
  }

  #controlField(dlc: Dlc, bytes: Uint8Array, start: number, end: number): void {
    dlc.counters.framesReceived++;
    dlc.counters.bytesReceived += end - start;
    if (this.#state === 'idle' || this.#state === 'closed') return;
    this.#responder.receive(bytes, start, end, this.#state === 'starting');
  }

  #data(dlc: Dlc, bytes: Uint8Array, start: number, end: number): void {
    if (!dlc.isOpen) {
      dlc.counters.framesUnexpected++;
      // One DM is enough for a burst of frames.
      const lastMs = this.#lastDmAtMs.get(dlc.dlci) ?? -Infinity;
      if (dlc.state !== 'disconnected' || this.#nowMs - lastMs < dlc.parameters.t1Ms) return;
      this.#lastDmAtMs.set(dlc.dlci, this.#nowMs);
      this.#step(dlc, 'rxData');
      return;
    }
    dlc.counters.framesReceived++;
    dlc.counters.bytesReceived += end - start;
    const arrived = dlc.inbound.take(bytes, start, end);
    if (arrived.signals !== undefined) this.#takeStatus(dlc.dlci, arrived.signals);
    if (arrived.bytes === undefined) return;
    if (dlc.outbound.isFramed) {
      this.#run.flush();
      this.#events.push({ type: 'data', dlci: dlc.dlci, bytes: arrived.bytes.slice(arrived.start, arrived.end) });
    } else if (arrived.end > arrived.start) {
      this.#run.add(dlc.dlci, arrived.bytes, arrived.start, arrived.end);
    }
  }

  // The life of DLCs.

  #dlc(dlci: number): Dlc {
    const known = this.#dlcs[dlci];
    if (known !== undefined) return known;
    const dlc = new Dlc(dlci, standardParameters(this.#options, defaultPriority(dlci)), this.#options.signals);
    this.#dlcs[dlci] = dlc;
    return dlc;
  }

  #configure(dlc: Dlc, parameters: DlcParameters): void {
    dlc.parameters = parameters;
    dlc.outbound.configure(parameters.convergence, parameters.n1);
    dlc.inbound.configure(parameters.convergence);
    if (parameters.n1 > this.deframer.n1) this.deframer.n1 = parameters.n1;
  }

  #step(dlc: Dlc, input: DlcInput): void {
    const transition = DLC_TRANSITIONS[dlc.state][input];
    if (transition === undefined) return;
    const before = dlc.state;
    dlc.state = transition.next;
    if (before !== transition.next) {
      dlc.tries = 0;
      dlc.t1AtMs = Infinity;
    }
    for (const action of transition.actions) this.#act(dlc, action, before);
    if (transition.next === 'disconnected' && before !== 'disconnected') this.#afterClosed(dlc);
  }

  #act(dlc: Dlc, action: DlcAction, before: DlcState): void {
    switch (action) {
      case 'sendPN':
        this.#sendParameters(dlc);
        return;
      case 'sendSABM':
        this.#sendCommand(dlc, CONTROL.SABM);
        return;
      case 'sendDISC':
        this.#sendCommand(dlc, CONTROL.DISC);
        return;
      case 'sendUA':
        this.#sendResponse(dlc, CONTROL.UA);
        return;
      case 'sendDM':
        this.#sendResponse(dlc, CONTROL.DM);
        return;
      case 'restart':
        this.#restart(dlc, before === 'resetting');
        return;
      case 'opened':
      case 'openedByPeer':
        this.#opened(dlc, action === 'opened' ? 'us' : 'peer');
        return;
      case 'refused':
        settleOpen(dlc, 'refused');
        return;
      case 'unanswered':
        settleOpen(dlc, 'noAnswer');
        return;
      case 'closed':
        if (dlc.onOpened === undefined) this.#events.push({ type: 'dlcClosed', dlci: dlc.dlci, by: 'us' });
        settleOpen(dlc, 'closed');
        return;
      case 'closedByPeer':
        if (dlc.dlci === 0) return;
        this.#events.push({ type: 'dlcClosed', dlci: dlc.dlci, by: 'peer' });
        return;
      case 'lost':
        this.#events.push({ type: 'dlcClosed', dlci: dlc.dlci, by: 'link' });
        return;
    }
  }

  #opened(dlc: Dlc, by: 'us' | 'peer'): void {
    if (dlc.dlci === 0) {
      this.#state = 'up';
      this.#events.push({ type: 'up' });
    } else {
      this.#events.push({ type: 'dlcOpened', dlci: dlc.dlci, by });
      if (dlc.parameters.frameType === 'I') this.#recover(dlc, by === 'us');
      this.#tellStatus(dlc);
    }
    settleOpen(dlc, 'opened');
  }

  #recover(dlc: Dlc, opener: boolean): void {
    const { k, n2, t1Ms } = dlc.parameters;
    dlc.recovery = new ErrorRecovery({ k, n2, t1Ms, opener, counters: dlc.counters });
    this.#transmitter.addRecovering(dlc);
  }

  #restart(dlc: Dlc, opener: boolean): void {
    dlc.stoppedByPeer = false;
    this.#events.push({ type: 'dlcRestarted', dlci: dlc.dlci });
    if (dlc.dlci === 0) return;
    dlc.inbound.restart();
    if (dlc.recovery?.restart(opener) === true) dlc.outbound.queue.dropBegun('reset');
    this.#tellStatus(dlc);
  }

  #afterClosed(dlc: Dlc): void {
    if (dlc.dlci === 0) {
      if (this.#state === 'starting') this.#state = 'idle';
      // DM or DISC on an open DLCI 0: the peer has no multiplexer any more.
      else if (this.#state === 'up') this.#peerCloses();
      for (const onClosed of dlc.onClosed.splice(0)) onClosed();
      return;
    }
    this.#drop(dlc, 'closed');
    this.#closeFurther();
  }

  #drop(dlc: Dlc, reason: Exclude<DropReason, 'reset'>): void {
    dlc.recovery?.drop(reason);
    dlc.recovery = undefined;
    this.#transmitter.removeRecovering(dlc);
    dlc.outbound.drop(reason);
    this.#scheduler.remove(dlc);
    this.control.forget(dlc.dlci);
    this.#statusDue.delete(dlc.dlci);
    this.#statusRetryAtMs.delete(dlc.dlci);
    this.#agreed.delete(dlc.dlci);
    for (const onClosed of dlc.onClosed.splice(0)) onClosed();
  }

  /** A DLC is gone without a word on the line. */
  #forget(dlc: Dlc, by: 'peer' | 'link'): void {
    const wasOpen = dlc.isOpen || dlc.state === 'disconnecting';
    dlc.state = 'disconnected';
    dlc.t1AtMs = Infinity;
    settleOpen(dlc, by === 'link' ? 'linkLost' : 'refused');
    if (wasOpen) this.#events.push({ type: 'dlcClosed', dlci: dlc.dlci, by });
    this.#drop(dlc, by === 'link' ? 'linkLost' : 'closed');
  }

  #disconnectIfDrained(dlc: Dlc): void {
    this.#isTouched = true;
    if (dlc.state === 'draining' && !dlc.hasUnsent && this.#batchesOut === 0) this.#step(dlc, 'disconnect');
  }

  #sendCommand(dlc: Dlc, control: number): void {
    dlc.tries++;
    if (dlc.tries > 1) dlc.counters.retransmissions++;
    const { t1Ms } = dlc.parameters;
    dlc.t1AtMs = this.#nowMs + t1Ms;
    const state = dlc.state;
    // While the line takes nothing, the copy before still waits in the queue.
    this.#transmitter.forget((frame) => frame.dlci === dlc.dlci && frame.control === (control | POLL_FINAL));
    this.#transmitter.urgent({
      dlci: dlc.dlci,
      control: control | POLL_FINAL,
      commandResponse: this.#commandBit,
      info: NOTHING,
      onSent: (nowMs) => {
        if (dlc.state === state) dlc.t1AtMs = nowMs + t1Ms;
      },
    });
  }

  #sendResponse(dlc: Dlc, control: number): void {
    this.#transmitter.urgent({
      dlci: dlc.dlci,
      control: control | POLL_FINAL,
      commandResponse: this.#commandBit === 1 ? 0 : 1,
      info: NOTHING,
    });
  }

  #sendMessage(message: Uint8Array, onSent: ((nowMs: number) => void) | undefined): void {
    const dlc = this.#dlc(0);
    dlc.counters.framesSent++;
    dlc.counters.bytesSent += message.length;
    this.#transmitter.urgent({
      dlci: 0,
      control: CONTROL.UIH,
      commandResponse: this.#commandBit,
      info: message,
      onSent,
    });
  }

  // Modem status.

  #tellStatus(dlc: Dlc): void {
    if (dlc.parameters.convergence === 2) {
      dlc.outbound.setSignals(dlc.signals);
      this.#scheduler.add(dlc);
      return;
    }
    if (this.control.isOutstanding('MSC', dlc.dlci)) {
      this.#statusDue.add(dlc.dlci);
      return;
    }
    this.#statusRetryAtMs.delete(dlc.dlci);
    const value = encodeModemStatus(dlc.dlci, dlc.signals);
    this.control.command('MSC', dlc.dlci, value, this.#nowMs, true, (outcome) => {
      if (!dlc.isOpen) return;
      if (this.#statusDue.delete(dlc.dlci)) this.#tellStatus(dlc);
      // A peer that is stopped and never hears that it may go on would be stopped for good.
      else if (outcome === 'noAnswer') this.#statusRetryAtMs.set(dlc.dlci, this.#nowMs + this.#options.t3Ms);
    });
  }

  #takeStatus(dlci: number, status: ModemStatus): void {
    const dlc = this.#dlcs[dlci];
    if (dlc === undefined || dlc.state === 'disconnected') return;
    if (status.fc && !dlc.stoppedByPeer) dlc.counters.stoppedByPeer++;
    dlc.stoppedByPeer = status.fc;
    this.#events.push({ type: 'signals', dlci, status });
  }

  #answered(type: MessageType, dlci: number, value: Uint8Array): void {
    if (this.control.answered(type, dlci, value, this.#nowMs)) return;
    this.counters.unexpectedAnswers++;
    const dlc = this.#dlcs[dlci];
    if (type !== 'MSC' || dlc?.isOpen !== true) return;
    // The peer took a damaged message for one about this DLC: it is told again how things are.
    const right = encodeModemStatus(dlci, dlc.signals);
    if (right.length !== value.length || right.some((octet, index) => octet !== value[index])) this.#tellStatus(dlc);
  }

  // Parameter negotiation.

  #sendParameters(dlc: Dlc): void {
    const wanted = this.#agreed.get(dlc.dlci) ?? dlc.parameters;
    const value = encodeParameters(dlc.dlci, wanted);
    this.control.command('PN', dlc.dlci, value, this.#nowMs, false, (outcome, answer) => {
      if (dlc.state !== 'negotiating') return;
      const standard = standardParameters(this.#options, defaultPriority(dlc.dlci));
      const agreed = outcome === 'answered' && answer !== undefined ? decodeParameters(answer)?.parameters : undefined;
      const isAnswer =
        agreed !== undefined &&
        agreed.frameType === wanted.frameType &&
        agreed.convergence === wanted.convergence &&
        agreed.n1 <= wanted.n1 &&
        agreed.k <= wanted.k;
      // An application that counts on whole frames or on repetition cannot do without.
      if (!isAnswer && (wanted.frameType === 'I' || wanted.convergence !== 1)) {
        settleOpen(dlc, outcome === 'linkLost' ? 'linkLost' : 'notAgreed');
        this.#step(dlc, 'disconnect');
        return;
      }
      // Silence, NSC or a changed proposal: the standard's values hold (§5.4.6.3.1).
      this.#configure(dlc, isAnswer ? { ...wanted, n1: agreed.n1, k: agreed.k, priority: agreed.priority } : standard);
      this.#step(dlc, 'open');
    });
  }

  /** The answer to a proposal of the peer. */
  #negotiate(dlci: number, wanted: DlcParameters): DlcParameters {
    const { n1Limit, option } = this.#options;
    const agreed: DlcParameters = {
      ...wanted,
      // I frames exist in the advanced option alone: without length fields a basic frame has no room for them (§6).
      frameType: wanted.frameType === 'I' && option === 'basic' ? 'UIH' : wanted.frameType,
      n1: Math.min(wanted.n1, n1Limit),
      k: wanted.k === 0 ? 2 : wanted.k,
    };
    if (dlci >= 1 && this.#dlc(dlci).state === 'disconnected') {
      this.#agreed.set(dlci, { ...agreed, t1Ms: Math.max(10, agreed.t1Ms) });
    }
    return agreed;
  }

  // The end of the link.

  /** The next step of closing down, once no DLC is left. */
  #closeFurther(): void {
    if (this.#state !== 'closing') return;
    for (const dlc of this.#dlcs) if (dlc !== undefined && dlc.dlci !== 0 && dlc.state !== 'disconnected') return;
    if (this.control.isOutstanding('CLD', 0)) return;
    this.control.command('CLD', 0, NOTHING, this.#nowMs, false, (outcome) => {
      if (outcome === 'linkLost') return;
      if (outcome === 'answered') {
        this.deframer.stop();
        this.#end('closed');
        return;
      }
      const link = this.#dlc(0);
      link.onClosed.push(() => {
        this.#end('closedUnanswered');
      });
      this.#step(link, 'disconnect');
    });
  }

  /** The peer has closed the link, with CLD or DISC on DLCI 0: its answer is queued and leaves first. */
  #peerCloses(): void {
    if (this.#state === 'closed') return;
    this.deframer.stop();
    this.#state = 'closing';
    this.#endWhenSent ??= 'closedByPeer';
    for (const dlc of this.#dlcs) if (dlc !== undefined && dlc.dlci !== 0) this.#forget(dlc, 'peer');
    this.control.drop();
  }

  #endIfSent(): void {
    if (this.#endWhenSent !== undefined && !this.#transmitter.hasUrgent && this.#batchesOut === 0)
      this.#end(this.#endWhenSent);
  }

  #end(end: LinkEnd): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#silentAtMs = Infinity;
    this.#transmitter.forget(() => true);
    for (const dlc of this.#dlcs) {
      if (dlc === undefined) continue;
      dlc.t1AtMs = Infinity;
      if (dlc.dlci !== 0 && dlc.state !== 'disconnected') this.#forget(dlc, 'link');
      dlc.state = 'disconnected';
      settleOpen(dlc, 'linkLost');
    }
    this.control.drop();
    this.#statusRetryAtMs.clear();
    this.#events.push({ type: 'ended', end });
    for (const onClosed of this.#onClosed.splice(0)) onClosed();
  }
}

const NO_EVENTS: readonly LinkEvent[] = [];

function settleOpen(dlc: Dlc, outcome: OpenOutcome): void {
  const { onOpened } = dlc;
  dlc.onOpened = undefined;
  onOpened?.(outcome);
}
