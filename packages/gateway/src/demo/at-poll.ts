import type { AtCommander } from '../gateway/at-service.ts';
import { summarizeLatencies, type LatencySummary } from '../core/latencies.ts';

/** A module wants a moment between an answer and the next command (20 ms): it is no part of the answer's time. */
const GAP_MS = 25;

const COMMANDS = ['AT+CSQ', 'AT+CREG?'] as const;

/** Asks the module for its signal and registration again and again, and measures each answer. */
export class AtPoll {
  readonly #client: AtCommander;
  readonly #answersMs: number[] = [];
  #failed = 0;
  #lastSignal = '';

  constructor(client: AtCommander) {
    this.#client = client;
  }

  get report(): LatencySummary & { readonly failed: number; readonly lastSignal: string } {
    return { ...summarizeLatencies(this.#answersMs), failed: this.#failed, lastSignal: this.#lastSignal };
  }

  /** Asks until the signal aborts. */
  async run(until: AbortSignal): Promise<void> {
    for (let turn = 0; !until.aborted; turn++) {
      const command = COMMANDS[turn % COMMANDS.length] ?? COMMANDS[0];
      const startedMs = performance.now();
      try {
        const { lines } = await this.#client.command(command);
        this.#answersMs.push(performance.now() - startedMs);
        const [line = ''] = lines;
        if (!line.startsWith(command.slice(2).replace('?', ''))) this.#failed++;
        if (line.startsWith('+CSQ')) this.#lastSignal = line;
      } catch {
        this.#failed++;
      }
      await new Promise((resolve) => setTimeout(resolve, GAP_MS));
    }
  }
}
