import { fromLatin1, latin1, type Port } from '@cellmux/port';
import type { VirtualClock } from '@cellmux/port/testing';

/**
 * A module for models: carries out `AT+N=<number>,<how>,<delay>` in order, each after its delay, and `ATD` as a call.
 * What it does is simple enough to be right by reading it: answers hold the number of their command.
 */
export class SerialModule {
  readonly port: Port;
  readonly clock: VirtualClock;
  readonly executed: number[] = [];
  mode: 'command' | 'data' = 'command';
  /** Data received in each call. */
  readonly calls: string[] = [];
  readonly #waiting: string[] = [];
  readonly #heldUrcs: string[] = [];
  #partial = '';
  #busy = false;

  constructor(port: Port, clock: VirtualClock) {
    this.port = port;
    this.clock = clock;
    port.received$.subscribe((chunk) => {
      this.#receive(fromLatin1(chunk));
    });
  }

  say(text: string): void {
    this.port.send(latin1(text)).catch(() => undefined);
  }

  urc(text: string): void {
    if (this.mode === 'data') this.#heldUrcs.push(text);
    else this.say(`\r\n${text}\r\n`);
  }

  hangUp(): void {
    if (this.mode !== 'data') return;
    void this.port.setCircuits({ dcd: false });
    this.#backToCommands('\r\nNO CARRIER\r\n');
  }

  #receive(text: string): void {
    if (this.mode === 'data') {
      if (text !== '+++') this.calls[this.calls.length - 1] += text;
      else {
        const call = this.calls.length;
        this.clock.after(1000, () => {
          if (this.mode !== 'data' || this.calls.length !== call) return;
          void this.port.setCircuits({ dcd: false });
          this.#backToCommands('\r\nOK\r\n');
        });
      }
      return;
    }
    for (const character of text) {
      if (character !== '\r') {
        this.#partial += character;
        continue;
      }
      // V.250 §5.2.1: what stands before AT is no part of the line.
      const line = this.#partial.replace(/^.*?(?=AT)/, '');
      this.#partial = '';
      if (line !== '') this.#waiting.push(line);
    }
    this.#next();
  }

  #backToCommands(result: string): void {
    this.mode = 'command';
    this.say(result);
    for (const urc of this.#heldUrcs.splice(0)) this.urc(urc);
    this.#next();
  }

  #next(): void {
    if (this.#busy || this.mode === 'data') return;
    const line = this.#waiting.shift();
    if (line === undefined) return;
    const [, number, how, delay] = /^AT\+N=(\d+),(\w+),(\d+)$/.exec(line) ?? [];
    this.#busy = true;
    this.clock.after(Number(delay ?? 0), () => {
      this.#busy = false;
      if (number !== undefined) {
        this.executed.push(Number(number));
        if (how === 'ok') this.say(`\r\n+N: ${number}\r\n\r\nOK\r\n`);
        else if (how === 'cme') this.say(`\r\n+CME ERROR: ${number}\r\n`);
      } else if (line === 'ATS3?') this.say('\r\n013\r\n\r\nOK\r\n');
      else if (line === 'ATS4?') this.say('\r\n010\r\n\r\nOK\r\n');
      else if (line === 'ATS5?') this.say('\r\n008\r\n\r\nOK\r\n');
      else if (line.startsWith('ATD')) {
        this.mode = 'data';
        this.calls.push('');
        void this.port.setCircuits({ dcd: true });
        this.say(`\r\nCONNECT\r\n<${this.calls.length}>`);
      } else this.say('\r\nOK\r\n');
      this.#next();
    });
  }
}
