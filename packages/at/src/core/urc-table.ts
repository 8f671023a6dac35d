import type { CountedLine } from './line-reader.ts';

/** How lines that a module sends by itself are told from the answer of the command that runs. */
export interface UrcPattern {
  /** How the line begins, or with `whole` all of it. */
  readonly text: string;
  readonly whole?: true;
  /**
   * Where a command's answer begins in the same way (`+CREG: 0,1` behind `AT+CREG?`): lines of this form are unsolicited
   * even while that command runs. Without it such a line then belongs to the command.
   */
  readonly unsolicitedForm?: RegExp;
  /**
   * For a line that carries raw data behind a count: {@link CountedLine.count}. Asked at each comma with the line up to
   * and including it, gives the number of octets that follow.
   */
  readonly countedUrc?: CountedLine['count'];
}

/** The unsolicited lines of V.250, 3GPP TS 27.007 and 27.005, and of modules with IP Easy. */
export const STANDARD_URCS: readonly UrcPattern[] = [
  { text: 'RING', whole: true },
  { text: 'NO CARRIER', whole: true },
  // With noCarrierMode 1 and 2 the socket, and the cause, stand behind a colon without a blank.
  { text: 'NO CARRIER:' },
  { text: '+CRING:' },
  { text: '+CLIP:' },
  { text: '+CCWA:' },
  // One number, or one number and strings: a read answers with two numbers first.
  { text: '+CREG:', unsolicitedForm: /^\+CREG: ?\d+(,"|$)/ },
  { text: '+CGREG:', unsolicitedForm: /^\+CGREG: ?\d+(,"|$)/ },
  { text: '+CEREG:', unsolicitedForm: /^\+CEREG: ?\d+(,"|$)/ },
  { text: '+CGEV:' },
  { text: '+CIEV:' },
  { text: '+CMTI:' },
  { text: '+CMT:' },
  { text: '+CDS:' },
  { text: '+CDSI:' },
  { text: '+CBM:' },
  { text: '+CUSD:' },
  // Some guides print it with a plus or a blank before the colon.
  { text: 'SRING:' },
  { text: 'SRING :' },
  { text: '+SRING' },
  { text: '#SL: ABORTED' },
  { text: '#SKTL: ABORTED' },
  { text: '+SL:ABORTED' },
  { text: '+CONN FROM:' },
  { text: '#SGACT:' },
  { text: '#STN:' },
  { text: '#QSS:' },
];

/** What one line means while a command runs. */
export type LineOwner = 'command' | 'urc';

/** A named, extended line without blanks before its colon: `+CSQ:`, `#SGACT:`. */
const NAMED = /^[+#$%^*!][A-Z0-9]+:/;

/** Looks lines up in a table of patterns. */
export class UrcTable {
  #patterns: readonly UrcPattern[];
  /** The same by their first character. */
  #byFirst = new Map<number, UrcPattern[]>();

  constructor(patterns: readonly UrcPattern[] = STANDARD_URCS) {
    this.#patterns = patterns;
    this.#index();
  }

  /** The patterns in the order in which they are tried. */
  get patterns(): readonly UrcPattern[] {
    return this.#patterns;
  }

  /** Puts a pattern before all others. */
  add(pattern: UrcPattern): void {
    this.#patterns = [pattern, ...this.#patterns];
    this.#index();
  }

  /** Takes a pattern out that {@link add} put in. */
  remove(pattern: UrcPattern): void {
    this.#patterns = this.#patterns.filter((other) => other !== pattern);
    this.#index();
  }

  /** The lines that carry raw data. */
  get countedLines(): readonly CountedLine[] {
    return this.#patterns.flatMap(({ text, countedUrc }) =>
      countedUrc === undefined ? [] : [{ prefix: text, count: countedUrc }],
    );
  }

  /** The pattern of a line, undefined when it is in none. */
  match(line: string): UrcPattern | undefined {
    const candidates = this.#byFirst.get(line.charCodeAt(0));
    if (candidates === undefined) return undefined;
    for (const pattern of candidates) {
      if (pattern.whole === true ? line === pattern.text : line.startsWith(pattern.text)) return pattern;
    }
    return undefined;
  }

  /**
   * Whose line it is while a command with these prefixes runs. The command's own prefix makes it the command's; then the
   * table, and a name that is neither, make it unsolicited; all else (`HE863-EUG`) answers the command.
   */
  ownerOf(line: string, ownPrefixes: readonly string[]): LineOwner {
    const pattern = this.match(line);
    for (const prefix of ownPrefixes) {
      if (line.startsWith(prefix)) return pattern?.unsolicitedForm?.test(line) === true ? 'urc' : 'command';
    }
    if (pattern !== undefined) return 'urc';
    return ownPrefixes.length > 0 && NAMED.test(line) ? 'urc' : 'command';
  }

  #index(): void {
    this.#byFirst = new Map();
    for (const pattern of this.#patterns) {
      const first = pattern.text.charCodeAt(0);
      const known = this.#byFirst.get(first);
      if (known === undefined) this.#byFirst.set(first, [pattern]);
      else known.push(pattern);
    }
  }
}
