import type { AtClient } from '@cellmux/at';
import { CellmuxError, type AbortOptions } from '@cellmux/port';
import { BehaviorSubject, type Observable } from 'rxjs';
import { AtLane } from './at-lane.ts';

/** What one AT port is doing. */
export interface AtPortState {
  /** 0, 1, 2: the place among the ports given. */
  readonly index: number;
  /** `online` while one stream has the port, `lost` once it is gone. */
  readonly state: 'command' | 'online' | 'lost';
  /** Sockets in command mode that share it. */
  readonly sockets: number;
}

/** The AT ports of one module, and which of them serves what. */
export class Lanes {
  readonly all: readonly AtLane[];
  /** What the ports are doing, now and after each change. */
  readonly states$: Observable<readonly AtPortState[]>;
  readonly #states: BehaviorSubject<readonly AtPortState[]>;
  readonly #maxOnlinePorts: number;
  readonly #whenChanged = new Set<() => void>();

  constructor(ports: readonly AtClient[], maxOnlinePorts: number) {
    this.all = ports.map(
      (at, index) =>
        new AtLane(at, index, () => {
          this.#changed();
        }),
    );
    this.#states = new BehaviorSubject(this.#now());
    this.states$ = this.#states.asObservable();
    this.#maxOnlinePorts = maxOnlinePorts;
  }

  /** The port for a single command or a new connection in command mode: not online, fewest users. */
  any(): AtLane {
    const usable = this.all.filter((lane) => lane.closedBy === undefined);
    const free = usable.filter((lane) => !lane.isOnline && !lane.isReserved);
    const load = (lane: AtLane): number => lane.users + lane.waitingJobs;
    const [best] = [...(free.length > 0 ? free : usable)].sort((a, b) => load(a) - load(b));
    return best ?? this.#first();
  }

  /** The port for a single command that concerns a connection: its own, unless that is online, held or lost. */
  near(preferred: AtLane): AtLane {
    const isFree = (lane: AtLane): boolean => lane.closedBy === undefined && !lane.isOnline && !lane.isHeld;
    return isFree(preferred) ? preferred : (this.all.find(isFree) ?? preferred);
  }

  /**
   * The port for a stream of its own: one that nobody uses, if there is one; the last is looked at first. With as many
   * online as may be, the one whose turn ends is waited for.
   *
   * @throws CellmuxError `ERR_IPEASY_NO_ONLINE_PORT` when none may ever go online.
   */
  forStream(): AtLane {
    const limit = Math.min(this.#maxOnlinePorts, this.all.length);
    if (limit === 0) {
      throw new CellmuxError('ERR_IPEASY_NO_ONLINE_PORT', 'no AT port may go online', {
        hint: "Raise maxOnlinePorts, or connect with mode: 'command'.",
      });
    }
    const reserved = this.all.filter((lane) => lane.isOnline || lane.isReserved);
    if (reserved.length >= limit) return reserved.sort((a, b) => a.waitingJobs - b.waitingJobs)[0] ?? this.#first();
    const free = this.all.filter((lane) => !reserved.includes(lane) && lane.closedBy === undefined).reverse();
    return free.sort((a, b) => a.users - b.users)[0] ?? this.#first();
  }

  /**
   * Resolves once a port can be kept for the module to go online on, without that the last one that takes commands goes
   * with it. A module with one port has no other.
   */
  whenSpare({ signal }: AbortOptions): Promise<void> {
    if (this.#hasSpare()) return Promise.resolve();
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const settle = (how: () => void): void => {
        this.#whenChanged.delete(check);
        signal?.removeEventListener('abort', onAbort);
        how();
      };
      const check = (): void => {
        if (this.#hasSpare()) settle(resolve);
      };
      const onAbort = (): void => {
        settle(() => {
          reject(signal?.reason);
        });
      };
      this.#whenChanged.add(check);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** No port is used any more. */
  fail(reason: CellmuxError): void {
    for (const lane of this.all) lane.fail(reason);
    this.#states.complete();
  }

  #changed(): void {
    const now = this.#now();
    const isNews = now.some((state, index) => {
      const before = this.#states.value[index];
      return state.state !== before?.state || state.sockets !== before.sockets;
    });
    if (isNews) this.#states.next(now);
    for (const check of [...this.#whenChanged]) check();
  }

  #hasSpare(): boolean {
    const usable = this.all.filter((lane) => lane.closedBy === undefined);
    // Without any, whoever comes next is told why.
    return usable.length < 2 || usable.filter((lane) => !lane.isOnline && !lane.isHeld).length >= 2;
  }

  #now(): readonly AtPortState[] {
    return this.all.map(({ index, state, users }) => ({ index, state, sockets: users }));
  }

  #first(): AtLane {
    const [first] = this.all;
    if (first === undefined) throw new CellmuxError('ERR_IPEASY_LINE_LOST', 'there is no AT port');
    return first;
  }
}
