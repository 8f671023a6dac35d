import type { DataPhase, DataPhaseEnd } from '@cellmux/at';
import type { Cancel, Clock } from '@cellmux/port';
import { TransmitCoalescer } from './machine/transmit-coalescer.ts';
import type { Transport } from './transport.ts';

/** Bytes given to the port at a time: an escape never has to take back more than this. */
export const PORT_CHUNK_BYTES = 2048;
/** Bytes waiting for the peer at which the host is asked to stop, and at which it may go on. */
export const TRANSMIT_HIGH_BYTES = 16 * 1024;
export const TRANSMIT_LOW_BYTES = 4 * 1024;
/** The most bytes waiting for the peer. A host that ignores flow control loses what comes on top. */
export const TRANSMIT_LIMIT_BYTES = 256 * 1024;

/** What an exchange needs of the connId it works for. */
export interface ExchangeOwner {
  /** Up to `maximum` bytes of the peer; empty when there are none now. */
  take(maximum: number): Uint8Array;
  /** Bytes that were taken and did not reach the host. */
  putBack(bytes: Uint8Array): void;
  /** Bytes that reached the host, or were given to the network. */
  moved(direction: 'toHost' | 'toPeer', bytes: number): void;
  /** Bytes of a host that ignores flow control were dropped. */
  overrun(bytes: number): void;
  /** What the host typed becomes this on its way to the peer (#BASE64). */
  encode(bytes: Uint8Array): Uint8Array;
  /** What {@link encode} still held back. */
  finishEncoding(): Uint8Array;
}

/** Options of {@link OnlineExchange}. */
export interface OnlineExchangeOptions {
  readonly phase: DataPhase;
  readonly transport: Transport;
  readonly owner: ExchangeOwner;
  /** True when the peer is gone and nothing of it is left to deliver. */
  readonly isFinished: () => boolean;
  readonly clock: Clock;
  readonly pktSz: number;
  /** `<txTo>` in 100 ms, 0 for none. */
  readonly txTo: number;
  readonly forwardCharacter?: number | undefined;
  /** True: `<txTo>` counts from the last byte, false: from the first (guide §3.2.1.2 says nothing; the older is the first). */
  readonly restartTimer?: boolean | undefined;
}

/** A connId in online mode: bytes both ways between the port and the network, each side held back by the other. */
export class OnlineExchange {
  readonly #phase: DataPhase;
  readonly #transport: Transport;
  readonly #owner: ExchangeOwner;
  readonly #isFinished: () => boolean;
  readonly #clock: Clock;
  readonly #coalescer: TransmitCoalescer;
  readonly #txToMs: number;
  readonly #restartTimer: boolean;
  #timer: Cancel | undefined;
  #wake: (() => void) | undefined;
  #stopped = false;
  #paused = false;

  constructor(options: OnlineExchangeOptions) {
    this.#phase = options.phase;
    this.#transport = options.transport;
    this.#owner = options.owner;
    this.#isFinished = options.isFinished;
    this.#clock = options.clock;
    this.#txToMs = options.txTo * 100;
    this.#restartTimer = options.restartTimer ?? false;
    this.#coalescer = new TransmitCoalescer({
      pktSz: options.pktSz,
      forwardCharacter: options.forwardCharacter,
      datagrams: options.transport.kind === 'udp',
    });
  }

  /** Runs until command mode is back. What the host typed is then on its way, what it was not given is put back. */
  async run(): Promise<DataPhaseEnd> {
    const subscription = this.#phase.received$.subscribe({
      next: (bytes) => {
        this.#fromHost(bytes);
      },
      // A line that dies ends the phase too: `ended` says so.
      error: () => undefined,
    });
    const delivering = this.#deliver();
    const why = await this.#phase.ended;
    this.#stopped = true;
    this.#wake?.();
    await delivering;
    subscription.unsubscribe();
    this.#finish();
    return why;
  }

  /** There is something new to {@link ExchangeOwner.take}, or the peer is gone. */
  wake(): void {
    this.#wake?.();
  }

  /** The transport has sent what waited. */
  drained(): void {
    if (!this.#paused || this.#transport.queuedBytes > TRANSMIT_LOW_BYTES) return;
    this.#paused = false;
    this.#phase.resume();
  }

  /** Ends the call from this side, now: what the host typed before still goes to the peer. */
  hangUp(): void {
    this.#stopped = true;
    this.#finish();
    this.#wake?.();
    void this.#phase.close();
  }

  async #deliver(): Promise<void> {
    while (!this.#stopped) {
      const bytes = this.#owner.take(PORT_CHUNK_BYTES);
      if (bytes.length === 0) {
        if (this.#isFinished()) {
          this.hangUp();
          return;
        }
        await new Promise<void>((resolve) => (this.#wake = resolve));
        this.#wake = undefined;
        continue;
      }
      try {
        await this.#phase.send(bytes);
        this.#owner.moved('toHost', bytes.length);
      } catch (error) {
        const unsent = unsentOf(error, bytes.length);
        this.#owner.moved('toHost', bytes.length - unsent);
        this.#owner.putBack(bytes.subarray(bytes.length - unsent));
        return;
      }
    }
  }

  #fromHost(bytes: Uint8Array): void {
    this.#gather(this.#owner.encode(bytes));
  }

  #finish(): void {
    this.#gather(this.#owner.finishEncoding());
    this.#flush();
  }

  #gather(bytes: Uint8Array): void {
    const packets = this.#coalescer.push(bytes);
    for (const packet of packets) this.#send(packet);
    if (this.#coalescer.heldBytes === 0) {
      this.#timer?.();
      this.#timer = undefined;
    } else if (this.#txToMs > 0 && (this.#timer === undefined || packets.length > 0 || this.#restartTimer)) {
      this.#timer?.();
      this.#timer = this.#clock.after(this.#txToMs, () => {
        this.#flush();
      });
    }
  }

  #flush(): void {
    this.#timer?.();
    this.#timer = undefined;
    const rest = this.#coalescer.flush();
    if (rest !== undefined) this.#send(rest);
  }

  #send(packet: Uint8Array): void {
    if (this.#transport.queuedBytes + packet.length > TRANSMIT_LIMIT_BYTES) {
      this.#owner.overrun(packet.length);
      return;
    }
    this.#transport.write(packet);
    this.#owner.moved('toPeer', packet.length);
    if (this.#paused || this.#stopped || this.#transport.queuedBytes <= TRANSMIT_HIGH_BYTES) return;
    this.#paused = true;
    this.#phase.pause();
  }
}

/** How many of the bytes of a failed `send` were certainly not sent; all of them where it does not say. */
function unsentOf(error: unknown, length: number): number {
  const context = (error as { context?: { unsentBytes?: unknown } } | undefined)?.context;
  const unsent = context?.unsentBytes;
  return typeof unsent === 'number' && unsent >= 0 && unsent <= length ? unsent : length;
}
