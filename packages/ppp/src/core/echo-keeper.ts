import { sameOctets, unsignedOctets } from './control-packet.ts';
import type { EchoConfiguration } from './session-types.ts';

/** What the keep-alive needs from the session. */
export interface EchoHost {
  now(): number;
  /** Sends an Echo-Request with this data behind the Magic-Number; gives its identifier. */
  sendEcho(data: Uint8Array): number;
  framesReceived(): number;
  replied(roundTripMs: number): void;
  missed(count: number): void;
  dead(): void;
}

/** LCP's keep-alive (RFC 1661 §5.8): Echo-Requests while nothing else shows that the peer lives. */
export class EchoKeeper {
  deadlineMs: number | undefined;
  readonly #configuration: EchoConfiguration;
  readonly #host: EchoHost;
  #framesBefore = 0;
  #unanswered = 0;
  #sent: { readonly identifier: number; readonly data: Uint8Array; readonly atMs: number } | undefined;
  #count = 0;
  #isRunning = false;
  #isHeld = false;

  constructor(configuration: EchoConfiguration, host: EchoHost) {
    this.#configuration = configuration;
    this.#host = host;
  }

  start(): void {
    this.#isRunning = true;
    this.#begin();
  }

  stop(): void {
    this.#isRunning = false;
    this.deadlineMs = undefined;
    this.#sent = undefined;
  }

  /** Nobody reads the line for now, so that silence says nothing about the peer. */
  hold(): void {
    this.#isHeld = true;
    this.deadlineMs = undefined;
    this.#sent = undefined;
  }

  /** The line is read again: counts from scratch. */
  release(): void {
    this.#isHeld = false;
    if (this.#isRunning) this.#begin();
  }

  timeout(): void {
    this.#arm();
    const frames = this.#host.framesReceived();
    const isAlive = frames !== this.#framesBefore;
    this.#framesBefore = frames;
    if (this.#configuration.adaptive && isAlive) {
      this.#unanswered = 0;
      return;
    }
    if (this.#unanswered >= this.#configuration.failures) {
      this.stop();
      this.#host.dead();
      return;
    }
    if (this.#unanswered > 0) this.#host.missed(this.#unanswered);
    this.#unanswered++;
    const data = unsignedOctets(++this.#count % 2 ** 32, 4);
    this.#sent = { identifier: this.#host.sendEcho(data), data, atMs: this.#host.now() };
  }

  /**
   * An Echo-Reply with this identifier and data behind its Magic-Number. One to a request before the last is late, and shows
   * all the same that the peer lives. Some peers leave the data out.
   */
  reply(identifier: number, data: Uint8Array): void {
    this.#unanswered = 0;
    const sent = this.#sent;
    if (sent?.identifier !== identifier) return;
    this.#sent = undefined;
    if (data.length === 0 || sameOctets(data.subarray(0, 4), sent.data))
      this.#host.replied(this.#host.now() - sent.atMs);
  }

  #begin(): void {
    this.#unanswered = 0;
    this.#framesBefore = this.#host.framesReceived();
    if (!this.#isHeld) this.#arm();
  }

  #arm(): void {
    this.deadlineMs = this.#host.now() + this.#configuration.intervalMs;
  }
}
