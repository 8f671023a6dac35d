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
  | { readonly id: number; readonly method: 'capture'; readonly path: string | null };

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

/** The most requests of one client under way at the same time; who sends more waits for answers first. */
export const CONTROL_PENDING_LIMIT = 64;

/** Reads a request; undefined for anything that is none. */
export function parseControlRequest(text: string): ControlRequest | undefined {
  const value = parseObject(text);
  if (value === undefined) return undefined;
  const { id, method, line, timeoutMs, path } = value;
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
    default:
      return undefined;
  }
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
