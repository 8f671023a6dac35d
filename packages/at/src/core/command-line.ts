/** What a command line says about its own response. */
export interface CommandLineFacts {
  /** How its information lines begin: `+CSQ:`. Several for chained commands, none for basic ones. */
  readonly ownPrefixes: readonly string[];
  /** It dials, answers or goes online, so that NO CARRIER, BUSY … are final results of it. */
  readonly goesOnline: boolean;
}

/**
 * Commands of a module that always go online and may end in NO CARRIER. `#SD` and `#SA` are not among them: in their
 * command-mode form a NO CARRIER that arrives meanwhile is that of another socket.
 */
const ONLINE_COMMANDS: ReadonlySet<string> = new Set(['+CGDATA', '#SO', '#SKTD', '#SKTOP']);

/** Commands whose information lines do not begin with their own name. */
const OTHER_PREFIXES: Readonly<Record<string, readonly string[]>> = {
  '#GPRS': ['+IP:'],
  '#CGPADDR': ['+CGPADDR:'],
};

const EXTENDED = '+#$%^*!_';

/** Reads a command line as V.250 §5.2.1 and §5.4 build it: basic commands, extended ones, chained with `;`. */
export function commandLineFacts(line: string): CommandLineFacts {
  const ownPrefixes: string[] = [];
  let goesOnline = false;
  let at = 2;
  while (at < line.length) {
    const character = line.charAt(at);
    if (EXTENDED.includes(character)) {
      const name = /^.[A-Za-z0-9_]*/.exec(line.slice(at))![0].toUpperCase();
      ownPrefixes.push(`${name}:`, ...(OTHER_PREFIXES[name] ?? []));
      if (ONLINE_COMMANDS.has(name) && !line.startsWith('?', at + name.length)) goesOnline = true;
      at = endOfExtended(line, at + name.length);
      continue;
    }
    const letter = character.toUpperCase();
    if (letter === 'D' || letter === 'A' || letter === 'O') goesOnline = true;
    if (letter === 'D') break;
    if (letter === '&' || letter === '\\') at++;
    const argument = /^=?[0-9]*\??/.exec(line.slice(at + 1))![0];
    at += 1 + argument.length;
  }
  return { ownPrefixes, goesOnline };
}

function endOfExtended(line: string, from: number): number {
  let quoted = false;
  for (let at = from; at < line.length; at++) {
    if (line[at] === '"') quoted = !quoted;
    else if (line[at] === ';' && !quoted) return at + 1;
  }
  return line.length;
}

/** Why a text must not go out as a command line or within one. */
export type TextFault = 'control' | 'quote' | 'notAscii';

/**
 * Looks for what could end a line, a string or a prompt: control characters (CR, LF, Ctrl-Z, ESC, NUL …), characters
 * outside of the International Reference Alphabet, and with `quote` the quotation mark. Undefined when there is none.
 */
export function textFault(text: string, { quote }: { readonly quote: boolean }): TextFault | undefined {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code === 0x7f) return 'control';
    if (code > 0x7e) return 'notAscii';
    if (quote && code === 0x22) return 'quote';
  }
  return undefined;
}
