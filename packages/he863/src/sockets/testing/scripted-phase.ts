import type { DataPhase, DataPhaseEnd } from '@cellmux/at';
import { concatBytes, IDLE_CIRCUITS, portClosedError, ReceiveStream, type Circuits } from '@cellmux/port';
import { BehaviorSubject, type Observable } from 'rxjs';

interface WaitingSend {
  readonly bytes: Uint8Array;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A data phase whose host a test plays: it types, listens, stops the flow, escapes. */
export class ScriptedPhase implements DataPhase {
  readonly name = 'scripted';
  readonly role = 'dce';
  readonly circuits = IDLE_CIRCUITS;
  readonly circuits$: Observable<Circuits> = new BehaviorSubject(IDLE_CIRCUITS);
  readonly received$: Observable<Uint8Array>;
  readonly ended: Promise<DataPhaseEnd>;
  readonly #stream = new ReceiveStream({ name: 'scripted' });
  readonly #heard: Uint8Array[] = [];
  readonly #waiting: WaitingSend[] = [];
  #typed: WaitingSend[] = [];
  #finish: (why: DataPhaseEnd) => void = () => undefined;
  #isEnded = false;
  #held = false;
  #hostPaused = false;

  constructor() {
    this.received$ = this.#stream.bytes$;
    this.ended = new Promise((resolve) => (this.#finish = resolve));
  }

  /** What the host has heard so far. */
  get heard(): Uint8Array {
    return concatBytes(this.#heard);
  }

  /** True while the module holds the host back. */
  get isHeld(): boolean {
    return this.#held;
  }

  get isClosed(): boolean {
    return this.#isEnded;
  }

  /** The host types; resolves when the module let it. */
  type(bytes: Uint8Array): Promise<void> {
    if (this.#isEnded) return Promise.reject(portClosedError(this.name, bytes.length));
    return new Promise((resolve, reject) => {
      this.#typed.push({ bytes, resolve, reject });
      this.#pump();
    });
  }

  /** The host stops the flow towards itself, or lets it go on. */
  stopFlow(stopped: boolean): void {
    this.#hostPaused = stopped;
    this.#pump();
  }

  /** The host leaves the data phase. */
  leave(why: DataPhaseEnd = 'escaped'): void {
    this.#end(why);
  }

  send(bytes: Uint8Array): Promise<void> {
    if (this.#isEnded) return Promise.reject(portClosedError(this.name, bytes.length));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes, resolve, reject });
      queueMicrotask(() => {
        this.#pump();
      });
    });
  }

  pause(): void {
    this.#held = true;
  }

  resume(): void {
    this.#held = false;
    this.#pump();
  }

  setCircuits(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#isEnded) await new Promise(setImmediate);
    this.#end('closed');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #pump(): void {
    if (this.#isEnded) return;
    while (!this.#hostPaused) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      this.#heard.push(next.bytes.slice());
      next.resolve();
    }
    while (!this.#held) {
      const next = this.#typed.shift();
      if (next === undefined) break;
      this.#stream.push(next.bytes.slice());
      next.resolve();
    }
  }

  #end(why: DataPhaseEnd): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    // What was typed before the escape counts, held back or not.
    for (const { bytes, resolve } of this.#typed.splice(0)) {
      this.#stream.push(bytes.slice());
      resolve();
    }
    for (const { bytes, reject } of this.#waiting.splice(0)) reject(portClosedError(this.name, bytes.length));
    this.#stream.complete();
    queueMicrotask(() => {
      this.#finish(why);
    });
  }
}
