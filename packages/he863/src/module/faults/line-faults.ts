import type { CommandResult } from '@cellmux/at';
import type { Cancel, Clock } from '@cellmux/port';

/** A number of command lines that something happens to. */
interface Count {
  left: number;
  /** Undefined: of any port. */
  readonly port: number | undefined;
}

/** What happens to command lines before they run: they are late, or they are ERROR. */
export class LineFaults {
  readonly #clock: Clock;
  readonly #late: (Count & { readonly delayMs: number })[] = [];
  readonly #errors: Count[] = [];
  /** Lines that are late now, by what cuts their wait short. */
  readonly #waiting = new Map<() => void, Cancel>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  delay(delayMs: number, lines: number, port: number | undefined): void {
    this.#late.push({ left: lines, port, delayMs });
  }

  refuse(lines: number, port: number | undefined): void {
    this.#errors.push({ left: lines, port });
  }

  /** What a command line of this port gets instead of being run, after the time that it is late. */
  async beforeLine(port: number): Promise<CommandResult | undefined> {
    const late = take(this.#late, port);
    if (late !== undefined) {
      await new Promise<void>((resolve) => {
        const goOn = (): void => {
          this.#waiting.delete(goOn);
          resolve();
        };
        this.#waiting.set(goOn, this.#clock.after(late.delayMs, goOn));
      });
    }
    return take(this.#errors, port) === undefined ? undefined : 'ERROR';
  }

  clear(): void {
    this.#late.length = 0;
    this.#errors.length = 0;
    for (const [goOn, cancel] of this.#waiting) {
      cancel();
      goOn();
    }
  }
}

/** Uses up one of the first count that is for the port. */
function take<C extends Count>(counts: C[], port: number): C | undefined {
  const index = counts.findIndex((count) => count.port === undefined || count.port === port);
  const count = counts[index];
  if (count === undefined) return undefined;
  count.left -= 1;
  if (count.left <= 0) counts.splice(index, 1);
  return count;
}
