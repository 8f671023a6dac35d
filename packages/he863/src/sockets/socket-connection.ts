import type { Clock } from '@cellmux/port';
import { InactivityTimer } from './inactivity-timer.ts';
import { PayloadCodec } from './machine/payload-codec.ts';
import { Unacknowledged } from './machine/unacknowledged.ts';
import { ReceiveBuffer, type DatagramRead } from './machine/receive-buffer.ts';
import type { ExchangeOwner } from './online-exchange.ts';
import type { Endpoint, Transport } from './transport.ts';

/** Options of {@link SocketConnection}. */
export interface SocketConnectionOptions {
  readonly clock: Clock;
  /** Bytes kept for the host; what is more stays with the peer. */
  readonly windowBytes: number;
  /** How long the far end takes to acknowledge what TCP sends, in ms. */
  readonly acknowledgeMs: number;
  /** There is something new to read. */
  readonly onData: () => void;
  /** The peer sends no more, or (`broken`) the connection is gone. */
  readonly onPeerGone: (broken: boolean) => void;
  /** What waited to leave has left. */
  readonly onDrained: () => void;
  /** Nothing has moved for as long as {@link SocketConnection.watch} said. */
  readonly onIdle: () => void;
  /** Bytes of a host that ignores flow control were dropped. */
  readonly onOverrun: (bytes: number) => void;
}

/** The connection of a connId: the transport, what the peer sent and nobody has read, and what has moved. */
export class SocketConnection implements ExchangeOwner {
  readonly buffer = new ReceiveBuffer();
  readonly codec = new PayloadCodec();
  /** Bytes given to the network, and bytes given to the host, since the last {@link reset}. */
  sent = 0;
  received = 0;
  /** The peer as #SS and #SRECV show it. */
  shownRemote: Endpoint = { address: '', port: 0 };
  readonly #options: SocketConnectionOptions;
  readonly #inactivity: InactivityTimer;
  readonly #unacknowledged: Unacknowledged;
  #transport: Transport | undefined;
  #peerGone = false;

  constructor(options: SocketConnectionOptions) {
    this.#options = options;
    this.#unacknowledged = new Unacknowledged(options.acknowledgeMs);
    this.#inactivity = new InactivityTimer(options.clock, options.onIdle);
  }

  get transport(): Transport | undefined {
    return this.#transport;
  }

  /** True when the peer sends no more. */
  get isPeerGone(): boolean {
    return this.#peerGone;
  }

  /** True when nothing can be sent any more either. */
  get isBroken(): boolean {
    return this.#peerGone && this.#transport?.isClosed !== false;
  }

  /** Bytes that have not left yet, or that the far end has not acknowledged; 0 for UDP. */
  get unacknowledgedBytes(): number {
    if (this.#transport?.kind !== 'tcp') return 0;
    const underWay = this.#unacknowledged.bytesAt(this.#options.clock.now());
    return Math.min(Math.max(this.#transport.queuedBytes, underWay), this.sent);
  }

  /** Forgets the last connection. */
  reset(): void {
    this.sent = 0;
    this.received = 0;
    this.#unacknowledged.clear();
    this.#peerGone = false;
    this.buffer.clear();
    this.codec.reset();
  }

  /** Begins to work on a transport. */
  attach(transport: Transport): void {
    this.#transport = transport;
    const whileOurs = (then: () => void) => (): void => {
      if (this.#transport === transport) then();
    };
    const gone = (broken: boolean) =>
      whileOurs(() => {
        this.#peerGone = true;
        this.#options.onPeerGone(broken);
      });
    transport.start({
      readable: whileOurs(() => {
        this.pull();
      }),
      peerFinished: gone(false),
      broken: gone(true),
      drained: this.#options.onDrained,
    });
  }

  /** Lets go of the transport: it is closed in order, or at once. */
  release(how: 'close' | 'abort'): void {
    const transport = this.#transport;
    this.#transport = undefined;
    if (how === 'close') transport?.end();
    else transport?.abort();
  }

  /** `<maxTo>` in milliseconds, from now; 0 is for ever. */
  watch(limitMs: number): void {
    this.#inactivity.start(limitMs);
  }

  stopWatching(): void {
    this.#inactivity.stop();
  }

  /** Takes from the network as much as there is room for; the rest waits with the peer. */
  pull(): void {
    for (;;) {
      const transport = this.#transport;
      const got = transport?.read(this.#options.windowBytes - this.buffer.length);
      if (got === undefined) return;
      const bytes = this.codec.decode(got.bytes);
      this.buffer.push(bytes, transport?.kind === 'udp' ? this.shownRemote : undefined);
      this.#inactivity.touch();
      if (bytes.length > 0) this.#options.onData();
    }
  }

  /** Up to `maximum` bytes for the host, or what there is of one datagram. */
  read(maximum: number, datagram: boolean): DatagramRead {
    if (datagram) return this.buffer.takeDatagram(maximum);
    return { bytes: this.buffer.take(maximum), left: 0, source: undefined };
  }

  /** Sends one message; resolves with false when it could not leave. */
  send(bytes: Uint8Array): Promise<boolean> {
    const transport = this.#transport;
    if (transport === undefined) return Promise.resolve(false);
    const encoded = this.codec.encodeWhole(bytes);
    transport.write(encoded);
    this.moved('toPeer', encoded.length);
    return transport.flushed();
  }

  /** Up to `maximum` bytes for an online host; makes room for more. */
  take(maximum: number): Uint8Array {
    const bytes = this.buffer.take(maximum);
    if (bytes.length > 0) this.pull();
    return bytes;
  }

  putBack(bytes: Uint8Array): void {
    this.buffer.unshift(bytes);
  }

  moved(direction: 'toHost' | 'toPeer', bytes: number): void {
    if (direction === 'toHost') this.received += bytes;
    else {
      this.sent += bytes;
      this.#unacknowledged.sent(bytes, this.#options.clock.now());
    }
    this.#inactivity.touch();
  }

  overrun(bytes: number): void {
    this.#options.onOverrun(bytes);
  }

  encode(bytes: Uint8Array): Uint8Array {
    return this.codec.encode(bytes);
  }

  finishEncoding(): Uint8Array {
    return this.codec.finish();
  }
}
