/** One value of an information response or a test response. */
export type AtValue =
  /** A number as printed, a bare word, or undefined where nothing stands between two commas. */
  | { readonly kind: 'bare'; readonly text: string }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'empty' }
  /** `(0,1)`, `(1-6)`, `("IP","PPP")`: what a test response allows for a parameter. */
  | { readonly kind: 'list'; readonly items: readonly AtListItem[] };

/** One item of a list: a value alone, or a range of numbers with both ends included. */
export type AtListItem =
  | { readonly kind: 'bare'; readonly text: string }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'range'; readonly minimum: number; readonly maximum: number };

/** An information response taken apart: `#SS: 1,3,"10.0.0.1"`. */
export interface AtInformation {
  /** What stands before the colon, empty where there is none: `#SS`. */
  readonly name: string;
  readonly values: readonly AtValue[];
}

/** Takes an information line apart. Never throws: what is not well-formed comes out as bare text. */
export function parseInformation(line: string): AtInformation {
  const colon = /^([+#$%^*!&]?[A-Za-z0-9]+) ?:/.exec(line);
  const name = colon?.[1] ?? '';
  const values = parseValues(colon === null ? line : line.slice(colon[0].length));
  return { name, values };
}

/** Takes a list of values apart: numbers, words, quoted strings, lists in parentheses. Blanks around values are put aside. */
export function parseValues(text: string): readonly AtValue[] {
  if (text.trim() === '') return [];
  return splitOutside(text).map(parseValue);
}

/** The whole number a value is, undefined for anything else. */
export function integerOf(value: AtValue | undefined): number | undefined {
  if (value?.kind !== 'bare' || !/^[+-]?\d{1,15}$/.test(value.text)) return undefined;
  return Number(value.text);
}

/** The text of a value, quoted or not; undefined for an empty one and for a list. */
export function textOf(value: AtValue | undefined): string | undefined {
  return value?.kind === 'bare' || value?.kind === 'string' ? value.text : undefined;
}

/** Whether a list of a test response allows this number. */
export function listAllows(value: AtValue | undefined, wanted: number): boolean {
  if (value === undefined) return false;
  if (value.kind !== 'list') return integerOf(value) === wanted;
  return value.items.some((item) =>
    item.kind === 'range'
      ? wanted >= item.minimum && wanted <= item.maximum
      : item.kind === 'bare' && Number(item.text) === wanted,
  );
}

function parseValue(text: string): AtValue {
  const value = text.trim();
  if (value === '') return { kind: 'empty' };
  if (value.startsWith('"')) return { kind: 'string', text: unquoted(value) };
  if (value.startsWith('(') && value.endsWith(')')) {
    const inner = value.slice(1, -1);
    return { kind: 'list', items: inner.trim() === '' ? [] : splitOutside(inner).map(parseItem) };
  }
  return { kind: 'bare', text: value };
}

function parseItem(text: string): AtListItem {
  const item = text.trim();
  if (item.startsWith('"')) return { kind: 'string', text: unquoted(item) };
  const range = /^(\d{1,15}) ?- ?(\d{1,15})$/.exec(item);
  if (range !== null) return { kind: 'range', minimum: Number(range[1]), maximum: Number(range[2]) };
  return { kind: 'bare', text: item };
}

/** Between the quotation marks; `\22` and `\5C` stand for `"` and `\` (V.250 §5.4.2.2). */
function unquoted(text: string): string {
  const end = text.length > 1 && text.endsWith('"') ? text.length - 1 : text.length;
  return text.slice(1, end).replace(/\\(22|5[Cc])/g, (_, code: string) => (code === '22' ? '"' : '\\'));
}

/** Splits at commas that stand neither within a string nor within parentheses. */
function splitOutside(text: string): readonly string[] {
  const parts: string[] = [];
  let from = 0;
  let quoted = false;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (character === '(') depth++;
    else if (character === ')') depth = Math.max(0, depth - 1);
    else if (character === ',' && depth === 0) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  parts.push(text.slice(from));
  return parts;
}
