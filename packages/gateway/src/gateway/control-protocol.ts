/**
 * What is said over the control socket: one JSON object a line, one answer for each request, in any order. `id` pairs
 * them. The socket belongs to its owner alone (mode 0600), so there is no further authentication.
 */
export type ControlRequest =
  | {
      readonly id: number;
      readonly method: 'at';
      /** The AT command line, `AT` included. */
      readonly line: string;
      readonly timeoutMs?: number;
    }
  /** How the gateway is: its `GatewayStatus`. */
  | { readonly id: number; readonly method: 'status' }
  /** Begins a capture in a file of the gateway's machine, or ends the one that runs (`path` null). */
  | { readonly id: number; readonly method: 'capture'; readonly path: string | null }
  /** An FTP job. What is transferred goes beside it as {@link ControlPiece}s. */
  | { readonly id: number; readonly method: 'ftp'; readonly server: FtpServer; readonly action: FtpAction };

/** The server of an FTP job, and how it is used; as in `FtpOptions` of `@cellmux/ipeasy`. */
export interface FtpServer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly passive: boolean;
  readonly type: 'binary' | 'ascii';
  readonly timeoutMs: number;
}

/** What an FTP job does. */
export type FtpAction =
  | { readonly verb: 'get'; readonly path: string; readonly offset: number }
  | { readonly verb: 'put' | 'append' | 'list' | 'size' | 'rm'; readonly path: string };

/** What goes with a request under way, either way. Data is base64, of at most {@link CONTROL_CHUNK_BYTES}. */
export type ControlPiece =
  | { readonly id: number; readonly data: string; readonly totalBytes?: number | undefined }
  /** To the gateway: there is no more data. */
  | { readonly id: number; readonly end: true }
  /** From the gateway: it wants the next piece; so many octets are transferred. */
  | { readonly id: number; readonly more: true; readonly bytes: number };

/** A request without its number. */
export type ControlQuestion = ControlRequest extends infer One
  ? One extends unknown
    ? Omit<One, 'id'>
    : never
  : never;

/** The answer to a {@link ControlRequest}; to `at` the value is `{ lines, result }`. */
export type ControlAnswer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: { readonly code: string; readonly message: string; readonly hint: string } };

/** The longest line either side takes, bytes; who sends more is disconnected. */
export const CONTROL_LINE_LIMIT_BYTES = 256 * 1024;

/** The most octets in one piece of data. */
export const CONTROL_CHUNK_BYTES = 32 * 1024;

/** The most requests of one client under way at the same time; who sends more waits for answers first. */
export const CONTROL_PENDING_LIMIT = 64;

/** Reads a request; undefined for anything that is none. */
export function parseControlRequest(text: string): ControlRequest | undefined {
  const value = parseObject(text);
  if (value === undefined) return undefined;
  const { id, method, line, timeoutMs, path, server, action } = value;
  if (typeof id !== 'number') return undefined;
  switch (method) {
    case 'status':
      return { id, method };
    case 'capture':
      return path === null || (typeof path === 'string' && path !== '') ? { id, method, path } : undefined;
    case 'at':
      if (typeof line !== 'string') return undefined;
      if (timeoutMs === undefined) return { id, method, line };
      return typeof timeoutMs === 'number' && timeoutMs > 0 && timeoutMs <= 3_600_000
        ? { id, method, line, timeoutMs }
        : undefined;
    case 'ftp': {
      const [known, wanted] = [parseFtpServer(server), parseFtpAction(action)];
      return known === undefined || wanted === undefined ? undefined : { id, method, server: known, action: wanted };
    }
    default:
      return undefined;
  }
}

function parseFtpServer(value: unknown): FtpServer | undefined {
  const { host, port, user, password, passive, type, timeoutMs } = recordOf(value);
  if (typeof host !== 'string' || typeof user !== 'string' || typeof password !== 'string') return undefined;
  if (typeof port !== 'number' || typeof passive !== 'boolean' || typeof timeoutMs !== 'number') return undefined;
  return type === 'binary' || type === 'ascii' ? { host, port, user, password, passive, type, timeoutMs } : undefined;
}

function parseFtpAction(value: unknown): FtpAction | undefined {
  const { verb, path, offset } = recordOf(value);
  if (typeof path !== 'string') return undefined;
  switch (verb) {
    case 'get':
      return typeof offset === 'number' ? { verb, path, offset } : undefined;
    case 'put':
    case 'append':
    case 'list':
    case 'size':
    case 'rm':
      return { verb, path };
    default:
      return undefined;
  }
}

/** Reads a piece that goes with a request; undefined for anything that is none. */
export function parseControlPiece(text: string): ControlPiece | undefined {
  const { id, data, end, more, bytes, totalBytes } = recordOf(parseObject(text));
  if (typeof id !== 'number') return undefined;
  if (typeof data === 'string') {
    return { id, data, totalBytes: typeof totalBytes === 'number' ? totalBytes : undefined };
  }
  if (end === true) return { id, end };
  return more === true && typeof bytes === 'number' ? { id, more, bytes } : undefined;
}

/** Reads an answer; undefined for anything that is none. */
export function parseControlAnswer(text: string): ControlAnswer | undefined {
  const answer = parseObject(text);
  if (answer === undefined || typeof answer['id'] !== 'number') return undefined;
  const { id, value, error } = answer;
  if (value !== undefined) return { id, value };
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, message, hint } = error as Record<string, unknown>;
  if (typeof code !== 'string' || typeof message !== 'string' || typeof hint !== 'string') return undefined;
  return { id, error: { code, message, hint } };
}

/** The value of an answer to `at`; undefined for anything else. */
export function parseAtAnswer(
  value: unknown,
): { readonly lines: readonly string[]; readonly result: string } | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { lines, result } = value as Record<string, unknown>;
  return isStrings(lines) && typeof result === 'string' ? { lines, result } : undefined;
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    // Not JSON: told apart from JSON of another shape nowhere.
    return undefined;
  }
}
