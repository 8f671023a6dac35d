import { CellmuxError } from '@cellmux/port';
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ForwardRule } from '../core/forward-rule.ts';
import { formatHostPort, type HostPort } from '../core/host-port.ts';
import type { Dial } from './dial.ts';
import { breakOff, joinStreams } from './join-streams.ts';
import { listen } from './listen.ts';

/** What a forward did for a client, for logs. */
export type ForwardEvent =
  | { readonly type: 'forwardConnected'; readonly target: string }
  | { readonly type: 'forwardFailed'; readonly target: string; readonly error: unknown };

/** A local TCP listener whose connections each go on through a {@link Dial} to one far host. */
export class TcpForward implements AsyncDisposable {
  readonly #server: Server;
  readonly #open = new Set<Duplex>();
  readonly #ending = new AbortController();
  readonly #rule: ForwardRule;
  readonly #dial: Dial;
  readonly #onEvent: (event: ForwardEvent) => void;
  #address: HostPort;

  private constructor(rule: ForwardRule, dial: Dial, onEvent: (event: ForwardEvent) => void) {
    this.#rule = rule;
    this.#dial = dial;
    this.#onEvent = onEvent;
    this.#address = rule.local;
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
      void this.#serve(client);
    });
  }

  /** Starts a forward. Rejects with `ERR_GATEWAY_LOCAL` when it cannot listen there. */
  static async listen(
    rule: ForwardRule,
    dial: Dial,
    onEvent: (event: ForwardEvent) => void = () => undefined,
  ): Promise<TcpForward> {
    const forward = new TcpForward(rule, dial, onEvent);
    forward.#address = await listen(forward.#server, rule.local, 'the forward');
    return forward;
  }

  /** Where it listens. */
  get address(): HostPort {
    return this.#address;
  }

  /** Stops listening and breaks every connection off that has not ended, on both sides. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    this.#ending.abort(new CellmuxError('ERR_GATEWAY_STOPPED', 'the gateway is stopping'));
    for (const stream of this.#open) breakOff(stream);
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #serve(client: Socket): Promise<void> {
    this.#track(client);
    const target = formatHostPort(this.#rule.remote);
    const leaving = new AbortController();
    client.on('error', () => {
      // 'close' follows and is what counts.
    });
    client.once('close', () => {
      leaving.abort(new CellmuxError('ERR_GATEWAY_CLIENT_LEFT', 'the client closed its connection'));
    });
    try {
      const socket = await this.#dial(this.#rule.remote, {
        signal: AbortSignal.any([leaving.signal, this.#ending.signal]),
      });
      this.#track(socket);
      this.#onEvent({ type: 'forwardConnected', target });
      joinStreams(client, socket);
    } catch (error) {
      // A TCP client cannot be told why: a reset at least does not look like an end in order.
      client.resetAndDestroy();
      this.#onEvent({ type: 'forwardFailed', target, error });
    }
  }

  #track(stream: Duplex): void {
    this.#open.add(stream);
    stream.once('close', () => this.#open.delete(stream));
  }
}
