import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BIN = 'packages/gateway/src/bin.ts';
/** Node, tsx and all packages come up within a second or two; other tests may have both cores. */
const PATIENCE_MS = 60_000;

/** How a program ended. */
export interface ProgramExit {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that a test started; it is ended by its id at the latest when it is disposed of. */
export class RunningProgram implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #what: string;
  readonly #ended: Promise<unknown>;
  readonly #watchers = new Set<() => void>();
  #stdout = '';
  #stderr = '';
  #exited = false;

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.#what = [command, ...args].join(' ');
    this.#child = spawn(command, args, {
      cwd: ROOT,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
      for (const watch of this.#watchers) watch();
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.#ended = once(this.#child, 'close').then(() => {
      this.#exited = true;
      for (const watch of this.#watchers) watch();
    });
  }

  /** The `cellmux` program from its sources. */
  static cellmux(args: readonly string[], env: NodeJS.ProcessEnv = {}): RunningProgram {
    return new RunningProgram(process.execPath, ['--conditions=@cellmux/source', '--import', 'tsx', BIN, ...args], {
      NO_COLOR: '1',
      CELLMUX_LOG_FORMAT: 'human',
      ...env,
    });
  }

  /** The same within a network namespace. */
  static cellmuxIn(namespace: string, args: readonly string[]): RunningProgram {
    const node = [process.execPath, '--conditions=@cellmux/source', '--import', 'tsx', BIN];
    return new RunningProgram('ip', ['netns', 'exec', namespace, ...node, ...args], {
      NO_COLOR: '1',
      CELLMUX_LOG_FORMAT: 'human',
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  /** Writes to its stdin, which stays open. */
  press(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** Writes to its stdin and ends that. */
  type(text: string): void {
    this.#child.stdin?.end(text);
  }

  /** Waits until its stdout matches; throws with all it said when it ends before, or takes too long. */
  async says(pattern: RegExp, limitMs = PATIENCE_MS): Promise<RegExpExecArray> {
    let timer: NodeJS.Timeout | undefined;
    let watch: () => void = () => undefined;
    try {
      return await new Promise((resolve, reject) => {
        watch = () => {
          const match = pattern.exec(this.#stdout);
          if (match !== null) resolve(match);
          else if (this.#exited) reject(this.#failure(`ended without saying ${String(pattern)}`));
        };
        timer = setTimeout(() => {
          reject(this.#failure(`did not say ${String(pattern)} within ${limitMs} ms`));
        }, limitMs);
        this.#watchers.add(watch);
        watch();
      });
    } finally {
      clearTimeout(timer);
      this.#watchers.delete(watch);
    }
  }

  /** Waits for its end; a program that does not end in time is ended, and that is a failure. */
  async exit(limitMs = PATIENCE_MS): Promise<ProgramExit> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), limitMs);
    await this.#ended;
    clearTimeout(timer);
    if (this.#child.signalCode === 'SIGKILL') throw this.#failure(`did not end within ${limitMs} ms`);
    return { code: this.#child.exitCode, stdout: this.#stdout, stderr: this.#stderr };
  }

  /** Sends it a signal. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Asks it to end in order and waits for that. */
  stop(signal: NodeJS.Signals = 'SIGINT'): Promise<ProgramExit> {
    this.#child.kill(signal);
    return this.exit();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#exited) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 15_000);
    await this.#ended;
    clearTimeout(timer);
  }

  #failure(what: string): Error {
    return new Error(`${this.#what}: ${what}\n--- stdout\n${this.#stdout}\n--- stderr\n${this.#stderr}`);
  }
}
