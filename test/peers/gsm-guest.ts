import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UmlKernel } from './uml-kernel.ts';

/** How the kernel's n_gsm is set, and what its virtual ports do. */
export interface GsmUse {
  /** What the kernel is. */
  readonly kernel: 'module' | 'host';
  readonly option: 'basic' | 'advanced';
  /** Its mru and mtu, our N1. */
  readonly mtu: number;
  /** Bytes that each port carries each way, for each time that it is opened. */
  readonly bytes: readonly number[];
  /** Data of no account goes both ways before, until the host says `calm`. */
  readonly damage?: boolean;
  /** DLCI 1 is a call of two pppd. */
  readonly ppp?: boolean;
}

export const DLCIS = [1, 2, 3] as const;

/** What stands in front of the data where the line was damaged before. */
export const MARK = new TextEncoder().encode('BEGIN-OF-DATA-OF-THE-HOST:');

/** n_gsm in a user-mode kernel; see uml/gsm-ports.pl. */
export class GsmGuest {
  readonly #work = mkdtempSync(join(tmpdir(), 'cellmux-gsm-'));
  readonly #kernel: UmlKernel;

  constructor(line: string, secondLine: string, toHost: ReadonlyMap<number, Uint8Array>, use: GsmUse) {
    const { kernel, option, mtu, bytes, damage = false, ppp = false } = use;
    for (const [dlci, octets] of toHost) writeFileSync(this.#path(`to-host-${dlci}.bin`), octets);
    const initiator = kernel === 'host' ? 1 : 0;
    const words = { initiator, encapsulation: option === 'basic' ? 0 : 1, mtu, bytes: bytes.join(',') };
    this.#kernel = new UmlKernel({
      lines: [line, secondLine],
      run: 'gsm-ports.pl',
      work: this.#work,
      words: { ...words, damage: damage ? 1 : 0, ppp: ppp ? 1 : 0 },
      limitMs: 600_000,
    });
  }

  /** What the guest has printed. */
  get console(): string {
    return this.#kernel.console;
  }

  /** Tells the guest something about a round, see there. */
  tell(round: number, what = ''): void {
    writeFileSync(this.#path(`round-${round}${what}`), '');
  }

  /** Resolves when the port says so in this round. */
  async said(round: number, dlci: number, what: string): Promise<void> {
    await this.printed(`round ${round} dlci ${dlci} ${what}`);
  }

  /** Resolves when the guest has said this; rejects when it says that something failed. */
  async printed(text: string): Promise<void> {
    const match = await this.#kernel.printed(new RegExp(`peer: (?:(${text})\\s|round.*(?:: |failed).*)`));
    if (match[1] === undefined) throw new Error(`the guest says: ${match[0]}`);
  }

  /** Resolves when the guest has printed this, whoever in it. */
  async printedAny(text: RegExp): Promise<void> {
    await this.#kernel.printed(text);
  }

  /** The bytes of a port that the guest has stored by now. */
  storedBytes(dlci: number): number {
    return statSync(this.#path(`from-host-${dlci}.bin`), { throwIfNoEntry: false })?.size ?? 0;
  }

  stored(dlci: number): Uint8Array {
    return readFileSync(this.#path(`from-host-${dlci}.bin`));
  }

  /** Nothing is left of what was stored before. */
  forget(): void {
    for (const dlci of DLCIS) rmSync(this.#path(`from-host-${dlci}.bin`), { force: true });
  }

  /** Ends the guest. */
  async stop(): Promise<void> {
    await this.#kernel.stop();
    rmSync(this.#work, { recursive: true });
  }

  #path(name: string): string {
    return join(this.#work, name);
  }
}
