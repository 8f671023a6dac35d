import { openFtp, type FtpOptions, type IpEasyFtp } from '@cellmux/ipeasy';
import { CellmuxError, hasCode, type AbortOptions, type Cancel, type Clock } from '@cellmux/port';
import type { AtLoan } from './at-service.ts';
import { Turnstile } from './turnstile.ts';
import { within } from './within.ts';

/** What is done in a session. What it goes on with after its signal has aborted fails: the session is closed then. */
export type FtpWork<T> = (session: IpEasyFtp, options: { readonly signal: AbortSignal }) => Promise<T>;

/** What FTP jobs do, for logs. */
export type FtpEvent =
  | { readonly type: 'ftpStarted'; readonly host: string }
  | { readonly type: 'ftpEnded'; readonly host: string; readonly durationMs: number; readonly error?: unknown };

/** What an {@link FtpService} is made of. */
export interface FtpServiceParts {
  readonly clock: Clock;
  /** Jobs that may wait; default 16. */
  readonly queueLimit: number | undefined;
  /** Resolves once the context that FTP goes over is active. */
  readonly whenContext: (signal: AbortSignal) => Promise<unknown>;
  readonly lendPort: (signal: AbortSignal) => Promise<AtLoan>;
  /** Octets that the port has carried so far. */
  readonly octets: () => number;
  /** The module says that the context is not there. */
  readonly onContextDoubtful: () => void;
  readonly onEvent: (event: FtpEvent) => void;
}

const DEFAULT_QUEUE_LIMIT = 16;
/** How long the module waits for the server, unless a job says otherwise. */
const DEFAULT_SERVER_TIMEOUT_MS = 100_000;
/** A transfer that moves nothing for this much longer is given up. */
const STALL_MARGIN_MS = 20_000;
const STALL_LOOK_MS = 5000;
/** What the end of the gateway gives a session to be closed in order. */
const END_LIMIT_MS = 10_000;

/**
 * FTP of the module for jobs, one at a time. The module has one session, locked to the AT port that opened it (guide
 * §3.2.2.6), and it goes over the context of connId 1, which is that of the sockets.
 */
export class FtpService {
  readonly #parts: FtpServiceParts;
  readonly #turnstile = new Turnstile(1);
  readonly #ending = new AbortController();
  #running: { readonly host: string; readonly over: Promise<unknown> } | undefined;

  constructor(parts: FtpServiceParts) {
    this.#parts = parts;
  }

  /** The server of the job that runs. */
  get running(): string | undefined {
    return this.#running?.host;
  }

  /** Jobs that wait. */
  get waiting(): number {
    return this.#turnstile.waiting;
  }

  /** Runs a job when its turn has come; what it rejects with is told at `Gateway.ftp`. */
  async run<T>(server: FtpOptions, work: FtpWork<T>, { signal }: AbortOptions): Promise<T> {
    const { queueLimit = DEFAULT_QUEUE_LIMIT } = this.#parts;
    const stalled = new AbortController();
    const signals = [this.#ending.signal, stalled.signal];
    const either = AbortSignal.any(signal === undefined ? signals : [signal, ...signals]);
    either.throwIfAborted();
    if (this.#turnstile.isFull && this.#turnstile.waiting >= queueLimit) {
      throw new CellmuxError('ERR_GATEWAY_FTP_BUSY', `FTP is at work, and ${queueLimit} jobs wait already`, {
        hint: 'Try again later.',
        context: { queueLimit },
      });
    }
    await this.#turnstile.enter(either);
    const job = this.#carryOut(server, work, either, stalled);
    const running = { host: server.host, over: job.catch(() => undefined) };
    this.#running = running;
    void running.over.then(() => {
      this.#running = undefined;
      this.#turnstile.leave();
    });
    // Whoever aborts is not kept waiting for the module, which may take minutes to answer.
    return await withAbort(job, either);
  }

  /** Ends the job that runs, in order where that is soon done, and refuses those that wait. Idempotent. */
  async end(): Promise<void> {
    this.#ending.abort(new CellmuxError('ERR_GATEWAY_STOPPED', 'the gateway was stopped'));
    if (this.#running === undefined) return;
    await within(this.#running.over, END_LIMIT_MS, 'closing FTP', this.#parts.clock);
  }

  async #carryOut<T>(server: FtpOptions, work: FtpWork<T>, signal: AbortSignal, stalled: AbortController): Promise<T> {
    const { clock, whenContext, lendPort, onContextDoubtful, onEvent } = this.#parts;
    const { host, timeoutMs = DEFAULT_SERVER_TIMEOUT_MS } = server;
    const startMs = clock.now();
    onEvent({ type: 'ftpStarted', host });
    const ended = (error?: unknown): void => {
      onEvent({ type: 'ftpEnded', host, durationMs: clock.now() - startMs, ...(error === undefined ? {} : { error }) });
    };
    try {
      await whenContext(signal);
      using loan = await lendPort(signal);
      const session = await open(loan, server, clock);
      loan.takenWhile(() => session.hasPort);
      const unwatch = this.#watchProgress(session, timeoutMs + STALL_MARGIN_MS, stalled);
      let result: T;
      try {
        result = await withAbort(work(session, { signal }), signal);
      } finally {
        unwatch();
        // A session that cannot be closed is gone, or the next job closes it.
        await session.close().catch(() => undefined);
      }
      ended();
      return result;
    } catch (error) {
      if (hasCode(error, 'ERR_IPEASY_CONTEXT_NOT_ACTIVE')) onContextDoubtful();
      ended(error);
      throw error;
    }
  }

  /** Gives a transfer up that has had the port for `limitMs` without an octet on it. */
  #watchProgress(session: IpEasyFtp, limitMs: number, stalled: AbortController): Cancel {
    const { clock, octets } = this.#parts;
    let before = octets();
    let movedMs = clock.now();
    let cancel: Cancel = () => undefined;
    const look = (): void => {
      const now = octets();
      if (now !== before || !session.hasPort) {
        before = now;
        movedMs = clock.now();
      } else if (clock.now() - movedMs >= limitMs) {
        stalled.abort(
          new CellmuxError('ERR_GATEWAY_FTP_STALLED', `the transfer moved nothing for ${limitMs / 1000} s`, {
            hint: 'The server, the network, or whoever gives or takes the file stands still: transfer it again.',
            context: { limitMs },
          }),
        );
        return;
      }
      cancel = clock.after(STALL_LOOK_MS, look);
    };
    cancel = clock.after(STALL_LOOK_MS, look);
    return () => {
      cancel();
    };
  }
}

/** Opens the session; one that a job before could not close is closed first. */
async function open({ client }: AtLoan, server: FtpOptions, clock: Clock): Promise<IpEasyFtp> {
  try {
    return await openFtp(client, { ...server, clock });
  } catch (error) {
    if (!hasCode(error, 'ERR_IPEASY_FTP_ALREADY_CONNECTED')) throw error;
    await client.command('AT#FTPCLOSE', { timeoutMs: DEFAULT_SERVER_TIMEOUT_MS }).catch(() => undefined);
    return await openFtp(client, { ...server, clock });
  }
}

/** The promise, or the signal's reason as soon as that aborts. */
function withAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(signal.reason);
    };
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort);
    });
  });
}
