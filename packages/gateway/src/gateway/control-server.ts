import { once } from 'node:events';
import { chmod, lstat, mkdir, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { describeError, localFailure } from '../errors/describe-error.ts';
import { ControlExchange } from './control-exchange.ts';
import {
  CONTROL_LINE_LIMIT_BYTES,
  CONTROL_PENDING_LIMIT,
  parseControlPiece,
  parseControlRequest,
  type ControlAnswer,
  type ControlRequest,
} from './control-protocol.ts';

/**
 * Carries out a request and gives the value of its answer. The signal aborts when the client leaves; the exchange carries
 * what goes with the request.
 */
export type ControlHandler = (
  request: ControlRequest,
  signal: AbortSignal,
  exchange: ControlExchange,
) => Promise<unknown>;

/** The local socket by which `cellmux at` and `cellmux status` reach a gateway that runs. */
export class ControlServer implements AsyncDisposable {
  readonly path: string;
  readonly #server: Server;
  readonly #handler: ControlHandler;
  readonly #clients = new Set<Socket>();

  private constructor(path: string, handler: ControlHandler) {
    this.path = path;
    this.#handler = handler;
    this.#server = createServer((client) => {
      this.#serve(client);
    });
  }

  /**
   * Listens on a Unix socket that only its owner may use; its directory is made when it is missing. A socket that a
   * crashed run left behind is replaced. Rejects with `ERR_GATEWAY_LOCAL`.
   */
  static async listen(path: string, handler: ControlHandler): Promise<ControlServer> {
    const control = new ControlServer(path, handler);
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      if (await isAbandoned(path)) await unlink(path);
      // Between listen and chmod a socket has the mode that the umask leaves: nobody else may get in meanwhile.
      const umask = process.umask(0o177);
      try {
        control.#server.listen(path);
      } finally {
        process.umask(umask);
      }
      await once(control.#server, 'listening');
      await chmod(path, 0o600);
    } catch (error) {
      throw localFailure(`the control socket cannot be made at ${path}`, error);
    }
    return control;
  }

  /** Disconnects every client and removes the socket. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    for (const client of this.#clients) client.destroy();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #serve(client: Socket): void {
    this.#clients.add(client);
    const leaving = new AbortController();
    let pending = 0;
    let lineBytes = 0;
    client.on('error', () => {
      // 'close' follows and is what counts.
    });
    client.once('close', () => {
      this.#clients.delete(client);
      leaving.abort(new Error('the client of the control socket left'));
    });
    client.on('data', (chunk: Buffer) => {
      const end = chunk.lastIndexOf(0x0a);
      lineBytes = end < 0 ? lineBytes + chunk.length : chunk.length - end - 1;
      if (lineBytes > CONTROL_LINE_LIMIT_BYTES) client.destroy();
    });
    const exchanges = new Map<number, ControlExchange>();
    const lines = createInterface({ input: client, crlfDelay: Infinity });
    lines.on('line', (text) => {
      const piece = parseControlPiece(text);
      if (piece !== undefined && exchanges.get(piece.id)?.take(piece) === true) return;
      const request = piece === undefined ? parseControlRequest(text) : undefined;
      if (request === undefined || exchanges.has(request.id)) {
        client.end(`${JSON.stringify({ id: 0, error: NOT_UNDERSTOOD } satisfies ControlAnswer)}\n`);
        return;
      }
      if (++pending >= CONTROL_PENDING_LIMIT) client.pause();
      const exchange = new ControlExchange(request.id, client, leaving.signal);
      exchanges.set(request.id, exchange);
      void this.#answer(request, leaving.signal, exchange).then((answer) => {
        exchanges.delete(request.id);
        if (pending-- >= CONTROL_PENDING_LIMIT) client.resume();
        if (client.writable) client.write(`${JSON.stringify(answer)}\n`);
      });
    });
  }

  async #answer(request: ControlRequest, signal: AbortSignal, exchange: ControlExchange): Promise<ControlAnswer> {
    try {
      return { id: request.id, value: (await this.#handler(request, signal, exchange)) ?? null };
    } catch (error) {
      const { code, message, hint } = describeError(error);
      return { id: request.id, error: { code, message, hint } };
    }
  }
}

const NOT_UNDERSTOOD = {
  code: 'ERR_GATEWAY_CONTROL_REQUEST',
  message: 'that is not a request of the control socket',
  hint: 'Use `cellmux at`, `status` and `ftp` of the same version as the gateway.',
};

/** True for a socket file on which nobody listens any more. */
async function isAbandoned(path: string): Promise<boolean> {
  const file = await lstat(path).catch(() => undefined);
  if (file?.isSocket() !== true) return false;
  const probe = connect(path);
  try {
    await once(probe, 'connect');
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
  } finally {
    probe.destroy();
  }
}
