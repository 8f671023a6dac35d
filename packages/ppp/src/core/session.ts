import { AuthenticationPhase } from './authentication-phase.ts';
import type { AuthProtocol } from './auth-protocol.ts';
import { FrameDecoder } from './frame-decoder.ts';
import type { FrameEncoder } from './frame-encoder.ts';
import { FrameOutput } from './frame-output.ts';
import { LinkControl } from './link-control.ts';
import { DEFAULT_MRU } from './lcp-options.ts';
import { modemTextAtEnd } from './modem-text.ts';
import { NetworkControl } from './network-control.ts';
import { PROTOCOL, protocolName } from './protocol-numbers.ts';
import type {
  NetworkAgreement,
  PppEndReason,
  PppPhase,
  SessionConfiguration,
  SessionCounters,
  SessionEnd,
  SessionEvent,
  SessionHost,
} from './session-types.ts';
import { TERMINATE_TEXT } from './terminate-text.ts';
import { utf8 } from './text.ts';

/** Events kept until the shell takes them; a peer cannot make more between two of its calls. */
const EVENT_LIMIT = 1024;

/**
 * One PPP session over one byte channel, either end: framing, LCP, authentication, network protocols, in the phases of
 * RFC 1661 §3. Octets and the time go in, frames and packets come out through the host, events are kept until
 * {@link takeEvents}. Frames are worked on one after another, so that what one agrees on holds for the next.
 */
export class PppSession {
  readonly decoder: FrameDecoder;
  readonly counters: SessionCounters = {
    droppedByPhase: 0,
    packetsReceived: 0,
    packetBytesReceived: 0,
    protocolRejectsSent: 0,
  };
  readonly #configuration: SessionConfiguration;
  readonly #host: SessionHost;
  readonly #link: LinkControl;
  readonly #network: NetworkControl;
  readonly #authentication: AuthenticationPhase;
  readonly #output: FrameOutput;
  #nowMs = 0;
  #phase: PppPhase = 'dead';
  #phaseDeadlineMs: number | undefined;
  #textDeadlineMs: number | undefined;
  #events: SessionEvent[] = [];
  #endBegun: SessionEnd | undefined;
  #end: SessionEnd | undefined;
  #peerText: string | undefined;

  constructor(configuration: SessionConfiguration, host: SessionHost) {
    this.#configuration = configuration;
    this.#host = host;
    const { onFrame } = host;
    this.#output = new FrameOutput(host);
    this.decoder = new FrameDecoder({
      // Packets of the default size must be taken whatever was agreed (RFC 1661 §6.1).
      maximumInformationBytes: Math.max(DEFAULT_MRU, configuration.mru),
      onFrame: (protocol, information) => {
        this.#frame(protocol, information);
      },
      onRawFrame:
        onFrame === undefined
          ? undefined
          : (frame) => {
              onFrame('received', frame);
            },
    });
    const now = (): number => this.#nowMs;
    this.#link = new LinkControl(configuration, {
      now,
      random: (octets) => host.random(octets),
      send: (packet) => {
        this.#output.send(PROTOCOL.LCP, packet);
      },
      framesReceived: () => this.decoder.counters.frames,
      event: (event) => {
        this.#emit(event);
      },
      up: () => {
        this.#lcpUp();
      },
      down: () => {
        this.#lcpDown();
      },
      finished: (failure) => {
        if (this.#endBegun === undefined && this.#peerText !== undefined)
          this.#endBegins('closedByPeer', this.#peerText);
        else if (this.#endBegun === undefined) {
          if (failure === 'noAnswer') this.#endBegins('noAnswer', '');
          else this.#endBegins(failure === 'rejected' ? 'noAgreement' : 'closedByPeer', '');
        }
        this.#finish();
      },
      peerTerminates: (text) => {
        this.#peerText = text;
        this.#emit({ type: 'peerTerminates', text });
        if (this.#link.isOpened) this.#endBegins('closedByPeer', text);
      },
      failed: (reason, text) => {
        this.fail(reason, text);
      },
      protocolRejected: (protocol) => {
        this.#protocolRejected(protocol);
      },
    });
    this.#authentication = new AuthenticationPhase(configuration, {
      now,
      random: (octets) => host.random(octets),
      send: (protocol, packet) => {
        this.#output.send(protocol, packet);
      },
      secretOf: (user, answer) => {
        host.secretOf(user, answer);
      },
      event: (event) => {
        this.#emit(event);
      },
      done: () => {
        this.#startNetwork();
      },
      failed: (reason, text) => {
        this.fail(reason, text);
      },
    });
    this.#network = new NetworkControl(configuration, {
      now,
      random: (octets) => host.random(octets),
      send: (protocol, packet) => {
        this.#output.send(protocol, packet);
      },
      maximumPacketBytes: () => this.#link.peerMru,
      running: () => {
        this.#enter('running');
        this.#phaseDeadlineMs = undefined;
        this.#emit({ type: 'networkUp', network: this.network });
      },
      changed: () => {
        this.#emit({ type: 'networkChanged', network: this.network });
      },
      down: () => {
        this.#emit({ type: 'networkDown' });
        if (this.#phase === 'running' && this.#link.isOpened) {
          this.#enter('network');
          this.#phaseDeadlineMs = this.#nowMs + configuration.networkTimeoutMs;
        }
      },
      failed: (text) => {
        this.fail('networkFailed', text);
      },
    });
  }

  get phase(): PppPhase {
    return this.#phase;
  }

  /** How the session ended; undefined while it lasts. */
  get end(): SessionEnd | undefined {
    return this.#end;
  }

  /** What is agreed on for IP at the moment. */
  get network(): NetworkAgreement {
    return { ...this.#network.agreement, mtu: this.mtu };
  }

  /** The longest packet that may be sent to the peer. */
  get mtu(): number {
    return Math.min(this.#link.peerMru, this.#configuration.mtuLimit);
  }

  /** Puts IP packets into frames as agreed at the moment. */
  get encoder(): FrameEncoder {
    return this.#output.encoder;
  }

  /** True where a packet of this protocol may be sent now. */
  carries(protocol: number): boolean {
    return this.#network.carries(protocol);
  }

  /** When {@link timeout} is due; undefined where nothing is waited for. */
  get deadlineMs(): number | undefined {
    const deadline = Math.min(
      this.#phaseDeadlineMs ?? Infinity,
      this.#textDeadlineMs ?? Infinity,
      this.#link.deadlineMs ?? Infinity,
      this.#network.deadlineMs ?? Infinity,
      this.#authentication.deadlineMs ?? Infinity,
    );
    return deadline === Infinity ? undefined : deadline;
  }

  /** Events since the last call, in order. */
  takeEvents(): readonly SessionEvent[] {
    if (this.#events.length === 0) return [];
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Begins to establish the link. */
  start(nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#phase !== 'dead' || this.#end !== undefined) return;
    this.#enter('establish');
    if (!this.#configuration.passive) this.#phaseDeadlineMs = nowMs + this.#configuration.establishTimeoutMs;
    this.#link.start();
  }

  /** Takes octets from the line; gives how many were used, which is all of them unless the session ended among them. */
  receive(chunk: Uint8Array, nowMs: number): number {
    this.#nowMs = nowMs;
    if (this.#end !== undefined) return 0;
    const used = this.decoder.decode(chunk);
    if (this.#configuration.watchModemText) this.#watchText();
    return used;
  }

  /** Does what is due. */
  timeout(nowMs: number): void {
    this.#nowMs = nowMs;
    const isDue = (deadlineMs: number | undefined): boolean => deadlineMs !== undefined && deadlineMs <= nowMs;
    if (isDue(this.#textDeadlineMs)) {
      this.#textDeadlineMs = undefined;
      const text = modemTextAtEnd(this.decoder.pending);
      if (text !== undefined) {
        this.#emit({ type: 'modemText', text: text.text });
        this.lost(text.text, nowMs);
        return;
      }
    }
    this.#authentication.timeout(nowMs);
    this.#network.timeout(nowMs);
    this.#link.timeout(nowMs);
    if (isDue(this.#phaseDeadlineMs)) {
      this.#phaseDeadlineMs = undefined;
      this.#phaseTimedOut();
    }
  }

  /** Ends the session in order: Terminate-Request, and its Ack awaited. */
  close(nowMs: number, text = 'User request'): void {
    this.#nowMs = nowMs;
    this.fail('closedHere', text);
  }

  /** The byte channel is gone, or the modem has left data mode: the session is over at once. */
  lost(text: string, nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#end !== undefined) return;
    if (this.#endBegun === undefined) this.#endBegins('carrierLost', text);
    this.#link.lowerDown();
    this.#finish();
  }

  /** Begins to end the session for a reason; the peer is told. */
  fail(reason: PppEndReason, text: string): void {
    if (this.#end !== undefined) return;
    const isFirst = this.#endBegun === undefined;
    this.#endBegins(reason, text);
    if (isFirst) this.#link.close(utf8(reason === 'closedHere' ? text : TERMINATE_TEXT[reason]));
    if (this.#link.isClosed) this.#finish();
    else if (this.#phase !== 'dead') this.#enter('terminate');
  }

  /** Whether the line is read: while it is not, the keep-alive is silent. */
  setReading(isReading: boolean, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#link.isHeld = !isReading;
  }

  /** Sends an LCP Identification (RFC 1570 §1.1). */
  identify(text: string, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#link.identify(text);
  }

  #endBegins(reason: PppEndReason, text: string): void {
    this.#endBegun ??= { reason, text, phase: this.#phase };
    this.#phaseDeadlineMs = undefined;
  }

  #finish(): void {
    if (this.#end !== undefined || this.#endBegun === undefined) return;
    this.#end = this.#endBegun;
    this.#authentication.stop();
    this.#network.lowerDown();
    this.#phaseDeadlineMs = undefined;
    this.#textDeadlineMs = undefined;
    this.decoder.stop();
    this.#enter('dead');
    this.#emit({ type: 'ended', end: this.#end });
  }

  #phaseTimedOut(): void {
    const phase = this.#phase;
    if (phase === 'establish') this.fail('noAnswer', 'LCP did not come to an agreement in time');
    else if (phase === 'authenticate') this.fail('noAnswer', 'authentication did not come to an end in time');
    else if (phase === 'network') this.fail('networkFailed', this.#network.describePending());
  }

  #enter(phase: PppPhase): void {
    if (phase === this.#phase) return;
    this.#phase = phase;
    this.#emit({ type: 'phase', phase });
  }

  #emit(event: SessionEvent): void {
    if (this.#events.length < EVENT_LIMIT || event.type === 'ended') this.#events.push(event);
  }

  #lcpUp(): void {
    const { ours, peers } = this.#link.options;
    const { crc32 } = this.#configuration;
    this.#output.agreed(peers, crc32);
    this.decoder.accm = ours.accm;
    this.decoder.crc32 = ours.fcs32 ? crc32 : undefined;
    this.#emit({
      type: 'lcpUp',
      mtu: this.mtu,
      sendAccm: peers.accm,
      receiveAccm: ours.accm,
      pfc: peers.pfc,
      acfc: peers.acfc,
      fcs32: peers.fcs32,
    });
    if (this.#endBegun !== undefined) return;
    this.#authenticate(peers.auth, ours.auth);
  }

  /** What was agreed is void: the default format again, everything above down. */
  #lcpDown(): void {
    this.#authentication.stop();
    this.#network.lowerDown();
    this.#output.reset();
    this.decoder.accm = 0xffffffff;
    this.decoder.crc32 = undefined;
    if (this.#endBegun !== undefined) this.#enter('terminate');
    else {
      this.#enter('establish');
      this.#phaseDeadlineMs = this.#nowMs + this.#configuration.establishTimeoutMs;
    }
  }

  #authenticate(asPeer: AuthProtocol | undefined, asAuthenticator: AuthProtocol | undefined): void {
    if (asPeer === undefined && asAuthenticator === undefined) {
      this.#startNetwork();
      return;
    }
    this.#enter('authenticate');
    this.#phaseDeadlineMs = this.#nowMs + this.#configuration.authTimeoutMs;
    this.#authentication.start(asPeer, asAuthenticator);
  }

  #startNetwork(): void {
    if (this.#endBegun !== undefined) return;
    this.#enter('network');
    this.#phaseDeadlineMs = this.#nowMs + this.#configuration.networkTimeoutMs;
    this.#network.start();
  }

  #frame(protocol: number, information: Uint8Array): void {
    if (this.#network.carries(protocol)) {
      this.counters.packetsReceived++;
      this.counters.packetBytesReceived += information.length;
      if (information.length > 0) this.#host.deliver(information);
      return;
    }
    if (protocol === PROTOCOL.LCP) {
      this.#link.receive(information);
      return;
    }
    // RFC 1661 §3.4, §3.5: before a phase is reached, packets of later ones are silently discarded.
    if (!this.#link.isOpened) {
      this.counters.droppedByPhase++;
      return;
    }
    if (protocol === PROTOCOL.PAP || protocol === PROTOCOL.CHAP) {
      if (!this.#authentication.receive(protocol, information)) this.counters.droppedByPhase++;
      return;
    }
    if (this.#phase !== 'network' && this.#phase !== 'running') {
      this.counters.droppedByPhase++;
      return;
    }
    if (this.#network.receive(protocol, information)) return;
    if (this.#network.isKnown(protocol)) this.counters.droppedByPhase++;
    else {
      this.counters.protocolRejectsSent++;
      this.#link.rejectProtocol(protocol, information);
      this.#emit({ type: 'protocolRejected', protocol, by: 'us' });
    }
  }

  #protocolRejected(protocol: number): void {
    this.#emit({ type: 'protocolRejected', protocol, by: 'peer' });
    if (protocol === PROTOCOL.PAP || protocol === PROTOCOL.CHAP) {
      this.fail('authRefused', `the peer does not know ${protocolName(protocol)}`);
    } else this.#network.rejected(protocol);
  }

  #watchText(): void {
    const text = modemTextAtEnd(this.decoder.pending);
    this.#textDeadlineMs = text === undefined ? undefined : this.#nowMs + text.quietMs;
  }
}
