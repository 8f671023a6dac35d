/** The form in which a command was given. */
export type CommandForm = 'execute' | 'set' | 'read' | 'test';

/** One command of a line. */
export interface ParsedCommand {
  /** In upper case: `+CGDCONT`, `#SD`, `&C`, `S12`, `D`. */
  readonly name: string;
  readonly form: CommandForm;
  /** What stood behind `=`, or behind the name of a basic command; spaces outside quotes are gone. */
  readonly text: string;
}

/** What a line holds: its commands up to the first that cannot be read, which is `'bad'`. */
export type ParsedLine = readonly (ParsedCommand | 'bad')[];

const EXTENDED_PREFIXES = '+#$*^%';
const EXTENDED_NAME = /^[+#$*^%][A-Z0-9!%\-./:_]*/;
const BASIC_NAME = /^[&\\]?[A-Z]/;

/**
 * Reads what stands between `AT` and the terminator (V.250 §5.3, §5.4). Commands run in order up to the first error, so
 * a part that cannot be read does not undo those before it.
 */
export function parseCommandLine(line: string): ParsedLine {
  const commands: (ParsedCommand | 'bad')[] = [];
  let rest: string | undefined = withoutSpaces(line);
  if (rest === undefined) return commandsBeforeOpenQuote(line);
  while (rest !== '') {
    if (rest.startsWith(';')) {
      rest = rest.slice(1);
      continue;
    }
    const step: Step | undefined = EXTENDED_PREFIXES.includes(rest.charAt(0)) ? extended(rest) : basic(rest);
    if (step === undefined) {
      commands.push('bad');
      break;
    }
    commands.push(step.command);
    rest = step.rest;
  }
  return commands;
}

interface Step {
  readonly command: ParsedCommand;
  readonly rest: string;
}

/** Drops spaces outside quotes; undefined where a quote stays open. */
function withoutSpaces(line: string): string | undefined {
  let text = '';
  let quoted = false;
  for (const character of line) {
    if (character === '"') quoted = !quoted;
    if (character !== ' ' || quoted) text += character;
  }
  return quoted ? undefined : text;
}

/** What stands before the command with the open string still runs; that command is an error. */
function commandsBeforeOpenQuote(line: string): ParsedLine {
  let end = 0;
  let quoted = false;
  for (let index = 0; index < line.length; index++) {
    if (line[index] === '"') quoted = !quoted;
    else if (line[index] === ';' && !quoted) end = index;
  }
  return [...parseCommandLine(line.slice(0, end)), 'bad'];
}

function extended(rest: string): Step | undefined {
  const end = endOfCommand(rest);
  const whole = rest.slice(0, end);
  const name = EXTENDED_NAME.exec(whole.toUpperCase())?.[0];
  if (name === undefined || name.length < 2) return undefined;
  const tail = whole.slice(name.length);
  const form = formOf(tail);
  if (form === undefined) return undefined;
  return { command: { name, form, text: form === 'set' ? tail.slice(1) : '' }, rest: rest.slice(end + 1) };
}

function formOf(tail: string): CommandForm | undefined {
  if (tail === '') return 'execute';
  if (tail === '?') return 'read';
  if (tail === '=?') return 'test';
  return tail.startsWith('=') ? 'set' : undefined;
}

/** The index of the `;` that ends the command, or the length. */
function endOfCommand(text: string): number {
  let quoted = false;
  for (let index = 0; index < text.length; index++) {
    if (text[index] === '"') quoted = !quoted;
    else if (text[index] === ';' && !quoted) return index;
  }
  return text.length;
}

function basic(rest: string): Step | undefined {
  const name = BASIC_NAME.exec(rest.slice(0, 2).toUpperCase())?.[0];
  if (name === undefined) return undefined;
  if (name === 'D') {
    const end = endOfCommand(rest);
    return { command: { name, form: 'execute', text: rest.slice(1, end) }, rest: rest.slice(end + 1) };
  }
  if (name === 'S') return register(rest);
  const match = /^(\d*)(\?|=\?|=\d*)?/.exec(rest.slice(name.length));
  const number = match?.[1] ?? '';
  const tail = match?.[2] ?? '';
  const after = rest.slice(name.length + number.length + tail.length);
  const form = formOf(tail);
  // `E=1` is not in V.250; `E?` and `E=?` are what modules answer.
  if (form === undefined || form === 'set' || (number !== '' && form !== 'execute')) return undefined;
  return { command: { name, form, text: number }, rest: after };
}

/** `S12=50`, `S12?`, `S12`: the number of the register belongs to its name. */
function register(rest: string): Step | undefined {
  const match = /^[Ss](\d{1,3})(=\?|\?|=(\d*))?/.exec(rest);
  if (match === null) return undefined;
  const form = formOf(match[2] ?? '');
  if (form === undefined) return undefined;
  const name = `S${Number(match[1])}`;
  return { command: { name, form, text: match[3] ?? '' }, rest: rest.slice(match[0].length) };
}
