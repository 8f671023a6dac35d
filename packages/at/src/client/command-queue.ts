import { QUEUE_LIMIT_COMMANDS } from '../core/limits.ts';
import type { CommandJob } from './command-job.ts';

/** Commands that wait for their turn: urgent ones first, each kind in the order of the calls. */
export class CommandQueue {
  #urgent: CommandJob[] = [];
  #ordinary: CommandJob[] = [];

  get isEmpty(): boolean {
    return this.#urgent.length === 0 && this.#ordinary.length === 0;
  }

  /** {@link QUEUE_LIMIT_COMMANDS} are waiting. */
  get isFull(): boolean {
    return this.#urgent.length + this.#ordinary.length >= QUEUE_LIMIT_COMMANDS;
  }

  add(job: CommandJob): void {
    (job.options.urgent === true ? this.#urgent : this.#ordinary).push(job);
  }

  next(): CommandJob | undefined {
    return this.#urgent.shift() ?? this.#ordinary.shift();
  }

  remove(job: CommandJob): void {
    this.#urgent = this.#urgent.filter((other) => other !== job);
    this.#ordinary = this.#ordinary.filter((other) => other !== job);
  }

  takeAll(): readonly CommandJob[] {
    return [...this.#urgent.splice(0), ...this.#ordinary.splice(0)];
  }
}
