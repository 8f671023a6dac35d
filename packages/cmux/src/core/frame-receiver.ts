import { KIND, KIND_OF_CONTROL_RECOVERY } from './control-field.ts';
import type { Dlc } from './dlc.ts';
import type { DlcMachine } from './dlc-machine.ts';
import type { FrameSink } from './frame-sink.ts';
import type { LinkContext } from './link-context.ts';
import type { Negotiation } from './negotiation.ts';
import { NoiseText } from './noise-text.ts';
import { ReceivedRun } from './received-run.ts';
import type { Responder } from './responder.ts';
import type { StatusExchange } from './status-exchange.ts';
import type { SentFrameWatcher } from './transmitter.ts';

/** Where received frames go. */
export interface ReceiverParts {
  readonly context: LinkContext;
  readonly machine: DlcMachine;
  readonly negotiation: Negotiation;
  readonly status: StatusExchange;
  readonly responder: Responder;
  /** The module sent plain text. */
  readonly onText: () => void;
}

/** Sorts what the deframer finds: data to its DLC, the rest to the machines. */
export class FrameReceiver implements FrameSink {
  watcher: SentFrameWatcher | undefined;
  /** Plain text has come, and no frame since. */
  sawText = false;
  /** A frame came that can only be the peer's; whoever takes note of it sets it back. */
  sawPeer = false;
  readonly #run: ReceivedRun;
  readonly #text = new NoiseText();
  readonly #lastDmAtMs = new Map<number, number>();
  #dlcs: (Dlc | undefined)[] = [];
  #parts!: ReceiverParts;
  #framesReceived = 0;
  #hasNoise = false;
  #ownBit: 0 | 1 = 1;
  #peerUsesItsBit = false;

  constructor() {
    this.#run = new ReceivedRun((dlci, bytes) => {
      this.#parts.context.emit({ type: 'data', dlci, bytes });
    });
  }

  /** To be called once, before anything arrives. */
  join(parts: ReceiverParts): void {
    this.#parts = parts;
    this.#dlcs = parts.context.dlcs;
    this.#ownBit = parts.context.commandBit;
  }

  /** True while no noise is held that may be text. */
  get isQuiet(): boolean {
    return !this.#hasNoise;
  }

  receive(chunk: Uint8Array): void {
    const { deframer, counters } = this.#parts.context;
    this.#run.begin(chunk, chunk.length + deframer.pendingOctets);
    deframer.receive(chunk);
    this.#run.flush();
    counters.framesReceived = this.#framesReceived;
  }

  /** The line has been silent for the inter-octet time-out. */
  idle(): void {
    const { context, onText } = this.#parts;
    this.#run.begin(undefined, context.deframer.pendingOctets);
    context.deframer.idle();
    this.#run.flush();
    context.counters.framesReceived = this.#framesReceived;
    if (!this.#hasNoise) return;
    this.#hasNoise = false;
    const text = this.#text.take();
    if (text === undefined) return;
    this.sawText = true;
    context.emit({ type: 'moduleText', text });
    onText();
  }

  frame(bytes: Uint8Array, address: number, control: number, start: number, end: number): void {
    this.#framesReceived++;
    if (this.#hasNoise) this.#text.clear();
    this.sawText = false;
    // A module that has left the multiplexer echoes frames as they were sent, with the C/R bit of this end.
    if (((address >> 1) & 1) !== this.#ownBit) this.sawPeer = true;
    if (this.watcher !== undefined) this.watcher(address, control, bytes, start, end);
    const dlci = address >> 2;
    const dlc = this.#dlcs[dlci];
    if ((control | 0x10) === 0xff && dlc !== undefined && dlc.isPlainData) {
      const { counters } = dlc;
      counters.framesReceived++;
      counters.bytesReceived += end - start;
      if (end > start) this.#run.add(dlci, bytes, start, end);
      return;
    }
    this.#other(bytes, dlci, (address >> 1) & 1, control, start, end);
  }

  noise(bytes: Uint8Array, start: number, end: number): void {
    this.#hasNoise = true;
    this.#text.add(bytes, start, end);
  }

  #other(bytes: Uint8Array, dlci: number, commandResponse: number, control: number, start: number, end: number): void {
    const { context, machine } = this.#parts;
    this.#run.flush();
    context.isTouched = true;
    const dlc = context.dlc(dlci);
    switch (KIND_OF_CONTROL_RECOVERY[control]) {
      case KIND.SABM:
        if (dlci === 0 && context.commandBit === 1 && commandResponse === 1) context.counters.echoes++;
        else this.#sabm(dlc);
        return;
      case KIND.UA:
        dlc.wasAnswered = true;
        machine.step(dlc, 'rxUA');
        return;
      case KIND.DM:
        dlc.wasAnswered = true;
        machine.step(dlc, 'rxDM');
        return;
      case KIND.DISC:
        machine.step(dlc, 'rxDISC');
        return;
      case KIND.UIH:
      case KIND.UI:
        if (dlci !== 0) this.#data(dlc, bytes, start, end);
        else if (this.#isEcho(commandResponse)) context.counters.echoes++;
        else this.#controlField(dlc, bytes, start, end);
        return;
      default:
        this.#numbered(dlc, bytes, commandResponse, control, start, end);
    }
  }

  /**
   * True for a frame on the control channel with the C/R bit of this end, from a peer that has used its own before: a
   * module in command mode that echoes. Peers that never use their own are taken as they are.
   */
  #isEcho(commandResponse: number): boolean {
    if (commandResponse === this.#ownBit) return this.#peerUsesItsBit;
    this.#peerUsesItsBit = true;
    return false;
  }

  #sabm(dlc: Dlc): void {
    const { context, machine, negotiation } = this.#parts;
    const { state, options } = context;
    if (dlc.dlci === 0) {
      // A host that starts anew on an open link knows nothing of the DLCs that it had, nor that it has stopped us.
      context.transmitter.dataStopped = false;
      negotiation.clear();
      for (const other of context.dlcs) {
        if (other !== undefined && other !== dlc && other.state !== 'disconnected') machine.forget(other, 'peer');
      }
      if (state !== 'closing' && state !== 'idle') machine.step(dlc, 'rxSABM');
      return;
    }
    const wanted = state === 'up' && options.accept(dlc.dlci);
    if (dlc.state === 'negotiating' && !negotiation.fits(dlc.dlci)) {
      machine.step(dlc, 'rxSABMUnfit');
      return;
    }
    if (wanted && dlc.state === 'disconnected') {
      dlc.signals = options.signals;
      dlc.stoppedByPeer = false;
    }
    if (dlc.state === 'negotiating' || (wanted && dlc.state === 'disconnected'))
      machine.configure(dlc, negotiation.parametersFor(dlc.dlci));
    machine.step(dlc, wanted ? 'rxSABM' : 'rxSABMUnwanted');
  }

  #controlField(dlc: Dlc, bytes: Uint8Array, start: number, end: number): void {
    const { context, responder } = this.#parts;
    dlc.counters.framesReceived++;
    dlc.counters.bytesReceived += end - start;
    const { state } = context;
    // Before the link is open only one message is heard: a host may free a module from a session that it has forgotten.
    if (state !== 'idle' && state !== 'closed') responder.receive(bytes, start, end, state === 'starting');
  }

  #data(dlc: Dlc, bytes: Uint8Array, start: number, end: number): void {
    const { context, machine, status } = this.#parts;
    if (!dlc.isOpen) {
      dlc.counters.framesUnexpected++;
      // One DM is enough for a burst of frames.
      const lastMs = this.#lastDmAtMs.get(dlc.dlci) ?? -Infinity;
      if (dlc.state !== 'disconnected' || context.nowMs - lastMs < dlc.parameters.t1Ms) return;
      this.#lastDmAtMs.set(dlc.dlci, context.nowMs);
      machine.step(dlc, 'rxData');
      return;
    }
    dlc.counters.framesReceived++;
    dlc.counters.bytesReceived += end - start;
    const arrived = dlc.inbound.take(bytes, start, end);
    if (arrived.signals !== undefined) status.take(dlc.dlci, arrived.signals);
    if (arrived.bytes === undefined) return;
    if (dlc.outbound.isFramed) {
      context.emit({ type: 'data', dlci: dlc.dlci, bytes: arrived.bytes.slice(arrived.start, arrived.end) });
    } else if (arrived.end > arrived.start) {
      this.#run.add(dlc.dlci, arrived.bytes, arrived.start, arrived.end);
    }
  }

  /** An I frame or a supervisory one. */
  #numbered(dlc: Dlc, bytes: Uint8Array, commandResponse: number, control: number, start: number, end: number): void {
    const { context, machine } = this.#parts;
    const { recovery } = dlc;
    if (recovery === undefined || (dlc.state !== 'connected' && dlc.state !== 'draining')) {
      context.counters.unexpectedFrames++;
      if (dlc.state === 'disconnected') this.#data(dlc, bytes, start, end);
      return;
    }
    if (KIND_OF_CONTROL_RECOVERY[control] === KIND.I) {
      if (recovery.receiveInformation(control, context.nowMs)) this.#data(dlc, bytes, start, end);
    } else {
      recovery.receiveSupervisory(control, commandResponse !== context.commandBit, context.nowMs);
    }
    machine.disconnectIfDrained(dlc);
  }
}
