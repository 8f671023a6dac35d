import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UmlKernel } from './uml-kernel.ts';

/** What pppd is told in one session. */
export interface PppdSession {
  /** Its options, a word or a few each. */
  readonly options: readonly string[];
  /** The lines of pap-secrets and chap-secrets. */
  readonly secrets?: string;
  /** A shell script that the guest runs once the network is up; its arguments are both addresses and pppd's process id. */
  readonly whenUp?: string;
  /** The session lasts until the other side ends it; else it ends when its pings are answered. */
  readonly stays?: boolean;
}

/** pppd in a user-mode kernel: one guest, one session after another on its line. */
export class UmlPppd {
  readonly #work = mkdtempSync(join(tmpdir(), 'cellmux-pppd-'));
  readonly #guest: UmlKernel;
  #session = 0;
  #mark = 0;

  constructor(line: string, words: Readonly<Record<string, string | number>> = {}) {
    this.#guest = new UmlKernel({ lines: [line], run: 'pppd.pl', work: this.#work, words, limitMs: 1_200_000 });
  }

  /** What the guest has printed since the session began. */
  get console(): string {
    return this.#guest.since(this.#mark);
  }

  /** Begins a session; resolves once pppd has the line. */
  async begin({ options, secrets = '', whenUp, stays = false }: PppdSession): Promise<void> {
    this.#session++;
    this.#mark = this.#guest.mark;
    const folder = join(this.#work, `session-${this.#session}`);
    mkdirSync(folder);
    writeFileSync(join(folder, 'options'), `${options.join('\n')}\n`);
    writeFileSync(join(folder, 'pap-secrets'), secrets);
    writeFileSync(join(folder, 'chap-secrets'), secrets);
    if (whenUp !== undefined) writeFileSync(join(folder, 'when-up'), `#!/bin/sh\n${whenUp}\n`, { mode: 0o755 });
    if (stays) writeFileSync(join(folder, 'stay'), '');
    writeFileSync(join(folder, 'go'), '');
    await this.printed(new RegExp(`peer: session ${this.#session}\\s`));
  }

  /** Resolves when the guest has printed this since the session began; rejects when the guest ends before. */
  printed(text: string | RegExp): Promise<RegExpMatchArray> {
    return this.#guest.printed(text, this.#mark);
  }

  /** Resolves with pppd's exit status. */
  async exited(): Promise<number> {
    const [, status] = await this.printed(new RegExp(`peer: session ${this.#session}: pppd exit (\\d+)\\s`));
    return Number(status);
  }

  /** Ends the guest. */
  async stop(): Promise<void> {
    await this.#guest.stop();
    rmSync(this.#work, { recursive: true });
  }
}
