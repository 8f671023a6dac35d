import { Duplex } from 'node:stream';
import { atString, type AtClient, type DataCall } from '@cellmux/at';
import { CellmuxError, checkInteger, checkOneOf, systemClock, type AbortOptions, type Clock } from '@cellmux/port';
import { filter, firstValueFrom, take } from 'rxjs';
import { useCommandSet } from './command-set.ts';
import { hostProblem } from './core/command-lines.ts';
import { splitFields } from './core/split-fields.ts';
import { ipEasyError } from './ip-easy-error.ts';
import { keepEscapeFromPeers } from './keep-escape-from-peers.ts';
import { OnlineWriter } from './online-writer.ts';

/** Options of {@link LegacyIpEasy}. */
export interface LegacyOptions {
  readonly clock?: Clock;
  /** Time for an ordinary command, 100..600000 ms; default 10000. */
  readonly timeoutMs?: number;
}

/** What `connect` of the single-socket commands takes. */
export interface LegacyConnectOptions extends AbortOptions {
  readonly host: string;
  /** 1..65535 */
  readonly port: number;
  readonly transport?: 'tcp' | 'udp' | undefined;
  /** UDP: the module's port. */
  readonly localPort?: number | undefined;
}

const CONTEXT_TIMEOUT_MS = 150_000;
const DIAL_TIMEOUT_MS = 140_000;

/**
 * The single-socket commands that came before: `#GPRS`, `#SKTD`, `#SKTL`. One connection per AT port, online only; the
 * escape sequence closes it. For firmware that has nothing else; refused on a port that `IpEasy` uses, and the other way
 * round (`ERR_IPEASY_MIXED_SETS`).
 */
export class LegacyIpEasy implements AsyncDisposable {
  readonly #at: AtClient;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #leave: () => void;
  readonly #sockets = new Set<LegacySocket>();
  #closing: Promise<void> | undefined;

  constructor(at: AtClient, options: LegacyOptions = {}) {
    this.#at = at;
    this.#clock = options.clock ?? systemClock;
    this.#timeoutMs = checkInteger('timeoutMs', options.timeoutMs ?? 10_000, 100, 600_000);
    this.#leave = useCommandSet(at, 'legacy');
  }

  /** `#GPRS=1`: activates context 1 and gives its address. */
  async activate({
    user,
    password,
    signal,
  }: AbortOptions & { readonly user?: string; readonly password?: string } = {}): Promise<{ address: string }> {
    try {
      if (user !== undefined) await this.#at.command(`AT#USERID=${atString(user)}`, { timeoutMs: this.#timeoutMs });
      if (password !== undefined) {
        await this.#at.command(`AT#PASSW=${atString(password)}`, { timeoutMs: this.#timeoutMs, secret: true });
      }
      let address: string | undefined;
      // The address comes in a line of another name than the command's.
      const told = this.#at.urcs$.subscribe(({ text }) => (address ??= splitFields(text, '+IP')?.[0]));
      try {
        const { lines } = await this.#at.command('AT#GPRS=1', { timeoutMs: CONTEXT_TIMEOUT_MS, signal });
        address ??= lines.map((line) => splitFields(line, '+IP')?.[0]).find((found) => found !== undefined);
      } finally {
        told.unsubscribe();
      }
      return { address: address ?? '0.0.0.0' };
    } catch (error) {
      throw ipEasyError(error, 'activating the context');
    }
  }

  /** `#GPRS=0` */
  async deactivate({ signal }: AbortOptions = {}): Promise<void> {
    try {
      await this.#at.command('AT#GPRS=0', { timeoutMs: CONTEXT_TIMEOUT_MS, signal });
    } catch (error) {
      throw ipEasyError(error, 'deactivating the context');
    }
  }

  /** `#SKTD`: opens a connection, online. */
  async connect({ host, port, transport = 'tcp', localPort, signal }: LegacyConnectOptions): Promise<LegacySocket> {
    const problem = hostProblem(host);
    if (problem !== undefined) {
      throw new CellmuxError('ERR_IPEASY_HOST', `host ${JSON.stringify(host.slice(0, 80))} ${problem}`);
    }
    checkInteger('port', port, 1, 65_535);
    checkOneOf('transport', transport, ['tcp', 'udp']);
    const local = localPort === undefined ? '' : `,0,${checkInteger('localPort', localPort, 1, 65_535)}`;
    const line = `AT#SKTD=${transport === 'udp' ? 1 : 0},${port},"${host}"${local}`;
    try {
      await keepEscapeFromPeers(this.#at, this.#timeoutMs);
      return this.#socket(await this.#at.connect(line, { timeoutMs: DIAL_TIMEOUT_MS, signal }));
    } catch (error) {
      throw ipEasyError(error, `${host}:${port}`);
    }
  }

  /** Closes the connection and stops using the port. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const mode = await firstValueFrom(
      this.#at.mode$.pipe(
        filter((now) => now !== 'data'),
        take(1),
      ),
      { defaultValue: 'closed' as const },
    );
    if (mode === 'command') this.#leave();
  }

  #socket(call: DataCall): LegacySocket {
    const socket = new LegacySocket(call, this.#clock);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    return socket;
  }
}

/** The one connection of the single-socket commands, as a Duplex. `end()` closes it in both directions. */
export class LegacySocket extends Duplex {
  readonly #call: DataCall;
  readonly #writer: OnlineWriter;

  /** @internal */
  constructor(call: DataCall, clock: Clock) {
    super({ allowHalfOpen: false });
    this.#call = call;
    this.#writer = new OnlineWriter(call, clock);
    call.pause();
    call.received$.subscribe({
      next: (bytes) => {
        if (!this.destroyed && !this.push(bytes)) call.pause();
      },
      error: () => undefined,
    });
    void call.ended.then(({ reason }) => {
      if (this.destroyed) return;
      if (reason === 'lineLost')
        this.destroy(new CellmuxError('ERR_IPEASY_LINE_LOST', 'the AT port of the connection was lost'));
      else this.push(null);
    });
  }

  override _read(): void {
    this.#call.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#writer.send(chunk).then(
      () => {
        callback();
      },
      (error: unknown) => {
        callback(ipEasyError(error, 'sending') as Error);
      },
    );
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#hangUp(callback);
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#hangUp(() => {
      callback(error);
    });
  }

  /** The escape sequence closes such a connection. */
  #hangUp(done: () => void): void {
    this.#call
      .escape()
      .catch(() => this.#call.close())
      .then(
        () => {
          done();
        },
        () => {
          done();
        },
      );
  }
}
