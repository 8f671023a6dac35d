const BACKSPACE = 0x08;
const DELETE = 0x7f;
const CR = 0x0d;

/** The longest command line that a terminal may type, octets; more is dropped and the line is an ERROR. */
export const TERMINAL_LINE_LIMIT_BYTES = 1024;

/** What one octet of a terminal brought about. */
export type Typed =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'erased' }
  | { readonly kind: 'character' }
  | { readonly kind: 'line'; readonly text: string; readonly isTooLong: boolean };

/** Gathers a command line from what a terminal sends: CR ends it, backspace and delete erase. */
export class TerminalLine {
  #octets: number[] = [];
  #isTooLong = false;

  take(octet: number): Typed {
    switch (octet) {
      case CR: {
        const line = {
          kind: 'line',
          text: String.fromCharCode(...this.#octets),
          isTooLong: this.#isTooLong,
        } as const;
        this.#octets = [];
        this.#isTooLong = false;
        return line;
      }
      case BACKSPACE:
      case DELETE:
        return this.#octets.pop() === undefined ? { kind: 'nothing' } : { kind: 'erased' };
      default:
        // LF behind CR and other control characters are no part of a command.
        if (octet < 0x20) return { kind: 'nothing' };
        if (this.#octets.length >= TERMINAL_LINE_LIMIT_BYTES) this.#isTooLong = true;
        else this.#octets.push(octet);
        return { kind: 'character' };
    }
  }
}
