import { CellmuxError, systemClock, type AbortOptions, type Clock } from '@cellmux/port';
import type { Observable, Subscription } from 'rxjs';
import { decodeIpPacket, encodeIpPacket, type IcmpEcho, type UdpDatagram } from '../core/ip-packet.ts';

/** What carries IP packets: a PPP link, or anything of the same shape. */
export interface PacketLink {
  readonly packets$: Observable<Uint8Array>;
  send(packet: Uint8Array): Promise<void>;
}

/** What a {@link PacketHost} has counted since it was made. */
export interface PacketHostCounters {
  readonly packetsSent: number;
  readonly packetsReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Packets received whose header or checksum is wrong. */
  readonly damaged: number;
  /** Packets received that are sound and meant for nobody here. */
  readonly unclaimed: number;
  /** Echo requests of the far side that were answered. */
  readonly echoesAnswered: number;
}

/** The answer to an echo: how long it took and what came back. */
export interface EchoReply {
  readonly roundTripMs: number;
  readonly payload: Uint8Array;
}

/** How an echo is sent. */
export interface EchoOptions extends AbortOptions {
  /** What is sent and must come back; default 56 octets of zero. */
  readonly payload?: Uint8Array;
  /** How long to wait for the answer, milliseconds; default 5000. */
  readonly timeoutMs?: number;
}

/** Options of {@link PacketHost}. */
export interface PacketHostOptions {
  readonly clock?: Clock;
  /** False where another host on the same link has the same address and answers: the kernel behind a TUN device. */
  readonly answersPings?: boolean;
}

interface Waiting {
  readonly settle: (outcome: { payload: Uint8Array } | { error: unknown }) => void;
}

const DEFAULT_TIMEOUT_MS = 5000;
/** The first port of the dynamic range (RFC 6335 §6). */
const FIRST_DYNAMIC_PORT = 49152;

/**
 * A small IP host in user space: it answers pings to its address, and sends ICMP echoes and UDP datagrams of its own.
 * It is what stands on a PPP link when no TUN device does.
 */
export class PacketHost implements Disposable {
  readonly address: string;
  readonly #link: PacketLink;
  readonly #answersPings: boolean;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Waiting>();
  readonly #subscription: Subscription;
  readonly #counters = {
    packetsSent: 0,
    packetsReceived: 0,
    bytesSent: 0,
    bytesReceived: 0,
    damaged: 0,
    unclaimed: 0,
    echoesAnswered: 0,
  };
  #identifier: number;
  #sequence = 0;
  #closed = false;

  constructor(link: PacketLink, address: string, { clock = systemClock, answersPings = true }: PacketHostOptions = {}) {
    this.#link = link;
    this.#answersPings = answersPings;
    this.address = address;
    this.#clock = clock;
    this.#identifier = Math.floor(clock.now()) & 0xffff;
    this.#subscription = link.packets$.subscribe({
      next: (packet) => {
        this.#receive(packet);
      },
      error: (error: unknown) => {
        this.#end(error);
      },
      complete: () => {
        this.#end(undefined);
      },
    });
  }

  get counters(): PacketHostCounters {
    return { ...this.#counters };
  }

  /**
   * Sends an ICMP echo request and waits for its reply. Rejects with `ERR_GATEWAY_HOST_NO_ECHO` when none comes in time,
   * with `ERR_GATEWAY_ECHO_DIFFERS` when what came back is not what was sent, with `ERR_GATEWAY_PACKETS_ENDED` when the
   * link ends meanwhile.
   */
  async ping(destination: string, options: EchoOptions = {}): Promise<EchoReply> {
    const payload = options.payload ?? new Uint8Array(56);
    const echo: IcmpEcho = {
      kind: 'echoRequest',
      source: this.address,
      destination,
      identifier: this.#identifier,
      sequence: this.nextId(),
      payload,
    };
    const reply = await this.#exchange(echo, `icmp ${destination} ${echo.identifier} ${echo.sequence}`, options);
    if (!sameOctets(reply.payload, payload)) throw differsError(destination);
    return reply;
  }

  /** Sends a UDP datagram and waits for the same octets to come back, as an echo service does (RFC 862). */
  async udpEcho(destination: string, port: number, options: EchoOptions = {}): Promise<EchoReply> {
    const payload = options.payload ?? new Uint8Array(56);
    const reply = await this.exchange(destination, port, payload, options);
    if (!sameOctets(reply.payload, payload)) throw differsError(destination);
    return reply;
  }

  /** Sends a UDP datagram and waits for the one that comes back. Rejects as {@link ping} does. */
  exchange(destination: string, port: number, payload: Uint8Array, options: EchoOptions = {}): Promise<EchoReply> {
    const sourcePort = FIRST_DYNAMIC_PORT + (this.nextId() % (65536 - FIRST_DYNAMIC_PORT));
    const datagram: UdpDatagram = {
      kind: 'udp',
      source: this.address,
      destination,
      sourcePort,
      destinationPort: port,
      payload,
    };
    return this.#exchange(datagram, `udp ${destination} ${port} ${sourcePort}`, options);
  }

  /** 0 to 65535, another one each time: for what must tell its answers apart. */
  nextId(): number {
    this.#sequence = (this.#sequence + 1) & 0xffff;
    return this.#sequence;
  }

  /** Stops listening to the link, which stays open; what still waits for an answer is rejected. */
  [Symbol.dispose](): void {
    this.#subscription.unsubscribe();
    this.#end(undefined);
  }

  #exchange(packet: IcmpEcho | UdpDatagram, key: string, options: EchoOptions): Promise<EchoReply> {
    const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    if (this.#closed) return Promise.reject(endedError(undefined));
    return new Promise((resolve, reject) => {
      const sentAtMs = this.#clock.now();
      const settle: Waiting['settle'] = (outcome) => {
        this.#waiting.delete(key);
        cancel();
        signal?.removeEventListener('abort', onAbort);
        if ('error' in outcome) reject(outcome.error);
        else resolve({ roundTripMs: this.#clock.now() - sentAtMs, payload: outcome.payload });
      };
      const onAbort = (): void => {
        settle({ error: signal?.reason });
      };
      const cancel = this.#clock.after(timeoutMs, () => {
        settle({ error: noEchoError(packet.destination, timeoutMs) });
      });
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.set(key, { settle });
      this.#send(encodeIpPacket(packet)).catch((error: unknown) => {
        settle({ error });
      });
    });
  }

  async #send(packet: Uint8Array): Promise<void> {
    await this.#link.send(packet);
    this.#counters.packetsSent++;
    this.#counters.bytesSent += packet.length;
  }

  #receive(bytes: Uint8Array): void {
    this.#counters.packetsReceived++;
    this.#counters.bytesReceived += bytes.length;
    const packet = decodeIpPacket(bytes);
    switch (packet.kind) {
      case 'damaged':
        this.#counters.damaged++;
        return;
      case 'echoRequest':
        if (this.#answersPings && packet.destination === this.address) this.#answer(packet);
        else this.#counters.unclaimed++;
        return;
      case 'echoReply':
        this.#claim(`icmp ${packet.source} ${packet.identifier} ${packet.sequence}`, packet.payload);
        return;
      case 'udp':
        this.#claim(`udp ${packet.source} ${packet.sourcePort} ${packet.destinationPort}`, packet.payload);
        return;
      case 'other':
        this.#counters.unclaimed++;
    }
  }

  #claim(key: string, payload: Uint8Array): void {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) this.#counters.unclaimed++;
    else waiting.settle({ payload });
  }

  #answer(request: IcmpEcho): void {
    const reply = { ...request, kind: 'echoReply', source: this.address, destination: request.source } as const;
    this.#send(encodeIpPacket(reply)).then(
      () => {
        this.#counters.echoesAnswered++;
      },
      () => {
        // The link is gone: its owner learns that from the link itself, and the far side asks again.
      },
    );
  }

  #end(cause: unknown): void {
    this.#closed = true;
    for (const waiting of [...this.#waiting.values()]) waiting.settle({ error: endedError(cause) });
  }
}

function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, index) => octet === b[index]);
}

function noEchoError(destination: string, timeoutMs: number): CellmuxError {
  return new CellmuxError('ERR_GATEWAY_HOST_NO_ECHO', `${destination} did not answer within ${timeoutMs / 1000} s`, {
    hint: 'Check the address; many hosts and networks do not answer pings.',
    context: { destination, timeoutMs },
  });
}

function differsError(destination: string): CellmuxError {
  return new CellmuxError('ERR_GATEWAY_ECHO_DIFFERS', `${destination} sent back other octets than it was sent`, {
    context: { destination },
  });
}

function endedError(cause: unknown): CellmuxError {
  return new CellmuxError('ERR_GATEWAY_PACKETS_ENDED', 'the link that carries the packets has ended', {
    ...(cause === undefined ? {} : { cause }),
  });
}
