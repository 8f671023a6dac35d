import type { Cancel, Clock, Port } from '@cellmux/port';
import type { DataPhaseEnd } from './command-declaration.ts';
import { EscapeDetector, type EscapeOptions } from './escape-detector.ts';
import { ServerDataPhase } from './server-data-phase.ts';

/** What a data call needs from the server. */
export interface DataCallLine {
  readonly port: Port;
  readonly clock: Clock;
  send(bytes: Uint8Array): Promise<void>;
  hold(wanted: boolean): void;
  /** The call is over, or escaped from. */
  onEnd(end: DataPhaseEnd): void;
}

/** Data mode: what the host sends goes to the phase, unless it is the escape sequence. */
export class ServerDataCall {
  readonly phase: ServerDataPhase;
  readonly #line: DataCallLine;
  readonly #detector: EscapeDetector;
  #timer: Cancel | undefined;
  #ended = false;

  constructor(line: DataCallLine, escape: EscapeOptions) {
    this.#line = line;
    this.#detector = new EscapeDetector(escape);
    this.phase = new ServerDataPhase({
      port: line.port,
      send: (bytes) => line.send(bytes),
      hold: (wanted) => {
        line.hold(wanted);
      },
      finish: () => {
        this.end('closed');
      },
    });
  }

  push(chunk: Uint8Array): void {
    this.phase.push(this.#detector.push(chunk, this.#line.clock.now()));
    this.#timer?.();
    this.#timer = undefined;
    const atMs = this.#detector.decidesAtMs;
    if (atMs === undefined) return;
    this.#timer = this.#line.clock.after(atMs - this.#line.clock.now(), () => {
      this.#timer = undefined;
      const decision = this.#detector.decide();
      if (decision === 'escaped') this.end('escaped');
      else this.phase.push(decision);
    });
  }

  end(end: DataPhaseEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer?.();
    // Escape characters that nothing has confirmed were data.
    const held = this.#detector.decide();
    if (held !== 'escaped') this.phase.push(held);
    this.#line.hold(false);
    this.phase.finish(end);
    this.#line.onEnd(end);
  }
}
