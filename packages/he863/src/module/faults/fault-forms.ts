import type { Fault } from './fault.ts';

/** An argument of a fault: a number or a time, with what it is when it is left out. */
export interface FaultArgument {
  /** The field of the {@link Fault}. */
  readonly name: string;
  /** The word that stands for it in the grammar. */
  readonly word: string;
  readonly kind: 'number' | 'time';
  readonly minimum: number;
  readonly maximum: number;
  /** `omit`: the fault goes without it; undefined: it must be given. */
  readonly fallback: number | 'omit' | undefined;
}

/** How a fault is written, and what it does. */
export interface FaultForm {
  readonly arguments: readonly FaultArgument[];
  /** One line for people. */
  readonly meaning: string;
}

/** The longest time of a fault. */
export const FAULT_TIME_LIMIT_MS = 86_400_000;
const FOR_EVER = 1_000_000;

function number(
  name: string,
  word: string,
  minimum: number,
  maximum: number,
  fallback?: number | 'omit',
): FaultArgument {
  return { name, word, kind: 'number', minimum, maximum, fallback };
}

function time(name: string, word: string, fallback?: number): FaultArgument {
  return { name, word, kind: 'time', minimum: 0, maximum: FAULT_TIME_LIMIT_MS, fallback };
}

const PORT = number('port', 'PORT', 0, 3);
const LONG = time('forMs', 'FOR', FAULT_TIME_LIMIT_MS);
const SHORT = time('forMs', 'FOR', 10_000);

/** The faults of `--faults`, with their arguments in the order in which they are written. */
export const FAULT_FORMS: Readonly<Record<Fault['kind'], FaultForm>> = {
  reset: { arguments: [], meaning: 'a power cycle in the middle of whatever runs; AT is back after its boot time' },
  line: { arguments: [SHORT], meaning: 'the line is gone: closed, and so is any that comes within that time' },
  mux: { arguments: [LONG], meaning: 'the multiplexer takes frames and answers none' },
  context: { arguments: [number('cid', 'CID', 1, 5, 1)], meaning: 'the network takes a context: what is on it ends' },
  carrier: { arguments: [number('port', 'PORT', 0, 3, 1)], meaning: 'the data call on a port ends with NO CARRIER' },
  stuck: { arguments: [PORT, LONG], meaning: 'a port takes nothing more from the host' },
  silence: { arguments: [PORT, LONG], meaning: 'what a port says is lost' },
  late: {
    arguments: [
      time('delayMs', 'DELAY'),
      number('lines', 'LINES', 1, FOR_EVER, FOR_EVER),
      number('port', 'PORT', 0, 3, 'omit'),
    ],
    meaning: 'the next command lines, on any port or that one, are answered that much later',
  },
  error: {
    arguments: [number('lines', 'LINES', 1, FOR_EVER, 1), number('port', 'PORT', 0, 3, 'omit')],
    meaning: 'the next command lines, on any port or that one, are ERROR and do nothing',
  },
  garbage: { arguments: [PORT, number('bytes', 'BYTES', 1, 4096, 16)], meaning: 'bytes that nobody said' },
  coverage: { arguments: [SHORT], meaning: 'no network: contexts go; registration is back after that time' },
  denied: { arguments: [SHORT], meaning: 'registration is denied: contexts go; it is back after that time' },
  sim: {
    arguments: [number('cme', 'CME', 10, 18, 13), SHORT],
    meaning: 'the SIM is out of order with that +CME ERROR; contexts and registration go',
  },
  registration: { arguments: [time('afterMs', 'AFTER')], meaning: 'registration takes that long from now on' },
  cmux: { arguments: [number('times', 'TIMES', 1, FOR_EVER, FOR_EVER)], meaning: 'the next AT+CMUX are ERROR' },
  dial: { arguments: [number('times', 'TIMES', 1, FOR_EVER, 1)], meaning: 'the next ATD for PPP are NO CARRIER' },
  activation: {
    arguments: [number('cme', 'CME', 0, 999, 555), number('times', 'TIMES', 1, 1000, 1)],
    meaning: 'the next activations are refused with that +CME ERROR',
  },
  socket: {
    arguments: [number('cme', 'CME', 0, 999, 559), number('times', 'TIMES', 1, FOR_EVER, 1)],
    meaning: 'the next sockets that are dialled are refused with that +CME ERROR',
  },
};

/** A fault as a line of a table: `stuck:PORT[:FOR]` and what happens. */
export interface DescribedFault {
  readonly form: string;
  readonly meaning: string;
}

/** All faults, for `--help` and for tables. */
export function describeFaults(): readonly DescribedFault[] {
  return Object.entries(FAULT_FORMS).map(([kind, { arguments: all, meaning }]) => {
    const form = all.reduceRight(
      (rest, { word, fallback }) => (fallback === undefined ? `:${word}${rest}` : `[:${word}${rest}]`),
      '',
    );
    return { form: kind + form, meaning };
  });
}
