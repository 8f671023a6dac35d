import type { AtResponse } from '@cellmux/at';
import { hasCode, latin1, type Port } from '@cellmux/port';
import type { Subscription } from 'rxjs';
import type { AtCommander } from './at-service.ts';
import { TERMINAL_LINE_LIMIT_BYTES, TerminalLine } from './at-terminal-line.ts';

const CTRL_Z = 0x1a;
const ESC = 0x1b;

/** Asks for its text with a prompt, which ends with Ctrl-Z. */
const PROMPTING = /^AT(?:\+CMG[SW]|\+CNMA|#S?SEND|#EMAILD)=/i;

/**
 * Settings of the terminal's own dialogue. The port below is shared, so they are answered here: echo as it is asked for,
 * the rest only as it is.
 */
const OWN_SETTINGS = /^AT(?:\s*(?:E[01]?|V1?|Q0?|X[0-4]?|Z[01]?|&F[01]?))+\s*$/i;

/** What would change the form of answers, the rate or the line for all who share the port, or take the port away. */
const FORBIDDEN = /^AT(?:V0|Q[12]|S[345]=|\+CMUX|\+IPR|\+ICF|\+IFC|D|A$|O|#SKTD|#SO=|#SA=|#FTP(?:GET=|PUT|APP|LIST))/i;

/**
 * AT for a terminal program (minicom, a script on a pty) on a port that others share: each whole line typed is one
 * command of the {@link AtCommander}, its answer is printed as a module prints it, and unsolicited lines come in between.
 * Calls are refused: they would take the port away from its owner.
 */
export class AtTerminal implements Disposable {
  readonly #port: Port;
  readonly #client: AtCommander;
  readonly #line = new TerminalLine();
  readonly #subscriptions: Subscription[];
  #echo = true;
  /** Octets typed behind a command that still runs; taken up when it has ended. */
  #typedAhead: number[] = [];
  #isBusy = false;
  #prompt: { readonly line: string; readonly octets: number[] } | undefined;
  #held: string[] = [];

  constructor(port: Port, client: AtCommander) {
    this.#port = port;
    this.#client = client;
    this.#subscriptions = [
      port.received$.subscribe({
        next: (chunk) => {
          this.#receive(chunk);
        },
        // The terminal has gone: there is nobody to tell.
        error: () => undefined,
      }),
      client.urcs$.subscribe(({ text }) => {
        if (this.#isBusy || this.#prompt !== undefined) this.#hold(text);
        else this.#print(`\r\n${text}\r\n`);
      }),
    ];
  }

  /** Stops; the port and the client stay open. */
  [Symbol.dispose](): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  #receive(chunk: Uint8Array): void {
    for (const octet of chunk) {
      if (!this.#isBusy) this.#take(octet);
      else if (this.#typedAhead.length < TERMINAL_LINE_LIMIT_BYTES) this.#typedAhead.push(octet);
    }
  }

  #take(octet: number): void {
    if (this.#prompt !== undefined) {
      this.#takeText(octet);
      return;
    }
    const typed = this.#line.take(octet);
    if (typed.kind === 'nothing') return;
    if (this.#echo) this.#print(typed.kind === 'erased' ? '\b \b' : String.fromCharCode(octet));
    if (typed.kind === 'line') this.#carryOut(typed.text.trim(), typed.isTooLong);
  }

  #takeText(octet: number): void {
    const { line, octets } = this.#prompt ?? { line: '', octets: [] };
    if (octet === ESC) {
      this.#prompt = undefined;
      this.#print('\r\nOK\r\n');
      this.#printHeld();
    } else if (octet === CTRL_Z) {
      this.#prompt = undefined;
      this.#run(this.#client.command(line, { prompt: { bytes: Uint8Array.from(octets), end: 'ctrlZ' } }));
    } else if (octet === 0x08 || octet === 0x7f) {
      if (octets.pop() !== undefined && this.#echo) this.#print('\b \b');
    } else if (octets.length < TERMINAL_LINE_LIMIT_BYTES) {
      octets.push(octet);
      if (this.#echo) this.#print(String.fromCharCode(octet));
    }
  }

  #carryOut(line: string, isTooLong: boolean): void {
    if (!/^AT/i.test(line)) return;
    if (isTooLong || FORBIDDEN.test(line)) {
      this.#print('\r\nERROR\r\n');
    } else if (OWN_SETTINGS.test(line)) {
      const echo = /E([01]?)/i.exec(line.slice(2));
      if (echo !== null) this.#echo = echo[1] === '1';
      else if (/[Z]|&F/i.test(line)) this.#echo = true;
      this.#print('\r\nOK\r\n');
    } else if (PROMPTING.test(line)) {
      this.#prompt = { line, octets: [] };
      this.#print('\r\n> ');
    } else {
      this.#run(this.#client.command(line, { timeoutMs: 180_000 }));
    }
  }

  #run(answer: Promise<AtResponse>): void {
    this.#isBusy = true;
    answer
      .then(
        ({ lines, result }) => {
          this.#print(lines.length === 0 ? `\r\n${result}\r\n` : `\r\n${lines.join('\r\n')}\r\n\r\n${result}\r\n`);
        },
        (error: unknown) => {
          this.#print(`\r\n${finalResultOf(error)}\r\n`);
        },
      )
      .finally(() => {
        this.#isBusy = false;
        this.#printHeld();
        const typed = this.#typedAhead;
        this.#typedAhead = [];
        this.#receive(Uint8Array.from(typed));
      });
  }

  #hold(text: string): void {
    // A module that talks on while a command never ends must not fill the memory.
    if (this.#held.length < 64) this.#held.push(text);
  }

  #printHeld(): void {
    for (const text of this.#held.splice(0)) this.#print(`\r\n${text}\r\n`);
  }

  #print(text: string): void {
    this.#port.send(latin1(text)).catch(() => {
      // The terminal has gone: there is nobody to tell.
    });
  }
}

/** The final result that a terminal is shown for an error of the client. */
function finalResultOf(error: unknown): string {
  const { context = {} } = error as { context?: Readonly<Record<string, unknown>> };
  if (hasCode(error, 'ERR_AT_CME')) return `+CME ERROR: ${String(context['detail'] ?? context['cme'])}`;
  if (hasCode(error, 'ERR_AT_CMS')) return `+CMS ERROR: ${String(context['detail'] ?? context['cms'])}`;
  if (hasCode(error, 'ERR_AT_NO_CARRIER')) return 'NO CARRIER';
  return 'ERROR';
}
