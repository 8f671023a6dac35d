import type { Duplex } from 'node:stream';

/** Talks a line-based protocol (SMTP, POP3) over any stream. */
export class LineConversation {
  readonly #stream: Duplex;
  readonly #lines: string[] = [];
  #rest = '';
  #wake: () => void = () => undefined;
  #hasEnded = false;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => {
      const lines = (this.#rest + chunk.toString('latin1')).split('\r\n');
      this.#rest = lines.pop() ?? '';
      this.#lines.push(...lines);
      this.#wake();
    });
    stream.on('end', () => {
      this.#hasEnded = true;
      this.#wake();
    });
  }

  send(line: string): void {
    this.#stream.write(`${line}\r\n`, 'latin1');
  }

  /** The next line. */
  async line(): Promise<string> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) return line;
      if (this.#hasEnded) throw new Error('the server has ended the connection');
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** The lines up to one with a single dot. */
  async block(): Promise<string[]> {
    const lines: string[] = [];
    for (;;) {
      const line = await this.line();
      if (line === '.') return lines;
      lines.push(line.startsWith('..') ? line.slice(1) : line);
    }
  }
}
