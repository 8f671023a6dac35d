import { fromLatin1, latin1, prepend, type AbortOptions, type Clock, type Port } from '@cellmux/port';
import type { Subscription } from 'rxjs';

/** Octets of an answer that are kept; more is no answer to a command of this dialogue. */
const ANSWER_LIMIT_OCTETS = 4096;

/** How a command ended. `text` is all that came back, bounded. */
export interface AtAnswer {
  readonly result: 'OK' | 'ERROR' | 'timeout';
  /** The final result as it stands, for example `+CME ERROR: 4`. */
  readonly final: string;
  readonly lines: readonly string[];
  readonly octets: Uint8Array;
}

const FINAL = /(?:^|[\r\n])(OK|ERROR|\+CME ERROR:[^\r\n]*|\+CMS ERROR:[^\r\n]*)\r?\n?$/;

/** The few AT commands around the multiplexer, one at a time: enough to start it, no more. */
export class AtDialogue {
  readonly #line: Port;
  readonly #clock: Clock;
  readonly #subscription: Subscription;
  #octets = new Uint8Array(0);
  #onOctets: () => void = () => undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(line: Port, clock: Clock) {
    this.#line = line;
    this.#clock = clock;
    this.#subscription = line.received$.subscribe({
      next: (chunk) => {
        const all = new Uint8Array(this.#octets.length + chunk.length);
        all.set(this.#octets);
        all.set(chunk, this.#octets.length);
        this.#octets = all.subarray(-ANSWER_LIMIT_OCTETS).slice();
        this.#onOctets();
      },
      error: (error: unknown) => {
        this.#failure = { error };
        this.#onOctets();
      },
      complete: () => {
        this.#failure = { error: undefined };
        this.#onOctets();
      },
    });
  }

  /** What the line failed with, once it has; the value is undefined where it was closed. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** Sends a command line and waits for its final result. Rejects where the line fails or the signal says so. */
  async command(line: string, timeoutMs: number, options: AbortOptions = {}): Promise<AtAnswer> {
    this.#octets = new Uint8Array(0);
    const send = (signal: AbortSignal): Promise<void> => this.#line.send(latin1(`${line}\r`), { signal });
    return this.#await(send, timeoutMs, options.signal, () => {
      const match = FINAL.exec(fromLatin1(this.#octets));
      const final = match?.[1];
      return final === undefined ? undefined : this.#answer(final === 'OK' ? 'OK' : 'ERROR', final);
    });
  }

  /** Sends octets as they are, and waits. */
  async raw(octets: Uint8Array, waitMs: number, options: AbortOptions = {}): Promise<AtAnswer> {
    this.#octets = new Uint8Array(0);
    const send = (signal: AbortSignal): Promise<void> => this.#line.send(octets, { signal });
    return this.#await(send, waitMs, options.signal, () => undefined);
  }

  /** Lets time pass; what arrives is kept. */
  async wait(ms: number, options: AbortOptions = {}): Promise<void> {
    await this.#await(
      () => Promise.resolve(),
      ms,
      options.signal,
      () => undefined,
    );
  }

  /** Leaves the line: it is given back with what arrived since the last final result. */
  release(): Port {
    this.#subscription.unsubscribe();
    const match = FINAL_ANYWHERE.exec(fromLatin1(this.#octets));
    const rest = match === null ? this.#octets : this.#octets.slice(match.index + match[0].length);
    return prepend(this.#line, rest);
  }

  #answer(result: AtAnswer['result'], final: string): AtAnswer {
    const lines = fromLatin1(this.#octets)
      .split(/[\r\n]+/)
      .filter((text) => text !== '');
    return { result, final, lines, octets: this.#octets };
  }

  #await(
    send: (signal: AbortSignal) => Promise<void>,
    timeoutMs: number,
    signal: AbortSignal | undefined,
    check: () => AtAnswer | undefined,
  ): Promise<AtAnswer> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason);
        return;
      }
      // What a line that is stuck has not taken by the end is not to be said later.
      const withdrawal = new AbortController();
      const onAbort = (): void => {
        end();
        reject(signal?.reason);
      };
      const end = (): void => {
        withdrawal.abort();
        cancel();
        this.#onOctets = () => undefined;
        signal?.removeEventListener('abort', onAbort);
      };
      const cancel = this.#clock.after(timeoutMs, () => {
        end();
        resolve(this.#answer('timeout', ''));
      });
      this.#onOctets = () => {
        if (this.#failure !== undefined) {
          end();
          reject(this.#failure.error ?? new Error('the line was closed'));
          return;
        }
        const answer = check();
        if (answer === undefined) return;
        end();
        resolve(answer);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      send(withdrawal.signal).catch((error: unknown) => {
        if (withdrawal.signal.aborted) return;
        end();
        reject(error);
      });
      if (this.#failure !== undefined) this.#onOctets();
    });
  }
}

const FINAL_ANYWHERE = /(?:^|[\r\n])(OK|ERROR|\+CM[ES] ERROR:[^\r\n]*)\r?\n?/;
