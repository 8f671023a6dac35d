/**
 * What is said over the control socket: one JSON object a line, one answer for each request, in any order. `id` pairs
 * them. The socket belongs to its owner alone (mode 0600), so there is no further authentication.
 */
export interface ControlRequest {
  readonly id: number;
  readonly method: 'at';
  /** The AT command line, `AT` included. */
  readonly line: string;
  readonly timeoutMs?: number;
}

/** The answer to a {@link ControlRequest}. */
export type ControlAnswer =
  | { readonly id: number; readonly lines: readonly string[]; readonly result: string }
  | { readonly id: number; readonly error: { readonly code: string; readonly message: string; readonly hint: string } };

/** The longest line either side takes, bytes; who sends more is disconnected. */
export const CONTROL_LINE_LIMIT_BYTES = 64 * 1024;

/** The most requests of one client under way at the same time; who sends more waits for answers first. */
export const CONTROL_PENDING_LIMIT = 64;

/** Reads a request; undefined for anything that is none. */
export function parseControlRequest(text: string): ControlRequest | undefined {
  const value = parseObject(text);
  if (value === undefined) return undefined;
  const { id, method, line, timeoutMs } = value;
  if (typeof id !== 'number' || method !== 'at' || typeof line !== 'string') return undefined;
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs > 0 && timeoutMs <= 3_600_000)) {
    return undefined;
  }
  return { id, method, line, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
}

/** Reads an answer; undefined for anything that is none. */
export function parseControlAnswer(text: string): ControlAnswer | undefined {
  const value = parseObject(text);
  if (value === undefined || typeof value['id'] !== 'number') return undefined;
  const { id, lines, result, error } = value;
  if (isStrings(lines) && typeof result === 'string') return { id, lines, result };
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, message, hint } = error as Record<string, unknown>;
  if (typeof code !== 'string' || typeof message !== 'string' || typeof hint !== 'string') return undefined;
  return { id, error: { code, message, hint } };
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
