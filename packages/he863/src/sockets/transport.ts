import type { Source } from './machine/receive-buffer.ts';

/** An address and a port of the machine. */
export type Endpoint = Source;

/** What the network told: bytes, and for datagrams who sent them. */
export interface Received {
  readonly bytes: Uint8Array;
  readonly source?: Endpoint;
}

/** What a transport tells its owner. */
export interface TransportHandlers {
  /** There is something to {@link Transport.read}. */
  readable(): void;
  /** The peer sends no more; everything it sent was read. */
  peerFinished(): void;
  /** The connection broke. */
  broken(): void;
  /** What was waiting to leave has left. */
  drained(): void;
}

/** A connection of the machine as a connId uses it: pulled, so that what nobody reads stays with the peer. */
export interface Transport {
  readonly kind: 'tcp' | 'udp';
  /** The machine's own end. */
  readonly local: Endpoint;
  /** The machine's view of the peer. */
  readonly remote: Endpoint;
  /** Bytes given to {@link write} that the kernel has not taken yet. */
  readonly queuedBytes: number;
  /** True after it broke or was closed. */
  readonly isClosed: boolean;
  start(handlers: TransportHandlers): void;
  /** Up to `maximum` bytes, or one datagram that fits; undefined when there is nothing. */
  read(maximum: number): Received | undefined;
  /** Sends; for UDP one datagram. The bytes are the transport's for good. */
  write(bytes: Uint8Array): void;
  /** Resolves with true when all that was written has left, with false when the transport ended before. */
  flushed(): Promise<boolean>;
  /** Closes in order: what was written still arrives, what the peer still sends is thrown away. */
  end(): void;
  /** Closes at once. */
  abort(): void;
  setKeepAlive(minutes: number): void;
  /** Resolves when nothing of it is left. */
  readonly closed: Promise<void>;
}

/** A connection could not be made: the +CME ERROR that says why. */
export class OpenFailure extends Error {
  readonly cme: number;
  constructor(cme: number, cause?: unknown) {
    super(`cannot open a socket: +CME ERROR ${cme}`, cause === undefined ? undefined : { cause });
    this.cme = cme;
  }
}
