import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunningProgram } from '../gateway/running-program.ts';

const LIMIT_MS = 60_000;
const CTRL_A = '\x01';

/** minicom on a device, with somebody at its keyboard; `script` is the terminal that it runs in. */
export class Minicom implements AsyncDisposable {
  readonly #folder: string;
  readonly #program: RunningProgram;

  private constructor(folder: string, device: string) {
    this.#folder = folder;
    const command = `minicom -D ${device} -b 115200 -C ${join(folder, 'received')}`;
    this.#program = new RunningProgram('script', ['-qec', command, '/dev/null'], { HOME: folder, TERM: 'vt100' });
  }

  /** Resolves when it has the device open and takes keys. */
  static async open(device: string): Promise<Minicom> {
    const folder = await mkdtemp(join(tmpdir(), 'cellmux-minicom-'));
    await writeFile(join(folder, '.minirc.dfl'), 'pu rtscts           No\n');
    const minicom = new Minicom(folder, device);
    try {
      await minicom.#program.says(/Press CTRL-A Z for help/);
    } catch (error) {
      await minicom[Symbol.asyncDispose]();
      throw error;
    }
    return minicom;
  }

  /** What it has received, as it would be on its screen. */
  get received(): string {
    try {
      return readFileSync(join(this.#folder, 'received'), 'latin1');
    } catch {
      // It makes the file with the first octet.
      return '';
    }
  }

  /** Types a line; resolves with what came back, up to the first match. */
  async type(line: string, answer: RegExp): Promise<string> {
    const before = this.received.length;
    this.#program.press(`${line}\r`);
    for (const endMs = Date.now() + LIMIT_MS; Date.now() < endMs;) {
      const text = this.received.slice(before);
      const match = answer.exec(text);
      if (match !== null) return text.slice(0, match.index + match[0].length);
      await sleep(20);
    }
    throw new Error(`minicom: no answer to ${line}: ${JSON.stringify(this.received.slice(before))}`);
  }

  /** Leaves it by its own keys: Ctrl-A X, Yes. Gives its exit status. */
  async leave(): Promise<number | null> {
    this.#program.press(`${CTRL_A}x`);
    await this.#program.says(/Leave Minicom\?/);
    this.#program.press('\r');
    return (await this.#program.exit()).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true });
  }
}
