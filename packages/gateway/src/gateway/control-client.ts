import { CellmuxError, type AbortOptions } from '@cellmux/port';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { localFailure } from '../errors/describe-error.ts';
import {
  CONTROL_LINE_LIMIT_BYTES,
  parseAtAnswer,
  parseControlAnswer,
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

/**
 * Asks a running gateway. Rejects with the error that the gateway answers, with `ERR_GATEWAY_LINE_NOT_RUNNING` when no
 * gateway listens there, with `ERR_GATEWAY_LINE_LEFT` when it ends meanwhile.
 */
export async function askGateway(
  path: string,
  question: ControlQuestion,
  { signal }: AbortOptions = {},
): Promise<unknown> {
  const socket = connect(path);
  const onAbort = (): void => {
    socket.destroy();
  };
  signal?.throwIfAborted();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await once(socket, 'connect').catch((error: unknown) => {
      throw notRunning(path, error);
    });
    socket.write(`${JSON.stringify({ id: 1, ...question })}\n`);
    const answer = parseControlAnswer(await readLine(socket));
    if (answer !== undefined) {
      if ('value' in answer) return answer.value;
      throw new CellmuxError(answer.error.code, answer.error.message, { hint: answer.error.hint });
    }
    signal?.throwIfAborted();
    throw left('the gateway ended before it answered');
  } finally {
    signal?.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}

function left(message: string): CellmuxError {
  return new CellmuxError('ERR_GATEWAY_LINE_LEFT', message, { hint: 'See what the gateway itself says.' });
}

/** What comes up to the first line end, or up to the end; at most {@link CONTROL_LINE_LIMIT_BYTES}. */
async function readLine(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8');
  try {
    for await (const chunk of socket as AsyncIterable<string>) {
      text += chunk;
      if (chunk.includes('\n') || text.length > CONTROL_LINE_LIMIT_BYTES) break;
    }
  } catch {
    // Broken off: what has come is no whole answer, and is taken for none.
  }
  return text.split('\n', 1)[0] ?? '';
}

function notRunning(path: string, cause: unknown): CellmuxError {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code !== 'ENOENT' && code !== 'ECONNREFUSED') return localFailure(`cannot use the control socket ${path}`, cause);
  return new CellmuxError('ERR_GATEWAY_LINE_NOT_RUNNING', `no gateway listens on ${path}`, {
    cause,
    hint: 'Start `cellmux up` first (with the same --control), or talk to a module directly with --line.',
  });
}
