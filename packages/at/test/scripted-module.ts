import { fromLatin1, latin1, memoryPair, type MemoryPair, type Port } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { AtClient, type AtClientOptions, type Urc } from '../src/index.ts';

/** What a script says to one command line; undefined for silence. */
export type Answer = string | undefined | ((module: ScriptedModule) => string | undefined);

/** How a scripted prompt ends. */
export type PromptEnd = 'ctrlZ' | 'esc' | number;

/** The module's end of a line for tests: answers command lines by a table, and says what it is told to say. */
export class ScriptedModule {
  readonly port: Port;
  readonly lines: string[] = [];
  /** All octets received, as text. */
  heard = '';
  /** While false, what is received is not taken for command lines. */
  commandMode = true;
  /** Answers by command line; those of the probes are there from the start. */
  readonly answers = new Map<string, Answer>([
    ['ATS3?', '\r\n013\r\n\r\nOK\r\n'],
    ['ATS4?', '\r\n010\r\n\r\nOK\r\n'],
    ['ATS5?', '\r\n008\r\n\r\nOK\r\n'],
  ]);
  echo = false;
  #partial = '';
  #prompt: { readonly isEnd: (text: string) => boolean; readonly answer: (text: string) => string } | undefined;

  constructor(port: Port) {
    this.port = port;
    port.received$.subscribe({
      next: (chunk) => {
        this.#receive(fromLatin1(chunk));
      },
      error: () => undefined,
    });
  }

  say(text: string | Uint8Array): void {
    this.port.send(typeof text === 'string' ? latin1(text) : text).catch(() => undefined);
  }

  /** An answer that asks for a text: until Ctrl-Z or ESC, ESC alone, or a count of octets; then `answer` is said. */
  prompt(end: PromptEnd, answer: (text: string) => string): Answer {
    return (module) => {
      module.open(end, answer);
      return undefined;
    };
  }

  /** Says the prompt now. */
  open(end: PromptEnd, answer: (text: string) => string): void {
    const isEnd = (text: string): boolean => {
      if (typeof end === 'number') return text.length === end;
      return text.endsWith('\x1b') || (end === 'ctrlZ' && text.endsWith('\x1a'));
    };
    this.#prompt = { isEnd, answer };
    this.say('\r\n> ');
  }

  /** As if the host had sent this. */
  type(text: string): void {
    this.#receive(text);
  }

  #receive(text: string): void {
    this.heard += text;
    for (const character of text) {
      if (!this.commandMode) continue;
      if (this.echo) this.say(character);
      if (this.#prompt !== undefined) {
        this.#partial += character;
        const { isEnd, answer } = this.#prompt;
        if (!isEnd(this.#partial)) continue;
        const typed = this.#partial;
        this.#partial = '';
        this.#prompt = undefined;
        this.say(answer(typed));
        continue;
      }
      if (character !== '\r') {
        // V.250 §5.2.1: control characters are no part of a command line.
        if (character >= ' ') this.#partial += character;
        continue;
      }
      const line = this.#partial;
      this.#partial = '';
      if (line === '') continue;
      this.lines.push(line);
      const answer = this.answers.has(line) ? this.answers.get(line) : '\r\nOK\r\n';
      const said = typeof answer === 'function' ? answer(this) : answer;
      if (said !== undefined) this.say(said);
    }
  }
}

/** A client and a scripted module on the two ends of a memory pair, in virtual time. */
export interface Bench {
  readonly clock: VirtualClock;
  readonly pair: MemoryPair;
  readonly client: AtClient;
  readonly module: ScriptedModule;
  readonly urcs: Urc[];
}

export function bench(options: AtClientOptions = {}): Bench {
  const clock = new VirtualClock();
  const pair = memoryPair();
  const module = new ScriptedModule(pair.dce);
  const client = new AtClient(pair.dte, { clock, ...options });
  const urcs: Urc[] = [];
  client.urcs$.subscribe((urc) => urcs.push(urc));
  return { clock, pair, client, module, urcs };
}
