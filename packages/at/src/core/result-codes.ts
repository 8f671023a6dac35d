/** The result codes of ITU-T V.250 §5.7 and §6.3, numeric as in its table 1; CONNECT is intermediate, RING unsolicited. */
export const NUMERIC_RESULTS = {
  0: 'OK',
  1: 'CONNECT',
  2: 'RING',
  3: 'NO CARRIER',
  4: 'ERROR',
  6: 'NO DIALTONE',
  7: 'BUSY',
  8: 'NO ANSWER',
} as const satisfies Record<number, string>;

/** Results that end every command. */
export const PLAIN_RESULTS = ['OK', 'ERROR'] as const;

/** Results that end a command which dials, answers or goes online; elsewhere such a line is unsolicited. */
export const CALL_RESULTS = ['NO CARRIER', 'BUSY', 'NO ANSWER', 'NO DIALTONE'] as const;

/** How a command line ended. */
export type FinalKind = (typeof PLAIN_RESULTS)[number] | (typeof CALL_RESULTS)[number] | 'CME' | 'CMS';

/** A final result code. */
export interface FinalResult {
  readonly kind: FinalKind;
  /** The line as received: `OK`, `+CME ERROR: 10`; of a numeric result its verbose form. */
  readonly text: string;
  /** What stands behind `+CME ERROR:` or `+CMS ERROR:`, else empty. */
  readonly detail: string;
}

const OK: FinalResult = { kind: 'OK', text: 'OK', detail: '' };
const ERROR: FinalResult = { kind: 'ERROR', text: 'ERROR', detail: '' };

/** The result that a line is for any command; undefined for every other line. */
export function plainResult(line: string): FinalResult | undefined {
  if (line === 'OK') return OK;
  if (line === 'ERROR') return ERROR;
  if (line.startsWith('+CME ERROR:')) return { kind: 'CME', text: line, detail: line.slice(11).trim() };
  if (line.startsWith('+CMS ERROR:')) return { kind: 'CMS', text: line, detail: line.slice(11).trim() };
  return undefined;
}

/** The result that a line is for a command that dials; undefined for every other line. */
export function callResult(line: string): FinalResult | undefined {
  // V.250 writes NO DIALTONE; many modules put a blank into it.
  if (line === 'NO DIAL TONE') return { kind: 'NO DIALTONE', text: line, detail: '' };
  const kind = CALL_RESULTS.find((result) => result === line);
  return kind === undefined ? undefined : { kind, text: line, detail: '' };
}

/** The text behind CONNECT (`115200`), empty without one; undefined when the line is not CONNECT. */
export function connectText(line: string): string | undefined {
  if (line === 'CONNECT') return '';
  return line.startsWith('CONNECT ') ? line.slice(8).trim() : undefined;
}

/** The verbose form of a numeric result, undefined when the line is none. */
export function verboseOf(line: string): string | undefined {
  return line.length === 1 ? (NUMERIC_RESULTS as Readonly<Record<string, string>>)[line] : undefined;
}
