import { Multiplexer, type DlcPort, type MultiplexerOptions } from '@cellmux/cmux';
import { faultyLine, type FaultyLine, type LineFaults } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { Session } from './session.ts';

export type EndName = 'host' | 'module';

/** How both ends of a pair are set up. */
export interface PairOptions {
  readonly option: 'basic' | 'advanced';
  readonly n1: number;
  readonly seed: number;
  readonly baudRate: number;
  readonly keepAliveMs: number;
}

/** One end: its multiplexer and each port that it ever had. */
export class PairEnd {
  readonly multiplexer: Multiplexer;
  readonly sessions: Session[] = [];
  readonly #nextId: () => number;

  constructor(multiplexer: Multiplexer, nextId: () => number) {
    this.multiplexer = multiplexer;
    this.#nextId = nextId;
    multiplexer.incoming$.subscribe((port) => this.took(port));
    multiplexer.events$.subscribe((event) => {
      if (event.type !== 'dlcRestarted') return;
      for (const session of this.sessions) if (session.port.dlci === event.dlci) session.isRestarted = true;
    });
  }

  took(port: DlcPort): Session {
    const session = new Session(port, this.#nextId());
    this.sessions.push(session);
    return session;
  }

  /** The session of a DLCI that is open. */
  open(dlci: number): Session | undefined {
    return this.sessions.findLast(({ port }) => port.dlci === dlci && !port.isClosed);
  }
}

/** Two multiplexers and the line between them. */
export class Pair {
  readonly clock = new VirtualClock();
  readonly line: FaultyLine;
  readonly ends: Readonly<Record<EndName, PairEnd>>;
  /** Everything that was asked for, by what it was. */
  readonly pending: { readonly what: string; readonly settled: Promise<unknown> }[] = [];
  /** The line has done what makes any octet possible. */
  isDamaged = false;
  frames = 0;

  constructor({ option, n1, seed, baudRate, keepAliveMs }: PairOptions) {
    this.line = faultyLine({ clock: this.clock, baudRate, seed });
    const options: MultiplexerOptions = { clock: this.clock, option, n1, baudRate, keepAliveMs, n2: 3 };
    let id = 0;
    const nextId = (): number => id++;
    this.ends = {
      host: new PairEnd(new Multiplexer(this.line.dte, options), nextId),
      module: new PairEnd(new Multiplexer(this.line.dce, { ...options, role: 'responder' }), nextId),
    };
    this.ends.module.multiplexer.onFrame = () => this.frames++;
  }

  async start(): Promise<void> {
    void this.ends.module.multiplexer.start();
    await this.clock.run(this.ends.host.multiplexer.start());
  }

  ask(what: string, promise: Promise<unknown>): void {
    this.pending.push({ what, settled: promise.catch((error: unknown) => error) });
  }

  setFaults(faults: Partial<LineFaults>): void {
    this.isDamaged = true;
    this.line.setFaults(faults);
  }

  cut(): void {
    this.isDamaged = true;
    this.line.cut();
  }

  /** From now on the line carries what it is given. */
  heal(): void {
    this.line.restore();
    this.line.setFaults({
      dropRate: 0,
      flipRate: 0,
      insertRate: 0,
      duplicateRate: 0,
      dropSliceRate: 0,
      duplicateSliceRate: 0,
      delayMs: 0,
    });
  }
}
