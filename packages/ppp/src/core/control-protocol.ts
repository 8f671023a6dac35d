import {
  NEGOTIATING_STATES,
  TIMED_STATES,
  transition,
  type AutomatonAction,
  type AutomatonEvent,
  type AutomatonState,
} from './automaton-table.ts';
import { controlPacket, parseControlPacket, type ControlPacket } from './control-packet.ts';
import type { NegotiationLimits } from './negotiation-limits.ts';
import type { OptionNegotiator } from './option-negotiator.ts';
import { OwnRequest } from './own-request.ts';
import { PeerRequests, type RequestAnswer } from './peer-requests.ts';
import { CODE } from './protocol-numbers.ts';

/** Why a protocol gave up by itself. */
export type ProtocolFailure = 'noAnswer' | 'noAgreement' | 'rejected';

/** What a {@link ControlProtocol} needs from the session around it. */
export interface ControlProtocolHost {
  /** The time, in milliseconds, of the input that is being worked on. */
  now(): number;
  send(packet: Uint8Array): void;
  /** This-Layer-Up: options are agreed on both ways. */
  layerUp(): void;
  /** This-Layer-Down: what was agreed is void. */
  layerDown(): void;
  /** This-Layer-Finished: nothing more will happen until it is opened again. */
  layerFinished(failure: ProtocolFailure | undefined): void;
  /** The negotiation cannot come to an end, for the reason given. */
  gaveUp(reason: string): void;
  /** The peer asked to terminate, with the text given. */
  peerTerminates?(text: Uint8Array): void;
  /** The peer does not know a code that can be done without. */
  codeRejected?(code: number): void;
  /** A packet with a code above Code-Reject; false where the code is unknown. */
  otherCode?(packet: ControlPacket): boolean;
  /** The most octets that a packet of ours may have: the peer's MRU. */
  maximumPacketBytes(): number;
}

/** Counters of one protocol. */
export interface ControlProtocolCounters {
  malformed: number;
  /** Answers to no request of ours, or to one that was answered before. */
  strayAnswers: number;
}

/**
 * One control protocol: the automaton of RFC 1661 §4 with its timer, counters and identifiers. LCP, IPCP and IPV6CP are
 * this with different options. Nothing here knows the time by itself: {@link deadlineMs} says when
 * {@link timeout} is due.
 */
export class ControlProtocol {
  readonly counters: ControlProtocolCounters = { malformed: 0, strayAnswers: 0 };
  readonly #negotiator: OptionNegotiator;
  readonly #host: ControlProtocolHost;
  readonly #limits: NegotiationLimits;
  readonly #passive: boolean;
  #state: AutomatonState = 'Initial';
  #restartCount = 0;
  #deadlineMs: number | undefined;
  #identifier = 0;
  readonly #own: OwnRequest;
  readonly #peers: PeerRequests;
  #terminateIdentifier: number | undefined;
  #terminateText: Uint8Array = new Uint8Array(0);
  /** The answer to the peer's request at hand, for `sca` and `scn`. */
  #answer: RequestAnswer | undefined;
  /** The packet at hand, for `sta` and `scj`. */
  #received: ControlPacket | undefined;
  #receivedOctets: Uint8Array = new Uint8Array(0);
  /** The peer rejected what cannot be done without: why this will finish. */
  #isRejected = false;

  constructor(
    negotiator: OptionNegotiator,
    host: ControlProtocolHost,
    limits: NegotiationLimits,
    options: { readonly passive?: boolean } = {},
  ) {
    this.#negotiator = negotiator;
    this.#host = host;
    this.#limits = limits;
    this.#passive = options.passive ?? false;
    this.#own = new OwnRequest(negotiator, limits);
    this.#peers = new PeerRequests(negotiator, limits);
  }

  get state(): AutomatonState {
    return this.#state;
  }

  get isOpened(): boolean {
    return this.#state === 'Opened';
  }

  /** When the restart timer runs out; undefined while it does not run. */
  get deadlineMs(): number | undefined {
    return this.#deadlineMs;
  }

  /** The lower layer is ready. */
  up(): void {
    this.#step('Up');
  }

  /** The lower layer is gone. */
  down(): void {
    this.#step('Down');
  }

  /** Asks for the layer to be opened. */
  open(): void {
    this.#step('Open');
  }

  /** Closes the layer, with a text for the peer. */
  close(text: Uint8Array = new Uint8Array(0)): void {
    this.#terminateText = text;
    this.#terminateIdentifier = undefined;
    this.#step('Close');
  }

  /** The peer rejected this protocol, or a code of it that cannot be done without (RFC 1661 §4.3, RXJ-). */
  rejected(): void {
    this.#step('RXJ-');
  }

  /** The restart timer ran out. */
  timeout(): void {
    this.#deadlineMs = undefined;
    this.#step(this.#restartCount > 0 ? 'TO+' : 'TO-');
  }

  /** A new identifier, for packets that the session sends by itself. */
  nextIdentifier(): number {
    this.#identifier = (this.#identifier + 1) & 0xff;
    return this.#identifier;
  }

  /** Takes a packet from the line, whatever it is. */
  receive(information: Uint8Array): void {
    if (this.#state === 'Initial' || this.#state === 'Starting') return;
    const packet = parseControlPacket(information);
    if (packet === undefined) {
      this.counters.malformed++;
      return;
    }
    this.#received = packet;
    this.#receivedOctets = information.subarray(0, packet.data.length + 4);
    switch (packet.code) {
      case CODE.configureRequest:
        this.#configureRequest(packet);
        break;
      case CODE.configureAck:
      case CODE.configureNak:
      case CODE.configureReject:
        this.#configureAnswer(packet);
        break;
      case CODE.terminateRequest:
        this.#host.peerTerminates?.(packet.data);
        this.#step('RTR');
        break;
      case CODE.terminateAck:
        this.#step('RTA');
        break;
      case CODE.codeReject:
        this.#codeReject(packet);
        break;
      default:
        if (this.#host.otherCode?.(packet) !== true) this.#step('RUC');
    }
    this.#received = undefined;
  }

  #codeReject(packet: ControlPacket): void {
    const code = packet.data[0];
    if (code === undefined) this.counters.malformed++;
    else if (code >= CODE.configureRequest && code <= CODE.codeReject) this.#step('RXJ-');
    else {
      this.#host.codeRejected?.(code);
      this.#step('RXJ+');
    }
  }

  #configureRequest(packet: ControlPacket): void {
    // Judged before the step, which depends on it, so a negotiation that this request begins must begin here.
    if (this.#state === 'Opened' || this.#state === 'Stopped') this.#beginNegotiation();
    if (!NEGOTIATING_STATES.has(this.#state) && this.#state !== 'Opened' && this.#state !== 'Stopped') {
      this.#step('RCR-');
      return;
    }
    this.#answer = this.#peers.judge(packet);
    if (this.#answer === undefined) this.#host.gaveUp('noAgreement');
    else this.#step(this.#answer.granted === undefined ? 'RCR-' : 'RCR+');
  }

  #configureAnswer(packet: ControlPacket): void {
    const event = packet.code === CODE.configureAck ? 'RCA' : 'RCN';
    if (!NEGOTIATING_STATES.has(this.#state) && this.#state !== 'Opened') {
      this.#step(event);
      return;
    }
    const step = this.#own.answered(packet);
    if (step === undefined) {
      this.counters.strayAnswers++;
      return;
    }
    if (typeof step === 'object') {
      this.#host.gaveUp(step.fatal);
      return;
    }
    if (step === 'stall') {
      // The peer is busy, not silent: the same request goes out again a little later, as if the restart timer had run.
      this.#restartCount = this.#limits.maxConfigure;
      this.#startTimer(this.#limits.stallMs);
      return;
    }
    this.#step(event);
  }

  #beginNegotiation(): void {
    this.#negotiator.restart();
    this.#own.restart();
    this.#peers.restart();
    this.#isRejected = false;
  }

  #step(event: AutomatonEvent): void {
    const cell = transition(this.#state, event);
    if (cell === undefined) return;
    const before = this.#state;
    if (event === 'RXJ-') this.#isRejected = true;
    let { actions } = cell;
    if (event === 'TO-' && this.#passive && NEGOTIATING_STATES.has(before)) actions = [];
    if (actions.includes('scr') && !NEGOTIATING_STATES.has(before) && this.#received?.code !== CODE.configureRequest)
      this.#beginNegotiation();
    this.#state = cell.next;
    for (const action of actions) this.#act(action, event, actions);
    // Not `cell.next`: a signal to the layer above may have closed this one meanwhile, and that stands.
    if (!TIMED_STATES.has(this.#state)) this.#deadlineMs = undefined;
  }

  #act(action: AutomatonAction, event: AutomatonEvent, actions: readonly AutomatonAction[]): void {
    const { maxConfigure, maxTerminate, restartMs } = this.#limits;
    switch (action) {
      case 'tlu':
        this.#host.layerUp();
        break;
      case 'tld':
        this.#host.layerDown();
        break;
      case 'tls':
        break;
      case 'tlf':
        this.#host.layerFinished(this.#isRejected ? 'rejected' : event === 'TO-' ? 'noAnswer' : undefined);
        break;
      case 'irc':
        this.#restartCount = actions.includes('str') ? maxTerminate : maxConfigure;
        break;
      case 'zrc':
        this.#restartCount = 0;
        this.#startTimer(restartMs);
        break;
      case 'scr':
        this.#sendRequest();
        break;
      case 'sca':
      case 'scn':
        this.#sendAnswer();
        break;
      case 'str':
        this.#restartCount--;
        this.#terminateIdentifier ??= this.nextIdentifier();
        this.#host.send(controlPacket(CODE.terminateRequest, this.#terminateIdentifier, this.#terminateText));
        this.#startTimer(restartMs);
        break;
      case 'sta':
        this.#host.send(
          controlPacket(
            CODE.terminateAck,
            event === 'RTR' && this.#received !== undefined ? this.#received.identifier : this.nextIdentifier(),
            new Uint8Array(0),
          ),
        );
        break;
      case 'scj': {
        const room = Math.max(0, this.#host.maximumPacketBytes() - 4);
        this.#host.send(controlPacket(CODE.codeReject, this.nextIdentifier(), this.#receivedOctets.subarray(0, room)));
        break;
      }
      case 'ser':
        // Echo-Replies are the session's: they hold its Magic-Number.
        break;
    }
  }

  #sendRequest(): void {
    this.#restartCount--;
    this.#host.send(this.#own.next(() => this.nextIdentifier()));
    this.#startTimer(this.#limits.restartMs);
  }

  #sendAnswer(): void {
    const answer = this.#answer;
    this.#answer = undefined;
    if (answer === undefined) return;
    if (answer.granted !== undefined) this.#negotiator.granted(answer.granted);
    this.#host.send(answer.packet);
  }

  #startTimer(delayMs: number): void {
    this.#deadlineMs = this.#host.now() + delayMs;
  }
}
