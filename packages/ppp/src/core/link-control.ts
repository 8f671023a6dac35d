import { controlPacket, readUnsigned, unsignedOctets, type ControlPacket } from './control-packet.ts';
import { ControlProtocol, type ProtocolFailure } from './control-protocol.ts';
import { EchoKeeper } from './echo-keeper.ts';
import { LOOPBACK_LIMIT, LcpOptions } from './lcp-options.ts';
import { CODE } from './protocol-numbers.ts';
import type { PppEndReason, SessionConfiguration, SessionEvent } from './session-types.ts';
import { peerText, utf8 } from './text.ts';

/** Echo-Requests with our own Magic-Number after which an open line counts as looped back. */
const ECHO_LOOP_LIMIT = 3;

/** What LCP needs from the session. */
export interface LinkControlHost {
  now(): number;
  random(octets: number): Uint8Array;
  send(packet: Uint8Array): void;
  framesReceived(): number;
  event(event: SessionEvent): void;
  up(): void;
  down(): void;
  finished(failure: ProtocolFailure | undefined): void;
  peerTerminates(text: string): void;
  failed(reason: PppEndReason, text: string): void;
  /** The peer does not know this protocol. */
  protocolRejected(protocol: number): void;
}

/** LCP: the automaton with LCP's options, and the codes that only LCP has (RFC 1661 §5.7 to §5.9, RFC 1570 §1). */
export class LinkControl {
  readonly options: LcpOptions;
  readonly #host: LinkControlHost;
  readonly #protocol: ControlProtocol;
  readonly #echo: EchoKeeper | undefined;
  #echoLoops = 0;

  constructor(configuration: SessionConfiguration, host: LinkControlHost) {
    this.#host = host;
    this.options = new LcpOptions({
      ...configuration,
      fcs32: configuration.crc32 !== undefined,
      randomMagic: () => {
        for (;;) {
          const magic = readUnsigned(host.random(4));
          if (magic !== 0) return magic;
        }
      },
    });
    this.#protocol = new ControlProtocol(
      this.options,
      {
        now: () => host.now(),
        send: (packet) => {
          host.send(packet);
        },
        layerUp: () => {
          host.up();
          if (this.isOpened) this.#echo?.start();
        },
        layerDown: () => {
          this.#echo?.stop();
          this.#echoLoops = 0;
          host.down();
        },
        layerFinished: (failure) => {
          host.finished(failure);
        },
        gaveUp: (reason) => {
          if (reason === 'authRefused') host.failed('authRefused', 'the peer does not want to authenticate');
          else host.failed('noAgreement', 'LCP');
        },
        peerTerminates: (text) => {
          host.peerTerminates(peerText(text));
        },
        codeRejected: (code) => {
          // Silence of a peer that knows no Echo-Requests says nothing.
          if (code === CODE.echoRequest) this.#echo?.stop();
        },
        otherCode: (packet) => this.#otherCode(packet),
        maximumPacketBytes: () => this.peerMru,
      },
      configuration.lcpLimits,
      { passive: configuration.passive },
    );
    if (configuration.echo !== undefined) {
      this.#echo = new EchoKeeper(configuration.echo, {
        now: () => host.now(),
        framesReceived: () => host.framesReceived(),
        sendEcho: (data) => {
          const identifier = this.#protocol.nextIdentifier();
          this.#sendWithMagic(CODE.echoRequest, identifier, data);
          return identifier;
        },
        replied: (roundTripMs) => {
          host.event({ type: 'echoReply', roundTripMs });
        },
        missed: (count) => {
          host.event({ type: 'echoMissed', count });
        },
        dead: () => {
          host.failed('silence', `no answer to ${configuration.echo?.failures ?? 0} Echo-Requests`);
        },
      });
    }
  }

  get isOpened(): boolean {
    return this.#protocol.isOpened;
  }

  /** True where nothing is under way and nothing can be terminated. */
  get isClosed(): boolean {
    const { state } = this.#protocol;
    return state === 'Initial' || state === 'Starting' || state === 'Closed' || state === 'Stopped';
  }

  /** The longest information field that the peer takes. */
  get peerMru(): number {
    return this.options.peers.mru;
  }

  get deadlineMs(): number | undefined {
    return minimum(this.#protocol.deadlineMs, this.#echo?.deadlineMs);
  }

  start(): void {
    this.#protocol.open();
    this.#protocol.up();
  }

  close(text: Uint8Array): void {
    this.#protocol.close(text);
  }

  lowerDown(): void {
    this.#protocol.down();
    this.#protocol.close();
  }

  timeout(nowMs: number): void {
    const { deadlineMs } = this.#protocol;
    if (deadlineMs !== undefined && deadlineMs <= nowMs) this.#protocol.timeout();
    if (this.#echo?.deadlineMs !== undefined && this.#echo.deadlineMs <= nowMs) this.#echo.timeout();
  }

  receive(information: Uint8Array): void {
    this.#protocol.receive(information);
    if (this.options.loops >= LOOPBACK_LIMIT) this.#loopedBack();
  }

  /** Tells the peer that a protocol is not known here (RFC 1661 §5.7). */
  rejectProtocol(protocol: number, information: Uint8Array): void {
    const room = Math.max(0, this.peerMru - 6);
    const data = new Uint8Array(Math.min(room, information.length) + 2);
    data[0] = protocol >>> 8;
    data[1] = protocol & 0xff;
    data.set(information.subarray(0, data.length - 2), 2);
    this.#host.send(controlPacket(CODE.protocolReject, this.#protocol.nextIdentifier(), data));
  }

  /** While nobody reads the line, no Echo-Requests: their answers would not be heard. */
  set isHeld(isHeld: boolean) {
    if (isHeld) this.#echo?.hold();
    else this.#echo?.release();
  }

  identify(text: string): void {
    if (this.#protocol.isOpened) {
      this.#sendWithMagic(CODE.identification, this.#protocol.nextIdentifier(), utf8(text));
    }
  }

  #loopedBack(): void {
    this.#host.failed('loopback', 'our own packets come back');
  }

  #sendWithMagic(code: number, identifier: number, data: Uint8Array): void {
    const room = Math.max(0, this.peerMru - 8);
    const body = new Uint8Array(4 + Math.min(room, data.length));
    body.set(unsignedOctets(this.options.ours.magicNumber, 4));
    body.set(data.subarray(0, body.length - 4), 4);
    this.#host.send(controlPacket(code, identifier, body));
  }

  #otherCode({ code, identifier, data }: ControlPacket): boolean {
    const { isOpened } = this.#protocol;
    switch (code) {
      case CODE.protocolReject: {
        if (!isOpened || data.length < 2) return true;
        this.#host.protocolRejected(readUnsigned(data, 0, 2));
        return true;
      }
      case CODE.echoRequest:
        if (!isOpened) return true;
        if (data.length >= 4 && this.#isOurMagic(data)) {
          if (++this.#echoLoops >= ECHO_LOOP_LIMIT) this.#loopedBack();
          return true;
        }
        this.#sendWithMagic(CODE.echoReply, identifier, data.subarray(4));
        return true;
      case CODE.echoReply:
        if (isOpened) this.#echo?.reply(identifier, data.subarray(4));
        return true;
      case CODE.discardRequest:
        return true;
      case CODE.identification:
        if (data.length >= 4) this.#host.event({ type: 'identification', text: peerText(data.subarray(4)) });
        return true;
      case CODE.timeRemaining:
        if (data.length >= 8) {
          const seconds = readUnsigned(data, 4, 4);
          this.#host.event({
            type: 'timeRemaining',
            seconds: seconds === 0xffffffff ? Infinity : seconds,
            text: peerText(data.subarray(8)),
          });
        }
        return true;
      default:
        return false;
    }
  }

  #isOurMagic(data: Uint8Array): boolean {
    const magic = this.options.ours.magicNumber;
    return magic !== 0 && readUnsigned(data, 0, 4) === magic;
  }
}

function minimum(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}
