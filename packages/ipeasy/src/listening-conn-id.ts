import type { AtLane } from './at-lane.ts';
import { closeConnId } from './close-conn-id.ts';
import type { ConnIdHost, ConnIdUser } from './conn-id-user.ts';

/** What a listening connId tells. */
export interface ListeningSink {
  /** SRING: somebody connects and waits for an answer. */
  onIncoming(): void;
  /** The module does not listen any more. */
  onClosed(error: unknown): void;
}

/** One connId that listens. */
export class ListeningConnId implements ConnIdUser {
  readonly connId: number;
  readonly cid: number;
  readonly lane: AtLane;
  readonly #host: ConnIdHost;
  readonly #sink: ListeningSink;
  #state: 'opening' | 'listening' | 'deciding' | 'closed' = 'opening';
  #activity = 0;
  #closing: Promise<void> | undefined;
  #onLeft: () => void = () => undefined;

  constructor(connId: number, cid: number, lane: AtLane, host: ConnIdHost, sink: ListeningSink) {
    this.connId = connId;
    this.cid = cid;
    this.lane = lane;
    this.#host = host;
    this.#sink = sink;
  }

  get activity(): number {
    return this.#activity;
  }

  get isSettled(): boolean {
    return this.#state === 'listening';
  }

  /** `#SL` succeeded. */
  opened(): void {
    if (this.#state === 'opening') this.#state = 'listening';
  }

  /** To be called once it listens no more, whatever the reason. */
  whenLeft(onLeft: () => void): void {
    if (this.#state === 'closed') onLeft();
    else this.#onLeft = onLeft;
  }

  /** The connection is being answered; nobody judges the connId meanwhile. */
  decide(): void {
    if (this.#state === 'listening' || this.#state === 'opening') this.#state = 'deciding';
  }

  /** It still listens. */
  undecided(): void {
    if (this.#state === 'deciding') this.#state = 'listening';
  }

  /** Somebody else has the connId now, or nobody. */
  handedOver(): void {
    this.#leave();
  }

  noticeData(): void {
    this.#activity++;
    if (this.#state !== 'listening' && this.#state !== 'opening') return;
    this.#sink.onIncoming();
  }

  noticeClosed(now: 'closed' | 'listening'): void {
    this.#activity++;
    if (now === 'listening' || this.#state !== 'listening') return;
    this.#leave();
    this.#host.released(this);
    this.#sink.onClosed(undefined);
  }

  fail(error: unknown, { isFree = false }: { readonly isFree?: boolean } = {}): void {
    if (this.#state === 'closed') return;
    this.#leave();
    if (isFree) this.#host.released(this);
    else this.#closing ??= this.#reclaim();
    this.#sink.onClosed(error);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    await this.#reclaim();
    // A port that is kept quiet for a listener stays quiet until the module has stopped listening.
    this.#leave();
  }

  #leave(): void {
    this.#state = 'closed';
    this.#onLeft();
    this.#onLeft = () => undefined;
  }

  async #reclaim(): Promise<void> {
    await closeConnId(this.#host.near(this.lane), this.connId).catch(() => undefined);
    this.#host.released(this);
  }
}
