/*
 * AT+CMUX, 3GPP TS 27.007 §5.7:
 * AT+CMUX=<mode>[,<subset>[,<port_speed>[,<N1>[,<T1>[,<N2>[,<T2>[,<T3>[,<k>]]]]]]]]
 */

/** The parameters in their order. */
export const CMUX_PARAMETERS = ['mode', 'subset', 'portSpeed', 'N1', 'T1', 'N2', 'T2', 'T3', 'k'] as const;

/** A parameter of AT+CMUX. */
export type CmuxParameter = (typeof CMUX_PARAMETERS)[number];

/** Inclusive ranges of what a module takes. */
export type CmuxRanges = Partial<Record<CmuxParameter, readonly (readonly [minimum: number, maximum: number])[]>>;

/** Speeds in Bd by the code of `<port_speed>`; 7 and 8 are vendors' additions. */
const SPEED_CODES: ReadonlyMap<number, number> = new Map([
  [9600, 1],
  [19_200, 2],
  [38_400, 3],
  [57_600, 4],
  [115_200, 5],
  [230_400, 6],
  [460_800, 7],
  [921_600, 8],
]);

/** The speeds in Bd that ranges of `<port_speed>` name, the slowest first; codes that no module is known to use are left out. */
export function portSpeedsOf(ranges: CmuxRanges['portSpeed']): readonly number[] {
  return [...SPEED_CODES]
    .filter(([, code]) => ranges?.some(([low, high]) => low <= code && code <= high))
    .map(([speed]) => speed);
}

/** Ranges that one list may have; a module's answer is no reason to keep more. */
const RANGES_LIMIT = 64;

/**
 * Reads the answer to `AT+CMUX=?` in the shapes that modules give it: `+CMUX: (0-1),(0),(1-8),(1-1509)`, lists `(0,1)`,
 * single values `(127)`, values without parentheses, empty ones. A parameter that is not understood is left out.
 * Undefined where the line is no such answer.
 */
export function parseCmuxRanges(line: string): CmuxRanges | undefined {
  const match = /^\s*\+CMUX:\s*(.{0,512})$/.exec(line);
  if (match === null) return undefined;
  const ranges: CmuxRanges = {};
  for (const [index, part] of splitOutside(match[1] ?? '').entries()) {
    const name = CMUX_PARAMETERS[index];
    if (name === undefined) break;
    const list = parseList(part.replace(/^\s*\(|\)\s*$/g, ''));
    if (list.length > 0) ranges[name] = list;
  }
  return ranges;
}

/** Splits at commas that stand outside parentheses. */
function splitOutside(text: string): string[] {
  const parts: string[] = [''];
  let depth = 0;
  for (const character of text) {
    if (character === '(') depth++;
    else if (character === ')') depth = Math.max(0, depth - 1);
    if (character === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts;
}

function parseList(text: string): (readonly [number, number])[] {
  const list: (readonly [number, number])[] = [];
  for (const item of text.split(',').slice(0, RANGES_LIMIT)) {
    const [, low, high] = /^\s*(\d{1,6})\s*(?:-\s*(\d{1,6}))?\s*$/.exec(item) ?? [];
    if (low === undefined) continue;
    const [one, other] = [Number(low), Number(high ?? low)];
    list.push([Math.min(one, other), Math.max(one, other)]);
  }
  return list;
}

/** What the multiplexer is to be told. */
export interface CmuxWish {
  readonly option: 'basic' | 'advanced';
  /** 0 UIH, 1 UI, 2 I. */
  readonly subset: 0 | 1 | 2;
  readonly baudRate: number | undefined;
  readonly n1: number;
  /** N1 that the module has where it is told none. */
  readonly defaultN1: number;
}

/** One way to ask, and what then holds. */
export interface CmuxForm {
  /** Without the carriage return. */
  readonly command: string;
  readonly n1: number;
}

/**
 * The commands to try in turn: first the shortest that says all that is wished, then shorter ones. What the module says
 * of its ranges is heeded: N1 is brought within them. A form that leaves N1 out gets the module's default.
 */
export function cmuxForms(wish: CmuxWish, ranges: CmuxRanges | undefined): readonly CmuxForm[] {
  const mode = wish.option === 'basic' ? 0 : 1;
  const n1 = within(wish.n1, ranges?.N1);
  const forms: CmuxForm[] = [];
  if (n1 !== wish.defaultN1) {
    const speed = portSpeed(wish.baudRate, ranges);
    forms.push({ command: `AT+CMUX=${mode},${wish.subset},${speed},${n1}`, n1 });
  }
  if (wish.subset !== 0 || forms.length > 0)
    forms.push({ command: `AT+CMUX=${mode},${wish.subset}`, n1: wish.defaultN1 });
  if (wish.subset === 0) forms.push({ command: `AT+CMUX=${mode}`, n1: wish.defaultN1 });
  return forms;
}

function portSpeed(baudRate: number | undefined, ranges: CmuxRanges | undefined): string {
  const only = ranges?.portSpeed?.[0];
  const code = baudRate === undefined ? undefined : SPEED_CODES.get(baudRate);
  if (only !== undefined && ranges?.portSpeed?.length === 1 && only[0] === only[1]) return String(only[0]);
  if (code !== undefined) return String(code);
  // Not left empty: several modules refuse that. 5 is 115200 Bd, which most of them run at.
  return only === undefined ? '5' : String(only[0]);
}

/** The nearest value that is allowed. */
function within(value: number, ranges: CmuxRanges['N1']): number {
  if (ranges === undefined || ranges.some(([low, high]) => value >= low && value <= high)) return value;
  let best = value;
  let distance = Infinity;
  for (const edge of ranges.flat()) {
    if (Math.abs(edge - value) >= distance) continue;
    distance = Math.abs(edge - value);
    best = edge;
  }
  return best;
}
