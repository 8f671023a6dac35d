import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';

const here = import.meta.dirname;
/** Above the programs that a test runs beside it. */
const PRIORITY = -5;
let shim: string | undefined;

/** The preloaded library that makes up for two defects of user-mode Linux; see uml/xstate-shim.c and uml/pty-shim.c. */
function umlShim(): string {
  if (shim === undefined) {
    shim = join(mkdtempSync(join(tmpdir(), 'cellmux-uml-')), 'uml-shim.so');
    const sources = ['xstate-shim.c', 'pty-shim.c'].map((name) => join(here, 'uml', name));
    execFileSync('gcc', ['-O2', '-shared', '-fPIC', '-o', shim, ...sources, '-ldl']);
  }
  return shim;
}

export interface UmlKernelOptions {
  /** The devices on the host that become the guest's /dev/ttyS0, /dev/ttyS1 and so on. */
  readonly lines: readonly string[];
  /** The script of the folder `uml` that runs in the guest. */
  readonly run: string;
  /** A folder of the host, the script's working directory. */
  readonly work: string;
  /** What the script reads as `$peer_<name>`; no spaces. */
  readonly words?: Readonly<Record<string, string | number>>;
  /** The guest is ended after this long, whatever it does. */
  readonly limitMs: number;
}

/** A Linux kernel running as a process of this machine, with a script of ours as all there is in it. */
export class UmlKernel {
  readonly #child: ChildProcess;
  readonly #limit: NodeJS.Timeout;
  readonly #waiting = new Set<() => void>();
  readonly exited: Promise<void>;
  /** What the guest printed last, kernel and scripts. */
  console = '';
  #printed = 0;

  constructor({ lines, run, work, words = {}, limitMs }: UmlKernelOptions) {
    const commandLine = Object.entries({
      run: join(here, 'uml', run),
      work,
      limit: Math.ceil(limitMs / 1000),
      ...words,
    }).map(([name, value]) => `peer_${name}=${value}`);
    this.#child = spawn(
      'linux.uml',
      ['mem=160M', 'rootfstype=hostfs', 'rootflags=/', 'rw', `init=${join(here, 'uml', 'init.sh')}`]
        .concat(['con=null', 'con0=fd:0,fd:1', 'ssl=null', 'quiet'])
        .concat(lines.map((path, number) => `ssl${number}=tty:${path}`))
        .concat(commandLine),
      // A process group of its own: the guest's processes are processes of the host, and end with it.
      { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LD_PRELOAD: umlShim() } },
    );
    try {
      // Its peer has timers, and takes one that gets no processor time for one that is gone.
      if (this.#child.pid !== undefined) setPriority(this.#child.pid, PRIORITY);
    } catch {
      // Not permitted here: it has to do without.
    }
    const collect = (bytes: Buffer): void => {
      this.console = (this.console + bytes.toString('latin1')).slice(-200_000);
      this.#printed += bytes.length;
      for (const wake of [...this.#waiting]) wake();
    };
    this.#child.stdout?.on('data', collect);
    this.#child.stderr?.on('data', collect);
    this.#limit = setTimeout(() => {
      this.#kill();
    }, limitMs);
    this.exited = new Promise((resolve) => {
      this.#child.once('close', () => {
        clearTimeout(this.#limit);
        this.#kill();
        resolve();
        for (const wake of [...this.#waiting]) wake();
      });
    });
  }

  /** Where its output is now, for {@link since}. */
  get mark(): number {
    return this.#printed;
  }

  /** What it printed from a mark on. */
  since(mark: number): string {
    return this.console.slice(Math.max(0, mark - this.#printed + this.console.length));
  }

  /** Resolves when the guest has printed this, from a mark on; rejects with all it printed when it ends before. */
  async printed(text: string | RegExp, mark = 0): Promise<RegExpMatchArray> {
    for (;;) {
      const match = this.since(mark).match(text);
      if (match !== null) return match;
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`the guest ended without printing ${String(text)}:\n${this.console.slice(-4000)}`);
      }
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }

  /** Ends the guest now. */
  async stop(): Promise<void> {
    this.#kill();
    await this.exited;
  }

  #kill(): void {
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      // The group is gone already.
    }
  }
}
