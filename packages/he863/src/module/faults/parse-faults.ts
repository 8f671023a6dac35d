import { CellmuxError } from '@cellmux/port';
import type { Fault, FaultPlan, PlannedFault } from './fault.ts';
import { FAULT_FORMS, FAULT_TIME_LIMIT_MS, type FaultArgument } from './fault-forms.ts';

const HINT = `Write NAME[:ARG[:ARG]][@WHEN[~JITTER]][/EVERY], several with commas between them, for example reset@20s/60s,carrier:1@5s~2s,late:300ms. Names: ${Object.keys(FAULT_FORMS).join(', ')}.`;

/**
 * Reads the faults of a command line: `NAME[:ARG…][@WHEN[~JITTER]][/EVERY]`, separated by commas. Times are `500ms`,
 * `10s`, `2m`; a bare number is seconds. Without `@` a fault happens at once.
 *
 * @throws CellmuxError `ERR_HE863_FAULTS`, naming the part that cannot be read
 */
export function parseFaults(text: string): FaultPlan {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseFault);
}

function parseFault(part: string): PlannedFault {
  const match = /^([a-z]+)((?::[\w.]+)*)(?:@([\w.]+)(?:~([\w.]+))?)?(?:\/([\w.]+))?$/i.exec(part);
  const kind = match?.[1]?.toLowerCase();
  if (match === null || kind === undefined || !isKind(kind)) throw bad(part, 'is not a fault');
  const shape = FAULT_FORMS[kind].arguments;
  const given = (match[2] ?? '').split(':').slice(1);
  if (given.length > shape.length) throw bad(part, `has more than ${shape.length} arguments`);
  const args = shape.flatMap((argument, index) => {
    const value = valueOf(part, argument, given[index]);
    return value === undefined ? [] : [[argument.name, value] as const];
  });
  const everyMs = match[5] === undefined ? undefined : timeOf(part, match[5]);
  if (everyMs === 0) throw bad(part, 'repeats without a pause');
  return {
    // The shape has checked that these are the fields of this kind.
    fault: { kind, ...Object.fromEntries(args) } as Fault,
    atMs: match[3] === undefined ? 0 : timeOf(part, match[3]),
    jitterMs: match[4] === undefined ? 0 : timeOf(part, match[4]),
    everyMs,
  };
}

function isKind(text: string): text is Fault['kind'] {
  return Object.hasOwn(FAULT_FORMS, text);
}

function valueOf(part: string, argument: FaultArgument, text: string | undefined): number | undefined {
  const { word, kind, minimum, maximum, fallback } = argument;
  if (text === undefined) {
    if (fallback === undefined) throw bad(part, `needs its ${word}`);
    return fallback === 'omit' ? undefined : fallback;
  }
  const value = kind === 'time' ? timeOf(part, text) : /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (value >= minimum && value <= maximum) return value;
  throw bad(part, `has a ${word} that is not from ${minimum} to ${maximum}`);
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, '': 1000 };

function timeOf(part: string, text: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|)$/i.exec(text);
  const ms = match === null ? NaN : Number(match[1]) * (UNIT_MS[(match[2] ?? '').toLowerCase()] ?? NaN);
  if (ms <= FAULT_TIME_LIMIT_MS) return Math.round(ms);
  throw bad(part, `has ${text} for a time`);
}

function bad(part: string, what: string): CellmuxError {
  return new CellmuxError('ERR_HE863_FAULTS', `faults: ${part} ${what}`, { hint: HINT, context: { part } });
}
