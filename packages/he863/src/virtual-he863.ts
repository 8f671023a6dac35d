import { diagnosticsChannel, type Port } from '@cellmux/port';
import { Subject, type Observable } from 'rxjs';
import type { Faults } from './module/faults/faults.ts';
import { He863Module } from './module/he863-module.ts';
import type { He863Event } from './module/he863-event.ts';
import type { VirtualHe863Options } from './module/options.ts';

const channel = diagnosticsChannel('cellmux:he863:event');

/**
 * A virtual Telit HE863: answers AT on every line given to {@link serve}, multiplexes it on `AT+CMUX=0`, dials PPP into
 * a small network of its own, and opens real sockets for IP Easy. What it keeps (contexts, sockets, registration) is one
 * for all its lines, as in one module.
 *
 * @example
 * const { dte, dce } = memoryPair();
 * const module = new VirtualHe863({ hosts: { 'www.example.com': '127.0.0.1:8080' } });
 * module.serve(dce);
 */
export class VirtualHe863 implements AsyncDisposable {
  /** What happens in the module; completes when it is closed. */
  readonly events$: Observable<He863Event>;
  readonly #events$ = new Subject<He863Event>();
  readonly #module: He863Module;
  #closing: Promise<void> | undefined;

  /** @throws CellmuxError `ERR_OPTION_RANGE` for an option out of its range */
  constructor(options: VirtualHe863Options = {}) {
    this.events$ = this.#events$.asObservable();
    this.#module = new He863Module(options, (event) => {
      this.#events$.next(event);
      if (channel.hasSubscribers) channel.publish(event);
    });
  }

  /** Answers AT on a line until the line ends or the module is closed. The line stays its owner's. */
  serve(line: Port): void {
    this.#module.serve(line);
  }

  /** Lets things go wrong, now or by a plan. */
  get faults(): Faults {
    return this.#module.faults;
  }

  /** A power cycle: every port is gone without a word; resolves when all sockets are closed, AT is back after `bootMs`. */
  reset(reason = 'asked for'): Promise<void> {
    return this.#module.reset(reason);
  }

  /** Ends calls and sockets and stops using the lines, which stay open. */
  close(): Promise<void> {
    this.#closing ??= this.#module.close().then(() => {
      this.#events$.complete();
    });
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
