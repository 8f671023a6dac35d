import { Readable, type Writable } from 'node:stream';
import { atString, type AtClient, type AtResponse } from '@cellmux/at';
import { CellmuxError, checkInteger, checkOneOf, hasCode, type AbortOptions, type Clock } from '@cellmux/port';
import type { AtLane } from '../at-lane.ts';
import { hostProblem } from '../core/command-lines.ts';
import { decimal, splitFields } from '../core/split-fields.ts';
import { ipEasyError, isRefusal } from '../ip-easy-error.ts';
import { FtpBlockDownload } from './ftp-block-download.ts';
import { FtpOnlineDownload, sizeError } from './ftp-online-download.ts';
import type { FtpDownloadOptions, FtpOptions, FtpType, FtpUploadOptions } from './ftp-options.ts';
import { FtpUpload } from './ftp-upload.ts';

/** What a session needs of the library around it. */
export interface FtpHost {
  readonly lane: AtLane;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly onClosed: () => void;
}

/** Beyond the time that the module itself waits for the server. */
const MARGIN_MS = 20_000;
/** The longest list of a directory. */
const LIST_LIMIT_BYTES = 1024 * 1024;

/**
 * An FTP session of the module (guide §3.3). There is one per module, and it belongs to the AT port on which it was
 * opened. One command or transfer at a time; transfers in data mode have the port for themselves.
 *
 * Errors: `ERR_IPEASY_FTP_REFUSED`, `ERR_IPEASY_FTP_NOT_CONNECTED`, `ERR_IPEASY_FTP_ALREADY_CONNECTED`,
 * `ERR_IPEASY_FTP_OTHER_PORT`, `ERR_IPEASY_FTP_WRONG_STATE`, `ERR_IPEASY_FTP_FAILED`, `ERR_IPEASY_FTP_INCOMPLETE`,
 * `ERR_IPEASY_CANNOT_RESOLVE`, `ERR_IPEASY_CONTEXT_NOT_ACTIVE`; `ERR_IPEASY_NOT_SUPPORTED` for what the firmware lacks.
 */
export class IpEasyFtp implements AsyncDisposable {
  readonly #host: FtpHost;
  readonly #serverTimeoutMs: number;
  #type: FtpType;
  #hasBlocks: boolean | undefined;
  #isClosed = false;
  #closing: Promise<void> | undefined;
  #transfer: Readable | Writable | undefined;
  #busy: Promise<unknown> = Promise.resolve();

  private constructor(host: FtpHost, type: FtpType, serverTimeoutMs: number) {
    this.#host = host;
    this.#type = type;
    this.#serverTimeoutMs = serverTimeoutMs;
  }

  /** @internal Use `IpEasy.ftp()`. */
  static async open(host: FtpHost, options: FtpOptions & AbortOptions): Promise<IpEasyFtp> {
    const { port = 21, user, password, passive = true, type = 'binary', timeoutMs = 100_000, signal } = options;
    const problem = hostProblem(options.host);
    if (problem !== undefined) {
      throw new CellmuxError('ERR_IPEASY_HOST', `host ${JSON.stringify(options.host.slice(0, 80))} ${problem}`);
    }
    checkInteger('port', port, 1, 65_535);
    checkInteger('timeoutMs', timeoutMs, 10_000, 500_000);
    checkOneOf('type', type, ['binary', 'ascii']);
    const server = atString(port === 21 ? options.host : `${options.host}:${port}`);
    const session = new IpEasyFtp(host, type, timeoutMs);
    const where = `FTP to ${options.host}`;
    await host.lane.run(
      async (at) => {
        try {
          await setServerTimeout(at, timeoutMs, host.timeoutMs);
          await at.command(`AT#FTPOPEN=${server},${atString(user)},${atString(password)},${passive ? 1 : 0}`, {
            timeoutMs: timeoutMs + MARGIN_MS,
            secret: true,
          });
        } catch (error) {
          throw ipEasyError(error, where);
        }
        try {
          await at.command(`AT#FTPTYPE=${type === 'binary' ? 0 : 1}`, { timeoutMs: timeoutMs + MARGIN_MS });
        } catch (error) {
          await at.command('AT#FTPCLOSE', { timeoutMs: timeoutMs + MARGIN_MS }).catch(() => undefined);
          throw ipEasyError(error, where);
        }
      },
      { signal },
    );
    return session;
  }

  /** How files are transferred now. */
  get type(): FtpType {
    return this.#type;
  }

  /** True while a transfer has the AT port for itself, or is about to: commands of others would be in its way. */
  get hasPort(): boolean {
    return this.#host.lane.isOnline || this.#host.lane.isReserved;
  }

  async setType(type: FtpType, options: AbortOptions = {}): Promise<void> {
    checkOneOf('type', type, ['binary', 'ascii']);
    await this.#command(`AT#FTPTYPE=${type === 'binary' ? 0 : 1}`, options);
    this.#type = type;
  }

  /** The working directory, in the server's words. */
  async pwd(options: AbortOptions = {}): Promise<string> {
    const { lines } = await this.#command('AT#FTPPWD', options);
    const text = lines.map((line) => line.replace(/^#FTPPWD:\s*/, '')).join('\n');
    return /"((?:[^"]|"")*)"/.exec(text)?.[1]?.replaceAll('""', '"') ?? text.trim();
  }

  async cwd(directory: string, options: AbortOptions = {}): Promise<void> {
    await this.#command(`AT#FTPCWD=${atString(directory)}`, options);
  }

  async delete(name: string, options: AbortOptions = {}): Promise<void> {
    await this.#command(`AT#FTPDELE=${atString(name)}`, options);
  }

  /** Octets of a file. */
  async size(name: string, options: AbortOptions = {}): Promise<number> {
    const { lines } = await this.#command(`AT#FTPFSIZE=${atString(name)}`, options);
    const bytes = lines
      .map((line) => decimal(splitFields(line, '#FTPFSIZE')?.at(-1)))
      .find((size) => size !== undefined);
    if (bytes === undefined) throw new CellmuxError('ERR_IPEASY_FTP_FAILED', `${name}: the module told no size`);
    return bytes;
  }

  /** What the server said last; empty where the firmware does not tell. */
  async lastMessage(options: AbortOptions = {}): Promise<string> {
    try {
      const { lines } = await this.#command('AT#FTPMSG', options);
      return lines.map((line) => line.replace(/^#FTPMSG:\s*/, '')).join('\n');
    } catch (error) {
      if (isRefusal((error as Error).cause)) return '';
      throw error;
    }
  }

  /**
   * The lines of a directory, as the server writes them; in UTF-8 where they are that, else in ISO 8859-1. Rejects with
   * `ERR_IPEASY_FTP_LIST_TOO_LONG` beyond 1 MiB.
   */
  async list(path?: string, options: AbortOptions = {}): Promise<readonly string[]> {
    const line = path === undefined ? 'AT#FTPLIST' : `AT#FTPLIST=${atString(path)}`;
    const stream = this.#online('the directory', line, options);
    const chunks: Buffer[] = [];
    for await (const chunk of stream) {
      chunks.push(chunk as Buffer);
      if (stream.bytesRead <= LIST_LIMIT_BYTES) continue;
      throw new CellmuxError('ERR_IPEASY_FTP_LIST_TOO_LONG', 'the list of the directory is longer than 1 MiB', {
        hint: 'Name the files that are wanted, for example list("2026*").',
        context: { limitBytes: LIST_LIMIT_BYTES },
      });
    }
    return textOf(Buffer.concat(chunks))
      .split(/\r?\n/)
      .filter((text) => text !== '');
  }

  /** A file as a stream. It is opened at the first read; destroying the stream ends the transfer. */
  get(name: string, options: FtpDownloadOptions = {}): Readable {
    checkInteger('offset', options.offset ?? 0, 0, 2 ** 32);
    const quoted = atString(name);
    return options.mode === 'command'
      ? this.#later(async () =>
          (await this.#supportsBlocks())
            ? this.#blocks(name, quoted, options)
            : this.#online(name, `AT#FTPGET=${quoted}`, { ...options, name }),
        )
      : this.#online(name, `AT#FTPGET=${quoted}`, { ...options, name });
  }

  /** A stream into a file. `finish` comes when the server has everything. */
  put(name: string, options: FtpUploadOptions = {}): Writable & { readonly bytesWritten: number } {
    const { append = false, signal, verifySize = true } = options;
    const line = `AT#FTP${append ? 'APP' : 'PUT'}=${atString(name)}`;
    let release: () => void = () => undefined;
    let before = 0;
    const upload = new FtpUpload({
      name,
      clock: this.#host.clock,
      onProgress: options.onProgress,
      open: async () => {
        release = await this.#beginFor(upload);
        if (append && verifySize) before = (await this.#sizeIfTold(name)) ?? 0;
        return this.#dataCall(line, name, signal);
      },
      verify: async (bytes) => {
        if (!verifySize) return;
        // What the server said of the transfer is asked for first: asking for the size has it say something else.
        const reply = await this.#lastReply();
        const size = this.#type === 'binary' ? await this.#sizeIfTold(name) : undefined;
        if (size === undefined) confirm(name, bytes, reply);
        else if (size !== before + bytes) throw sizeError(name, before + bytes, size);
      },
    });
    upload.once('close', () => {
      release();
    });
    abortWith(upload, signal);
    return upload;
  }

  /** Ends the session. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#transfer?.destroy();
    await this.#busy;
    this.#isClosed = true;
    try {
      await this.#host.lane.run((at) => at.command('AT#FTPCLOSE', { timeoutMs: this.#serverTimeoutMs + MARGIN_MS }));
    } catch (error) {
      // The server or the context has ended it before.
      if (!isRefusal(error)) throw ipEasyError(error, 'closing FTP');
    } finally {
      this.#host.onClosed();
    }
  }

  async #command(line: string, { signal }: AbortOptions): Promise<AtResponse> {
    this.#check();
    const release = await this.#begin();
    try {
      return await this.#host.lane.run((at) => this.#send(at, line), { signal });
    } finally {
      release();
    }
  }

  async #send(at: AtClient, line: string): Promise<AtResponse> {
    try {
      return await at.command(line, { timeoutMs: this.#serverTimeoutMs + MARGIN_MS });
    } catch (error) {
      throw ipEasyError(error, line.slice(2).split('=')[0] ?? 'FTP');
    }
  }

  #online(what: string, line: string, options: FtpDownloadOptions & { readonly name?: string }): FtpOnlineDownload {
    const { name, offset = 0, signal, verifySize = true } = options;
    let release: () => void = () => undefined;
    const download = new FtpOnlineDownload({
      name: what,
      onProgress: options.onProgress,
      open: async () => {
        release = await this.#beginFor(download);
        const totalBytes = name !== undefined && this.#type === 'binary' ? await this.#sizeIfTold(name) : undefined;
        if (verifySize) checkOffset(what, offset, totalBytes);
        const skipBytes = await this.#restartAt(offset);
        const call = await this.#dataCall(line, what, signal);
        return {
          call,
          skipBytes,
          totalBytes,
          expectedBytes: verifySize && totalBytes !== undefined ? totalBytes - offset : undefined,
        };
      },
      confirm: async (bytes) => {
        if (verifySize) confirm(what, bytes, await this.#lastReply());
      },
    });
    download.once('close', () => {
      release();
    });
    abortWith(download, signal);
    return download;
  }

  #blocks(name: string, quoted: string, options: FtpDownloadOptions): FtpBlockDownload {
    const { offset = 0, signal, verifySize = true } = options;
    const { lane, clock, timeoutMs } = this.#host;
    let release: () => void = () => undefined;
    const download = new FtpBlockDownload({
      name,
      lane,
      clock,
      timeoutMs,
      onProgress: options.onProgress,
      open: async () => {
        release = await this.#beginFor(download);
        const totalBytes = this.#type === 'binary' ? await this.#sizeIfTold(name) : undefined;
        if (verifySize) checkOffset(name, offset, totalBytes);
        const skipBytes = await this.#restartAt(offset);
        await lane.run((at) => this.#send(at, `AT#FTPGETPKT=${quoted},0`), { signal });
        return {
          skipBytes,
          totalBytes,
          expectedBytes: verifySize && totalBytes !== undefined ? totalBytes - offset : undefined,
        };
      },
    });
    download.once('close', () => {
      release();
    });
    abortWith(download, signal);
    return download;
  }

  /** A stream whose source is known only later. */
  #later(make: () => Promise<Readable>): Readable {
    return Readable.from(
      (async function* (): AsyncGenerator<Buffer> {
        yield* (await make()) as AsyncIterable<Buffer>;
      })(),
      { objectMode: false },
    );
  }

  async #supportsBlocks(): Promise<boolean> {
    if (this.#hasBlocks === undefined) {
      try {
        await this.#host.lane.run((at) => at.command('AT#FTPGETPKT=?', { timeoutMs: this.#host.timeoutMs }));
        this.#hasBlocks = true;
      } catch (error) {
        if (!isRefusal(error)) throw ipEasyError(error, 'FTP');
        this.#hasBlocks = false;
      }
    }
    return this.#hasBlocks;
  }

  /**
   * `AT#FTPREST`; gives how many octets at the beginning are to be skipped here, because the firmware or the server
   * cannot.
   */
  async #restartAt(offset: number): Promise<number> {
    if (offset === 0) return 0;
    if (this.#type !== 'binary') {
      throw new CellmuxError('ERR_IPEASY_FTP_RESTART', 'a transfer restarts at an offset in binary type only', {
        hint: "Call setType('binary') first.",
      });
    }
    try {
      await this.#host.lane.run((at) => this.#send(at, `AT#FTPREST=${offset}`));
      return 0;
    } catch (error) {
      if (isRefusal((error as Error).cause)) return offset;
      throw error;
    }
  }

  /** Undefined where the server or the firmware does not tell. */
  async #sizeIfTold(name: string): Promise<number | undefined> {
    try {
      const { lines } = await this.#host.lane.run((at) => this.#send(at, `AT#FTPFSIZE=${atString(name)}`));
      return lines.map((line) => decimal(splitFields(line, '#FTPFSIZE')?.at(-1))).find((size) => size !== undefined);
    } catch (error) {
      // Without a session the module refuses as well: that is no server that does not tell.
      if (isRefusal((error as Error).cause) && !isSessionGone(error)) return undefined;
      throw error;
    }
  }

  async #refused(what: string, cause: unknown): Promise<CellmuxError> {
    const reply = await this.#lastReply();
    const words = reply === undefined ? 'the server refuses it' : `the server says "${reply}"`;
    return new CellmuxError('ERR_IPEASY_FTP_REFUSED', `${what}: ${words}`, {
      cause,
      hint: 'Check the name, and what this user may do there.',
      context: { reply },
    });
  }

  /** The last reply of the server, its last line; undefined where the firmware does not repeat it. */
  async #lastReply(): Promise<string | undefined> {
    const { lines } = await this.#host.lane
      .run((at) => this.#send(at, 'AT#FTPMSG'))
      .catch((error: unknown) => {
        if (isRefusal((error as Error).cause) && !isSessionGone(error)) return { lines: [] };
        throw error;
      });
    return lines.flatMap((line) => /^(?:#FTPMSG:\s*)?(\d{3} .*)/.exec(line)?.[1] ?? []).at(-1);
  }

  async #dataCall(line: string, what: string, signal: AbortSignal | undefined) {
    this.#check();
    const { lane } = this.#host;
    const release = lane.reserve();
    try {
      return await lane.run(() => lane.goOnline(line, this.#serverTimeoutMs + MARGIN_MS), { signal });
    } catch (error) {
      // NO CARRIER instead of CONNECT is the server's refusal, and only the server knows the reason.
      if (hasCode(error, 'ERR_AT_NO_CARRIER')) throw await this.#refused(what, error);
      throw ipEasyError(error, what);
    } finally {
      release();
    }
  }

  /** Waits for its turn; what it gives ends the turn. */
  async #begin(): Promise<() => void> {
    this.#check();
    const before = this.#busy;
    let release: () => void = () => undefined;
    this.#busy = new Promise<void>((resolve) => (release = resolve));
    await before;
    return release;
  }

  async #beginFor(stream: Readable | Writable): Promise<() => void> {
    const release = await this.#begin();
    if (!stream.destroyed) {
      this.#transfer = stream;
      return release;
    }
    release();
    throw new CellmuxError('ERR_IPEASY_CLOSED', 'the transfer was ended before it began');
  }

  #check(): void {
    if (!this.#isClosed && this.#closing === undefined) return;
    throw new CellmuxError('ERR_IPEASY_FTP_NOT_CONNECTED', 'the FTP session is closed', {
      hint: 'Open another one.',
    });
  }
}

/** `AT#FTPTO`; firmware without it waits as long as it likes. */
async function setServerTimeout(at: AtClient, serverTimeoutMs: number, timeoutMs: number): Promise<void> {
  try {
    await at.command(`AT#FTPTO=${Math.round(serverTimeoutMs / 100)}`, { timeoutMs });
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
}

/** Servers of today write names in UTF-8 (RFC 2640), others in whatever they have. */
function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('latin1').decode(bytes);
  }
}

/** The session, or the context below it, is no more. */
function isSessionGone(error: unknown): boolean {
  return hasCode(error, 'ERR_IPEASY_FTP_NOT_CONNECTED') || hasCode(error, 'ERR_IPEASY_CONTEXT_NOT_ACTIVE');
}

function abortWith(stream: Readable | Writable, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const onAbort = (): void => {
    const reason: unknown = signal.reason;
    stream.destroy(reason instanceof Error ? reason : new Error(String(reason)));
  };
  if (signal.aborted) process.nextTick(onAbort);
  signal.addEventListener('abort', onAbort, { once: true });
  stream.once('close', () => {
    signal.removeEventListener('abort', onAbort);
  });
}

/**
 * Where no size tells whether all was transferred, the server's last words do, if the firmware repeats them: its reply
 * to the end of a transfer is 2yz (RFC 959 §4.2). Throws `ERR_IPEASY_FTP_INCOMPLETE`.
 */
function confirm(what: string, bytes: number, reply: string | undefined): void {
  if (reply === undefined || reply.startsWith('2')) return;
  throw new CellmuxError('ERR_IPEASY_FTP_INCOMPLETE', `${what}: ended after ${bytes} octets, and not as a whole`, {
    hint: 'Transfer it again.',
    context: { bytes, reply },
  });
}

/** Nothing is behind the end of a file: what is to be gone on with is a part of another one. */
function checkOffset(name: string, offset: number, totalBytes: number | undefined): void {
  if (totalBytes === undefined || offset <= totalBytes) return;
  throw new CellmuxError('ERR_IPEASY_FTP_OFFSET', `${name} has ${totalBytes} octets, and was to go on at ${offset}`, {
    hint: 'It is another file by now: transfer all of it.',
    context: { offset, totalBytes },
  });
}
