import { CircuitCable } from './circuit-cable.ts';
import { systemClock, type Clock } from './clock.ts';
import { CellmuxError } from './core/cellmux-error.ts';
import { checkInteger } from './core/check-option.ts';
import { checkRate, OctetFaults, type OctetFaultRates } from './core/octet-faults.ts';
import { seededRandom } from './core/random.ts';
import { DrivenPort, type PortDriver } from './driven-port.ts';
import { PacedWire, type Passage } from './paced-wire.ts';
import type { Port } from './port.ts';
import { BACKLOG_LIMIT_BYTES } from './receive-stream.ts';

/** What a line does to octets. All rates are probabilities from 0 to 1; all are 0 and `false` unless said. */
export interface LineFaults extends OctetFaultRates {
  /** A whole slice is lost. */
  readonly dropSliceRate: number;
  /** A whole slice comes twice. */
  readonly duplicateSliceRate: number;
  /** Each slice comes up to this much later, at random, 0 to 60000; order is kept. */
  readonly delayMs: number;
  /** Slices are cut and joined at random: no chunk that is received says anything about one that was sent. */
  readonly rechunk: boolean;
}

/** Which way octets go: from the terminal to the module, or back. */
export type LineDirection = 'dteToDce' | 'dceToDte';

/** Options of {@link pacedLine}. */
export interface PacedLineOptions {
  /** Default {@link systemClock}. */
  readonly clock?: Clock;
  /** Bits a second, 50 to 100000000, ten of them an octet. Default: as fast as the receiver takes them. */
  readonly baudRate?: number | undefined;
  /** What both ends are called, with ` (dte)` and ` (dce)` behind it; default `line`. */
  readonly name?: string;
  /** Backlog of each end in bytes, 16 to 2^30; default {@link BACKLOG_LIMIT_BYTES}. */
  readonly backlogLimitBytes?: number;
  /** Line time that travels as one piece, 1 to 100 ms; default 2. */
  readonly sliceMs?: number;
  /** Line time that the transmitter holds beyond the slice it sends, as a UART's FIFO does; 1 to 1000 ms, default 4. */
  readonly fifoMs?: number;
}

/** Options of {@link faultyLine}. */
export interface FaultyLineOptions extends PacedLineOptions {
  /** The same seed and the same octets give the same damage. Default 1. */
  readonly seed?: number;
  /** What is wrong with both directions from the start. */
  readonly faults?: Partial<LineFaults>;
}

/** What happened to one direction so far; octets. */
export interface LineStats {
  /** Taken from the sender. */
  readonly sent: number;
  /** Given to the receiver. */
  readonly delivered: number;
  readonly dropped: number;
  readonly flipped: number;
  readonly inserted: number;
  readonly duplicated: number;
  /** Milliseconds of the line's time that the octets sent have taken. */
  readonly busyMs: number;
}

/** Two ports and the line between them. */
export interface PacedLine {
  /** The terminal's end. */
  readonly dte: Port;
  /** The module's end. */
  readonly dce: Port;
  /** The figures of each direction, always as they are now. */
  readonly stats: Readonly<Record<LineDirection, LineStats>>;
  /** Another rate from the next slice on, both ways. */
  readonly setBaudRate: (baudRate: number) => void;
  /** From now on all octets are lost on the way, those under way too; nobody is told, as with a cable that is out. */
  readonly cut: () => void;
  /** Undoes {@link cut}. */
  readonly restore: () => void;
  /** Breaks the line for good: both ends' streams end with this error. Default: `ERR_PORT_LOST`. */
  readonly fail: (error?: unknown) => void;
}

/** A line whose faults can be changed while it runs. */
export interface FaultyLine extends PacedLine {
  /** Changes the faults named and leaves the others; of one direction or of both. */
  readonly setFaults: (faults: Partial<LineFaults>, direction?: LineDirection) => void;
}

const NO_FAULTS: LineFaults = {
  dropRate: 0,
  flipRate: 0,
  insertRate: 0,
  duplicateRate: 0,
  dropSliceRate: 0,
  duplicateSliceRate: 0,
  delayMs: 0,
  rechunk: false,
};

/** Octets under way at most, should a delay make many of a fast line. */
const IN_FLIGHT_LIMIT_OCTETS = 1024 * 1024;

/** The same where no rate limits what is taken in a moment. */
const UNPACED_LIMIT_OCTETS = 64 * 1024;

class LineDriver implements PortDriver {
  /** The figures, always as they are now. */
  readonly stats: LineStats;
  readonly #wire: PacedWire;
  readonly #octetFaults: OctetFaults;
  readonly #random: () => number;
  readonly #counts = { sent: 0, delivered: 0, dropped: 0, duplicated: 0 };
  #faults = NO_FAULTS;
  #isCut = false;
  #far: DrivenPort | undefined;
  #farDriver: LineDriver | undefined;

  constructor(name: LineDirection, options: Required<Omit<FaultyLineOptions, 'name' | 'faults'>>) {
    // Octets and slices draw from generators of their own, so that the octets' damage does not depend on chunks.
    const salt = name === 'dteToDce' ? 0 : 0x5bd1e995;
    this.#octetFaults = new OctetFaults(options.seed ^ salt);
    this.#random = seededRandom(options.seed ^ salt ^ 0x2545f491);
    this.#wire = new PacedWire({
      clock: options.clock,
      baudRate: options.baudRate,
      sliceMs: options.sliceMs,
      fifoMs: options.fifoMs,
      // A slice may double on its way and must still find room in half a backlog.
      sliceLimitOctets: Math.floor(options.backlogLimitBytes / 4),
      inFlightLimitOctets: options.baudRate === Infinity ? UNPACED_LIMIT_OCTETS : IN_FLIGHT_LIMIT_OCTETS,
      pass: (octets) => this.#pass(octets),
      isHeld: () => this.#far?.isPaused !== false,
      roomOctets: () => this.#far?.roomBytes ?? 0,
      deliver: (octets) => {
        this.#deliver(octets);
      },
    });
    this.stats = this.#liveStats();
  }

  #liveStats(): LineStats {
    const [slices, octets, wire] = [this.#counts, this.#octetFaults.counts, this.#wire];
    return {
      get sent() {
        return slices.sent;
      },
      get delivered() {
        return slices.delivered;
      },
      get dropped() {
        return slices.dropped + octets.dropped;
      },
      get flipped() {
        return octets.flipped;
      },
      get inserted() {
        return octets.inserted;
      },
      get duplicated() {
        return slices.duplicated + octets.duplicated;
      },
      get busyMs() {
        return wire.busyMs;
      },
    };
  }

  join(far: DrivenPort, farDriver: LineDriver): void {
    this.#far = far;
    this.#farDriver = farDriver;
  }

  setBaudRate(baudRate: number): void {
    this.#wire.setBaudRate(baudRate);
  }

  setFaults(faults: Partial<LineFaults>): void {
    const next = { ...this.#faults, ...faults };
    checkRate('dropSliceRate', next.dropSliceRate);
    checkRate('duplicateSliceRate', next.duplicateSliceRate);
    if (!(next.delayMs >= 0 && next.delayMs <= 60_000)) checkInteger('delayMs', next.delayMs, 0, 60_000);
    this.#octetFaults.setRates(next);
    this.#faults = next;
  }

  cut(): void {
    this.#isCut = true;
    this.#counts.dropped += this.#wire.lose();
  }

  restore(): void {
    this.#isCut = false;
  }

  write(bytes: Uint8Array): number | Promise<number> {
    return this.#wire.write(bytes);
  }

  pause(): void {
    // The far end's wire looks at `isPaused` before it takes more.
  }

  resume(): void {
    this.#farDriver?.goOn();
  }

  goOn(): void {
    this.#wire.goOn();
  }

  async close(how: 'inOrder' | 'atOnce'): Promise<void> {
    if (how === 'inOrder') await this.#wire.empty();
    this.#wire.end();
    this.#far?.ended();
  }

  /** The line is gone: neither end can end the other in order any more. */
  sever(): void {
    this.#wire.end();
    this.#far = undefined;
    this.#farDriver = undefined;
  }

  #pass(octets: Uint8Array): Passage {
    const faults = this.#faults;
    this.#counts.sent += octets.length;
    // A joint is made by letting one slice wait for the next.
    const laterMs = faults.delayMs * this.#random() + (faults.rechunk ? 8 * this.#random() : 0);
    if (this.#isCut || this.#random() < faults.dropSliceRate) {
      this.#counts.dropped += octets.length;
      return { octets: new Uint8Array(0), delayMs: laterMs };
    }
    let out = this.#octetFaults.apply(octets);
    if (this.#random() < faults.duplicateSliceRate && out.length <= octets.length) {
      this.#counts.duplicated += out.length;
      const twice = new Uint8Array(out.length * 2);
      twice.set(out);
      twice.set(out, out.length);
      out = twice;
    }
    return { octets: out, delayMs: laterMs };
  }

  #deliver(octets: Uint8Array): void {
    this.#counts.delivered += octets.length;
    if (!this.#faults.rechunk) {
      this.#far?.received(octets);
      return;
    }
    for (let from = 0; from < octets.length;) {
      const to = Math.min(octets.length, from + 1 + Math.floor(this.#random() ** 3 * octets.length));
      this.#far?.received(octets.slice(from, to));
      from = to;
    }
  }
}

/**
 * A serial line in memory with faults: two ports whose octets travel at a baud rate in small slices, and on their way
 * are dropped, flipped, doubled, delayed and cut into other chunks as told, repeatably. Both ends share one set of
 * circuits. `pause()` of an end stops the other's transmitter; what its FIFO holds still comes.
 *
 * @throws CellmuxError `ERR_OPTION_RANGE` for an option out of its range.
 *
 * @example
 * const { dte, dce, setFaults } = faultyLine({ baudRate: 115200, seed: 7, faults: { flipRate: 1e-4 } });
 */
export function faultyLine(options: FaultyLineOptions = {}): FaultyLine {
  const { name = 'line', faults = {}, clock = systemClock, baudRate } = options;
  const checked = {
    clock,
    baudRate: checkBaudRate(baudRate),
    backlogLimitBytes: checkInteger('backlogLimitBytes', options.backlogLimitBytes ?? BACKLOG_LIMIT_BYTES, 16, 2 ** 30),
    sliceMs: checkInteger('sliceMs', options.sliceMs ?? 2, 1, 100),
    fifoMs: checkInteger('fifoMs', options.fifoMs ?? 4, 1, 1000),
    seed: options.seed ?? 1,
  };
  const cable = new CircuitCable();
  const toDce = new LineDriver('dteToDce', checked);
  const toDte = new LineDriver('dceToDte', checked);
  const common = { cable, clock, backlogLimitBytes: checked.backlogLimitBytes };
  const dte = new DrivenPort({ ...common, name: `${name} (dte)`, role: 'dte', driver: toDce });
  const dce = new DrivenPort({ ...common, name: `${name} (dce)`, role: 'dce', driver: toDte });
  toDce.join(dce, toDte);
  toDte.join(dte, toDce);
  const both = [toDce, toDte];
  const setFaults = (change: Partial<LineFaults>, direction?: LineDirection): void => {
    if (direction !== 'dceToDte') toDce.setFaults(change);
    if (direction !== 'dteToDce') toDte.setFaults(change);
  };
  setFaults(faults);
  return {
    dte,
    dce,
    stats: { dteToDce: toDce.stats, dceToDte: toDte.stats },
    setFaults,
    setBaudRate: (rate) => {
      const checkedRate = checkBaudRate(rate);
      for (const driver of both) driver.setBaudRate(checkedRate);
    },
    cut: () => {
      for (const driver of both) driver.cut();
    },
    restore: () => {
      for (const driver of both) driver.restore();
    },
    fail: (error = new CellmuxError('ERR_PORT_LOST', `${name} was lost`)) => {
      for (const driver of both) driver.sever();
      dte.failed(error);
      dce.failed(error);
    },
  };
}

/**
 * A serial line in memory without faults: {@link faultyLine} with its pace alone. It keeps the rate on average whatever
 * the timers do, and takes one timer for a slice, not for an octet.
 *
 * @throws CellmuxError `ERR_OPTION_RANGE` for an option out of its range.
 */
export function pacedLine(options: PacedLineOptions = {}): PacedLine {
  return faultyLine(options);
}

function checkBaudRate(baudRate: number | undefined): number {
  return baudRate === undefined ? Infinity : checkInteger('baudRate', baudRate, 50, 100_000_000);
}
