import {
  type CellmuxError,
  checkInteger,
  concatBytes,
  diagnosticsChannel,
  prepend,
  systemClock,
  type AbortOptions,
  type Cancel,
  type Clock,
  type Port,
} from '@cellmux/port';
import { BehaviorSubject, Subject, type Observable, type Subscription } from 'rxjs';
import type { AddressPool } from './address-pool.ts';
import { PROTOCOL } from './core/protocol-numbers.ts';
import { plainFrame } from './core/frame-output.ts';
import { PppSession } from './core/session.ts';
import type { PppPhase, SessionEvent } from './core/session-types.ts';
import { abortable } from './abortable.ts';
import { DeadlineTimer } from './deadline-timer.ts';
import { FrameSender } from './frame-sender.ts';
import { watchLine } from './line-watch.ts';
import { PacketStream } from './packet-stream.ts';
import type { PppCounters } from './ppp-counters.ts';
import type { PppEvent } from './ppp-event.ts';
import { describeEnd, endError, type PppEnd } from './ppp-end.ts';
import { describeNetwork, type PppNetwork } from './ppp-network.ts';
import { sessionConfiguration, type PppOptions } from './ppp-options.ts';
import { notIpError, notUpError, packetTooLongError, queueFullError } from './send-errors.ts';

/** How long `close` lets packets that wait go first. */
const CLOSE_DRAIN_MS = 3000;

const channel = diagnosticsChannel('cellmux:ppp:event');

const platformRandom = (octets: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(octets));

/**
 * PPP over a port, either end (RFC 1661, RFC 1662): `open()` establishes the link, then IP packets go through `send` and
 * {@link packets$}, `close()` ends it in order. A link is used once; the port below stays open and is somebody else's
 * again when {@link ended} resolves.
 *
 * @example
 * await using link = new PppLink(port, { user: 'web', password: 'web' });
 * const { localAddress, dns } = await link.open();
 * link.packets$.subscribe((packet) => { … });
 * await link.send(packet);
 */
export class PppLink implements AsyncDisposable {
  /**
   * IP packets received, each its subscriber's for good; hot. The first 64 are kept for the first subscriber, which may come
   * as late as behind {@link open}; others that nobody hears are lost and counted. A subscriber that cannot keep up calls {@link pause}. Stays the same through a renegotiation; completes when the link
   * has ended.
   */
  readonly packets$: Observable<Uint8Array>;
  /** The phase, and each change of it (RFC 1661 §3.2); completes when the link has ended. */
  readonly phase$: Observable<PppPhase>;
  /** What happens; hot; completes when the link has ended. Never holds a password. */
  readonly events$: Observable<PppEvent>;
  /** How the link ended. Never rejects. */
  readonly ended: Promise<PppEnd>;
  readonly #port: Port;
  readonly #options: PppOptions;
  readonly #clock: Clock;
  readonly #session: PppSession;
  readonly #sender: FrameSender;
  readonly #packets = new PacketStream();
  readonly #phases = new BehaviorSubject<PppPhase>('dead');
  readonly #events = new Subject<PppEvent>();
  readonly #pool: { readonly pool: AddressPool; readonly address: string } | undefined;
  #resolveEnded: (end: PppEnd) => void = () => undefined;
  readonly #timer: DeadlineTimer;
  #watch: Subscription | undefined;
  #opening: Promise<PppNetwork> | undefined;
  #opened: { resolve: (network: PppNetwork) => void; reject: (error: unknown) => void } | undefined;
  #network: PppNetwork | undefined;
  #end: PppEnd | undefined;
  #cause: unknown;
  #unused: Uint8Array[] = [];
  #isPaused = false;
  #released: Port | undefined;
  #isClosing = false;

  /**
   * @throws CellmuxError `ERR_OPTION_RANGE`, `ERR_PPP_POOL_EMPTY`.
   */
  constructor(port: Port, options: PppOptions = {}) {
    this.#port = port;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#timer = new DeadlineTimer(this.#clock, (nowMs) => {
      this.#session.timeout(nowMs);
      this.#after();
    });
    this.packets$ = this.#packets.packets$;
    this.phase$ = this.#phases.asObservable();
    this.events$ = this.#events.asObservable();
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
    const random = options.random ?? platformRandom;
    const { onFrame } = options;
    this.#sender = new FrameSender({
      port,
      now: () => this.#clock.now(),
      packetLimit: checkInteger('sendQueuePackets', options.sendQueuePackets ?? 128, 1, 65_536),
      batchBytes: checkInteger('batchBytes', options.batchBytes ?? 4096, 1500, 1_048_576),
      onPacket:
        onFrame === undefined
          ? undefined
          : (protocol, packet) => {
              onFrame('sent', plainFrame(protocol, packet));
            },
      onFailure: (error) => {
        this.#portIsGone(error);
      },
    });
    let peerAddress: string | undefined;
    if (options.role === 'server') {
      const { peerAddress: given } = options;
      if (typeof given === 'string') peerAddress = given;
      else {
        peerAddress = given.take();
        this.#pool = { pool: given, address: peerAddress };
      }
    }
    try {
      this.#session = new PppSession(sessionConfiguration(options, peerAddress), {
        random,
        transmit: (frame) => {
          this.#sender.control(frame);
        },
        deliver: (packet) => {
          this.#packets.next(packet);
        },
        secretOf: (user, answer) => {
          this.#secretOf(user, answer);
        },
        onFrame,
      });
    } catch (error) {
      this.#pool?.pool.release(this.#pool.address);
      throw error;
    }
  }

  /** The phase at the moment. */
  get phase(): PppPhase {
    return this.#phases.value;
  }

  /** What is agreed on, while the link runs. */
  get network(): PppNetwork | undefined {
    return this.#network;
  }

  /** The port below. After the end it starts with what came behind the last frame, so that nothing of it is lost. */
  get released(): Port {
    if (this.#end === undefined) return this.#port;
    this.#released ??= prepend(this.#port, this.#end.leftover);
    return this.#released;
  }

  get counters(): PppCounters {
    return {
      ...this.#session.decoder.counters,
      ...this.#session.counters,
      ...this.#sender.counters,
      packetsUnheard: this.#packets.unheard,
    };
  }

  /** Packets that the port has not taken yet. */
  get waitingPackets(): number {
    return this.#sender.waitingPackets;
  }

  /**
   * Establishes the link: LCP, authentication, IPCP. Calling it again gives the same result.
   *
   * Rejects with `ERR_PPP_AUTH_FAILED` (the peer's words in `context.message`), `ERR_PPP_AUTH_REFUSED`,
   * `ERR_PPP_NO_ANSWER`, `ERR_PPP_LOOPBACK`, `ERR_PPP_REFUSED`, `ERR_PPP_NETWORK_FAILED`, `ERR_PPP_CARRIER_LOST`,
   * `ERR_PPP_CLOSED_BY_PEER`, `ERR_PPP_CLOSED`; the link has ended then, in order where that was possible.
   */
  open({ signal }: AbortOptions = {}): Promise<PppNetwork> {
    if (this.#opening === undefined) {
      this.#opening = new Promise((resolve, reject) => {
        this.#opened = { resolve, reject };
      });
      // Whoever only watches `ended` need not also catch this.
      this.#opening.catch(() => undefined);
      if (this.#end === undefined && signal?.aborted !== true) this.#start();
      else if (this.#end !== undefined) this.#opened?.reject(endError(this.#end, this.#port.name, this.#seen()));
    }
    if (signal === undefined) return this.#opening;
    return abortable(this.#opening, signal, () => void this.close());
  }

  /**
   * Sends an IP packet, version 4 or 6; resolves when the port has taken its frame, which is the back-pressure.
   *
   * Rejects with `ERR_PPP_NOT_UP` where the link does not carry such packets (now, or any more when its turn comes),
   * `ERR_PPP_QUEUE_FULL` with more than `sendQueuePackets` waiting, `ERR_PPP_PACKET_TOO_LONG` above the MTU,
   * `ERR_PPP_NOT_IP`, and the port's own errors.
   */
  send(ipPacket: Uint8Array): Promise<void> {
    const protocol = ipProtocol(ipPacket);
    const refusal = this.#refusal(protocol, ipPacket.length);
    if (refusal !== undefined) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      this.#sender.packet(protocol as number, ipPacket, resolve, reject);
    });
  }

  /** Like {@link send} for senders that drop what the line cannot take: false where it was refused. */
  trySend(ipPacket: Uint8Array): boolean {
    const protocol = ipProtocol(ipPacket);
    if (protocol === undefined || !this.#isUp || this.#sender.isFull || !this.#session.carries(protocol)) return false;
    if (ipPacket.length > this.#session.mtu) return false;
    this.#sender.packet(protocol, ipPacket);
    return true;
  }

  /**
   * Asks the far side to stop sending; packets under way still arrive. Nothing of LCP is read either, so that the keep-alive
   * rests until {@link resume}. Idempotent.
   */
  pause(): void {
    if (this.#end !== undefined || this.#isPaused) return;
    this.#isPaused = true;
    this.#session.setReading(false, this.#clock.now());
    this.#port.pause();
    this.#after();
  }

  /** Asks the far side to go on. Idempotent. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#session.setReading(true, this.#clock.now());
    this.#port.resume();
    this.#after();
  }

  /** Sends an LCP Identification (RFC 1570 §1.1): text for whoever reads logs at the far end. */
  identify(text: string): void {
    this.#session.identify(text, this.#clock.now());
    this.#after();
  }

  /**
   * Ends the link: packets that wait are sent first, then a Terminate-Request, and its Ack is awaited, 6 s at most; a link
   * that is paused goes on for that. The port below stays open. With an aborted `signal` the far side is not waited for.
   * Calling it again is fine.
   */
  async close({ signal }: AbortOptions = {}): Promise<void> {
    if (this.#end !== undefined) return;
    if (this.#opening === undefined) {
      this.#finish();
      return;
    }
    const cut = (): void => {
      this.#session.close(this.#clock.now());
      this.#session.lost('', this.#clock.now());
      this.#after();
    };
    if (signal?.aborted === true) {
      cut();
      return;
    }
    signal?.addEventListener('abort', cut);
    this.#isClosing = true;
    // The Ack is not heard otherwise.
    this.resume();
    try {
      if (this.waitingPackets > 0) await this.#drained();
      this.#session.close(this.#clock.now());
      this.#after();
      await this.ended;
    } finally {
      signal?.removeEventListener('abort', cut);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Resolves once the packets that wait have left, or will not. */
  async #drained(): Promise<void> {
    let cancel: Cancel = () => undefined;
    const late = new Promise<void>((resolve) => (cancel = this.#clock.after(CLOSE_DRAIN_MS, resolve)));
    await Promise.race([this.#sender.drained(), this.ended, late]);
    cancel();
  }

  #start(): void {
    this.#session.start(this.#clock.now());
    this.#after();
    this.#watch = watchLine(this.#port, this.#options.watchCarrier !== false, {
      received: (chunk) => {
        this.#received(chunk);
      },
      gone: (error) => {
        this.#portIsGone(error);
      },
      dropped: (circuit) => {
        this.#lost(`${circuit} dropped`);
      },
    });
    // Gone already: it said so before there was anything to stop.
    if (this.#end !== undefined) this.#watch.unsubscribe();
  }

  #received(chunk: Uint8Array): void {
    if (this.#end !== undefined) {
      this.#unused.push(chunk);
      return;
    }
    const used = this.#session.receive(chunk, this.#clock.now());
    if (used < chunk.length) this.#unused.push(chunk.subarray(used));
    this.#after();
  }

  #portIsGone(error: unknown): void {
    this.#cause ??= error;
    this.#lost(error instanceof Error ? error.message : `${this.#port.name} is closed`);
  }

  #lost(text: string): void {
    this.#session.lost(text, this.#clock.now());
    this.#after();
  }

  #secretOf(user: string, answer: (secret: string | undefined) => void): void {
    const { verify } = this.#options as { verify?: (user: string) => unknown };
    const reply = (secret: unknown): void => {
      answer(typeof secret === 'string' ? secret : undefined);
      this.#after();
    };
    // A verify that fails lets nobody in.
    let secret: unknown;
    try {
      secret = verify?.(user);
    } catch {
      secret = undefined;
    }
    if (secret instanceof Promise) {
      secret.then(reply, () => {
        reply(undefined);
      });
    } else reply(secret);
  }

  /** What every input to the session ends with: events out, timer set. */
  #after(): void {
    for (let events = this.#session.takeEvents(); events.length > 0; events = this.#session.takeEvents()) {
      for (const event of events) this.#report(event);
    }
    if (this.#end === undefined) this.#timer.set(this.#session.deadlineMs);
  }

  #report(event: SessionEvent): void {
    switch (event.type) {
      case 'phase':
        if (event.phase === 'dead') return;
        this.#phases.next(event.phase);
        this.#emit(event);
        return;
      case 'networkUp':
      case 'networkChanged': {
        this.#network = describeNetwork(event.network);
        this.#sender.encoder = this.#session.encoder;
        this.#emit({ type: event.type, network: this.#network });
        this.#opened?.resolve(this.#network);
        return;
      }
      case 'networkDown':
        this.#network = undefined;
        this.#sender.encoder = undefined;
        this.#sender.dropPackets(notUpError(this.#port.name, this.phase));
        this.#emit(event);
        return;
      case 'ended':
        this.#finish();
        return;
      default:
        this.#emit(event);
    }
  }

  #finish(): void {
    if (this.#end !== undefined) return;
    const sessionEnd = this.#session.end ?? { reason: 'closedHere' as const, text: '', phase: 'dead' as const };
    // Kept from now on: what else the port delivers before it is let go of belongs to the next reader.
    const leftover = concatBytes([this.#session.decoder.pending, ...this.#unused]);
    this.#end = describeEnd(sessionEnd, leftover);
    this.#timer.set(undefined);
    this.#network = undefined;
    if (this.#isPaused) {
      // Once: afterwards the port is somebody else's.
      this.#isPaused = false;
      this.#port.resume();
    }
    const error = endError(this.#end, this.#port.name, this.#seen(), this.#cause);
    this.#sender.dropPackets(error);
    // The Terminate-Ack still leaves.
    void this.#sender.drained().then(() => {
      this.#sender.end(error);
    });
    if (this.#pool !== undefined) this.#pool.pool.release(this.#pool.address);
    // After the chunk at hand: the rest of it is leftover too.
    queueMicrotask(() => {
      this.#watch?.unsubscribe();
      const end = { ...(this.#end as PppEnd), leftover: concatBytes([this.#session.decoder.pending, ...this.#unused]) };
      this.#end = end;
      this.#opened?.reject(error);
      this.#phases.next('dead');
      this.#emit({ type: 'phase', phase: 'dead' });
      this.#emit({ type: 'ended', end });
      this.#packets.complete();
      this.#phases.complete();
      this.#events.complete();
      this.#resolveEnded(end);
    });
  }

  #emit(event: PppEvent): void {
    this.#events.next(event);
    if (channel.hasSubscribers) channel.publish({ port: this.#port.name, ...event });
  }

  #seen(): { bytesReceived: number; framesReceived: number; badFrames: number } {
    const { bytes, frames, fcsErrors, runts, giants } = this.#session.decoder.counters;
    return { bytesReceived: bytes, framesReceived: frames, badFrames: fcsErrors + runts + giants };
  }

  get #isUp(): boolean {
    return this.#network !== undefined && !this.#isClosing;
  }

  #refusal(protocol: number | undefined, octets: number): CellmuxError | undefined {
    if (protocol === undefined) return notIpError(octets);
    if (this.#end !== undefined) return endError(this.#end, this.#port.name, this.#seen(), this.#cause);
    if (!this.#session.carries(protocol) || !this.#isUp) return notUpError(this.#port.name, this.phase);
    const { mtu } = this.#session;
    if (octets > mtu) return packetTooLongError(octets, mtu);
    return this.#sender.isFull ? queueFullError(this.#sender.waitingPackets) : undefined;
  }
}

/** The PPP protocol of an IP packet by its version; undefined where it is none. */
function ipProtocol(packet: Uint8Array): number | undefined {
  const version = (packet[0] ?? 0) >>> 4;
  if (version === 4) return PROTOCOL.IPv4;
  return version === 6 ? PROTOCOL.IPv6 : undefined;
}
