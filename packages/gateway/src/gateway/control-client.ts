import { CellmuxError, type AbortOptions } from '@cellmux/port';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { asError, localFailure } from '../errors/describe-error.ts';
import {
  CONTROL_LINE_LIMIT_BYTES,
  parseAtAnswer,
  parseControlAnswer,
  parseControlPiece,
  type ControlPiece,
  type ControlQuestion,
} from './control-protocol.ts';

/** Has a running gateway carry out one AT command on port 3. Rejects as {@link askGateway} does. */
export async function requestAt(
  path: string,
  request: { readonly line: string; readonly timeoutMs?: number },
  options: AbortOptions = {},
): Promise<{ readonly lines: readonly string[]; readonly result: string }> {
  const answer = parseAtAnswer(await askGateway(path, { method: 'at', ...request }, options));
  if (answer === undefined) throw left('the gateway answered something else than was asked');
  return answer;
}

/** What goes with a question that transfers data. */
export interface ControlTransfer {
  /** Takes what the gateway sends; it sends on when that has resolved. */
  readonly onData?: (bytes: Uint8Array, totalBytes: number | undefined) => Promise<void>;
  /** Where what is sent comes from. */
  readonly source?: AsyncIterator<Uint8Array>;
  /** So many octets of it are transferred. */
  readonly onTaken?: (bytes: number) => void;
}

/**
 * Asks a running gateway. Rejects with the error that the gateway answers, with `ERR_GATEWAY_LINE_NOT_RUNNING` when no
 * gateway listens there, with `ERR_GATEWAY_LINE_LEFT` when it ends meanwhile.
 */
export async function askGateway(
  path: string,
  question: ControlQuestion,
  { signal, ...transfer }: AbortOptions & ControlTransfer = {},
): Promise<unknown> {
  const socket = connect(path);
  const onAbort = (): void => {
    socket.destroy();
  };
  /** What is sent is not to be had. */
  let failure: { readonly error: unknown } | undefined;
  signal?.throwIfAborted();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await once(socket, 'connect').catch((error: unknown) => {
      throw notRunning(path, error);
    });
    socket.write(`${JSON.stringify({ id: 1, ...question })}\n`);
    for await (const line of readLines(socket)) {
      const answer = parseControlAnswer(line);
      if (answer !== undefined) {
        if ('value' in answer) return answer.value;
        throw new CellmuxError(answer.error.code, answer.error.message, { hint: answer.error.hint });
      }
      const piece = parseControlPiece(line);
      if (piece === undefined) break;
      if ('data' in piece) await transfer.onData?.(Buffer.from(piece.data, 'base64'), piece.totalBytes);
      else if ('more' in piece) {
        // An answer may come while the source has nothing to give.
        void sendNext(socket, piece.bytes, transfer).catch((error: unknown) => {
          failure = { error };
          socket.destroy();
        });
      }
    }
    signal?.throwIfAborted();
    if (failure !== undefined) throw asError(failure.error);
    throw left('the gateway ended before it answered');
  } finally {
    signal?.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}

function left(message: string): CellmuxError {
  return new CellmuxError('ERR_GATEWAY_LINE_LEFT', message, { hint: 'See what the gateway itself says.' });
}

/** Sends the next piece, or that there is none. */
async function sendNext(socket: Socket, bytes: number, { source, onTaken }: ControlTransfer): Promise<void> {
  onTaken?.(bytes);
  const next = await source?.next();
  const piece =
    next === undefined || next.done === true
      ? ({ id: 1, end: true } satisfies ControlPiece)
      : ({ id: 1, data: Buffer.from(next.value).toString('base64') } satisfies ControlPiece);
  socket.write(`${JSON.stringify(piece)}\n`);
}

/** What comes, line by line, up to the end; a line of more than {@link CONTROL_LINE_LIMIT_BYTES} is the end as well. */
async function* readLines(socket: Socket): AsyncGenerator<string> {
  let text = '';
  socket.setEncoding('utf8');
  try {
    for await (const chunk of socket as AsyncIterable<string>) {
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      yield* lines;
      if (text.length > CONTROL_LINE_LIMIT_BYTES) return;
    }
  } catch {
    // Broken off: what has come is no whole answer, and is taken for none.
  }
}

function notRunning(path: string, cause: unknown): CellmuxError {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code !== 'ENOENT' && code !== 'ECONNREFUSED') return localFailure(`cannot use the control socket ${path}`, cause);
  return new CellmuxError('ERR_GATEWAY_LINE_NOT_RUNNING', `no gateway listens on ${path}`, {
    cause,
    hint: 'Start `cellmux up` first (with the same --control), or talk to a module directly with --line.',
  });
}
