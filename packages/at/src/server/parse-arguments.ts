import type { Argument, IntegerParameter, Parameter } from './command-declaration.ts';

/** The arguments of a set form, checked and with defaults filled in. */
export interface ParsedArguments {
  readonly args: readonly Argument[];
  /** How many the line gave. */
  readonly given: number;
}

/** Reads what stands behind `=`; undefined when there are too many, too few, or one is not what was declared. */
export function parseArguments(text: string, parameters: readonly Parameter[]): ParsedArguments | undefined {
  const fields = splitFields(text);
  if (fields.length > parameters.length) return undefined;
  const args: Argument[] = [];
  for (const [index, parameter] of parameters.entries()) {
    const value = argumentOf(fields[index] ?? '', parameter);
    if (value === undefined) return undefined;
    args.push(value);
  }
  return { args, given: text === '' ? 0 : fields.length };
}

/** The parameters as a test form prints them: `(1-6),(0,1),,(0-18,31)`; strings leave their place empty. */
export function describeParameters(parameters: readonly Parameter[]): string {
  return parameters.map(describe).join(',');
}

function describe(parameter: Parameter): string {
  if (parameter.kind === 'string') {
    return parameter.allowed === undefined ? '' : `(${parameter.allowed.map((value) => `"${value}"`).join(',')})`;
  }
  const parts = parameter.ranges.map(([minimum, maximum]) =>
    minimum === maximum ? String(minimum) : `${minimum}-${maximum}`,
  );
  return `(${parts.join(',')})`;
}

/** Splits at commas outside quotes. */
function splitFields(text: string): string[] {
  const fields: string[] = [];
  let start = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === '"') quoted = !quoted;
    else if (character === ',' && !quoted) {
      fields.push(text.slice(start, index));
      start = index + 1;
    }
  }
  fields.push(text.slice(start));
  return fields;
}

function argumentOf(field: string, parameter: Parameter): Argument | undefined {
  if (field === '') return parameter.default;
  if (parameter.kind === 'integer') {
    if (!/^\d{1,10}$/.test(field)) return undefined;
    const value = Number(field);
    return inRanges(value, parameter) ? value : undefined;
  }
  const value = unquote(field);
  if (value === undefined || value.length > parameter.maximumLength) return undefined;
  return parameter.allowed === undefined || parameter.allowed.includes(value) ? value : undefined;
}

function inRanges(value: number, { ranges }: IntegerParameter): boolean {
  return ranges.some(
    ([minimum, maximum, step = 1]) => value >= minimum && value <= maximum && (value - minimum) % step === 0,
  );
}

/** `"text"` or `text`; undefined when quotes stand elsewhere than around the whole. */
function unquote(field: string): string | undefined {
  if (!field.includes('"')) return field;
  const inner = field.startsWith('"') && field.endsWith('"') && field.length > 1 ? field.slice(1, -1) : undefined;
  return inner?.includes('"') === true ? undefined : inner;
}
