import type { AtClient, DataCall } from '@cellmux/at';
import type { CellmuxError } from '@cellmux/port';
import { type AbortOptions } from '@cellmux/port';

/** Something that shares an AT port: whenever its turn comes, it gives one command to run, or none. */
export interface LaneUser {
  /** The next command of this user, started when called; it never rejects. Undefined: nothing to do now. */
  turn(): Promise<void> | undefined;
}

interface Job {
  readonly isFront: boolean;
  readonly start: () => Promise<void>;
  readonly refuse: (reason: unknown) => void;
}

/**
 * One AT port, shared fairly: users take turns, one command each, and single commands (dialling, closing, status) get a
 * turn of their own between them. While the port is online it belongs to one stream and everyone else waits.
 */
export class AtLane implements LaneUser {
  readonly at: AtClient;
  /** 0, 1, 2: the place among the ports given. */
  readonly index: number;
  readonly #ring: LaneUser[] = [this];
  readonly #jobs: Job[] = [];
  #next = 0;
  #running = false;
  #call: DataCall | undefined;
  #closedBy: CellmuxError | undefined;
  #reservations = 0;
  #isHeld = false;
  readonly #onChange: () => void;

  /** @param onChange told whenever what {@link state} or {@link users} say has changed. */
  constructor(at: AtClient, index: number, onChange: () => void = () => undefined) {
    this.at = at;
    this.index = index;
    this.#onChange = onChange;
  }

  /** `online` while one stream has the port, `lost` once it is gone. */
  get state(): 'command' | 'online' | 'lost' {
    if (this.#closedBy !== undefined) return 'lost';
    return this.#call === undefined ? 'command' : 'online';
  }

  /** Users that share the port. */
  get users(): number {
    return this.#ring.length - 1;
  }

  /** Single commands that wait. */
  get waitingJobs(): number {
    return this.#jobs.length;
  }

  /** True while one stream has the whole port. */
  get isOnline(): boolean {
    return this.#call !== undefined;
  }

  /** True while a stream is about to take the whole port. */
  get isReserved(): boolean {
    return this.#reservations > 0 || this.#isHeld;
  }

  /** True while the module may go online on this port by itself. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Set once the port is gone. */
  get closedBy(): CellmuxError | undefined {
    return this.#closedBy;
  }

  /** Says that a stream will take the port; others prefer another one meanwhile. Returns what takes it back. */
  reserve(): () => void {
    this.#reservations++;
    let held = true;
    return () => {
      if (held) this.#reservations--;
      held = false;
    };
  }

  /**
   * Keeps the port quiet, because the module may go online on it at any moment: what is sent then would be data for the
   * peer. Only commands that go to the front still run. Returns what ends it.
   */
  hold(): () => void {
    this.#isHeld = true;
    this.#onChange();
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#isHeld = false;
      this.#onChange();
      this.poke();
    };
  }

  join(user: LaneUser): void {
    if (!this.#ring.includes(user)) {
      this.#ring.push(user);
      this.#onChange();
    }
    this.poke();
  }

  leave(user: LaneUser): void {
    const index = this.#ring.indexOf(user);
    if (index < 0) return;
    this.#ring.splice(index, 1);
    if (this.#next > index) this.#next--;
    this.#onChange();
  }

  /** To be called whenever a user has something to do that it had not before. */
  poke(): void {
    if (this.#running || this.#call !== undefined || this.#closedBy !== undefined) return;
    this.#running = true;
    // In a microtask of its own: what several users want at the same moment is served in turn, not in order of calls.
    queueMicrotask(() => void this.#serve());
  }

  /**
   * Runs a single command (or a few that belong together) when its turn comes. An abort before that takes it out of the
   * queue; once started it runs to its end, since a command that the module executes cannot be taken back.
   */
  run<T>(job: (at: AtClient) => Promise<T>, { signal, front }: AbortOptions & { front?: boolean } = {}): Promise<T> {
    if (this.#closedBy !== undefined) return Promise.reject(this.#closedBy);
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    return new Promise<T>((resolve, reject) => {
      const onAbort = (): void => {
        const index = this.#jobs.indexOf(entry);
        if (index < 0) return;
        this.#jobs.splice(index, 1);
        reject(signal?.reason);
      };
      const entry: Job = {
        isFront: front === true,
        start: async () => {
          signal?.removeEventListener('abort', onAbort);
          try {
            resolve(await job(this.at));
          } catch (error) {
            reject(error);
          }
        },
        refuse: (reason) => {
          signal?.removeEventListener('abort', onAbort);
          reject(reason);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      if (front === true) this.#jobs.unshift(entry);
      else this.#jobs.push(entry);
      this.poke();
    });
  }

  /**
   * Runs a command that ends in CONNECT. From then on the port is online until the call has ended. To be called from
   * within a job.
   */
  async goOnline(line: string, timeoutMs: number): Promise<DataCall> {
    const call = await this.at.connect(line, { timeoutMs });
    this.wentOnline(call);
    return call;
  }

  /** The port is online until the call has ended. */
  wentOnline(call: DataCall): void {
    this.#call = call;
    this.#onChange();
    const back = (): void => {
      if (this.#call !== call) return;
      this.#call = undefined;
      this.#onChange();
      this.poke();
    };
    call.ended.then(back, back);
  }

  /** The port is gone: what waits is refused. */
  fail(reason: CellmuxError): void {
    if (this.#closedBy !== undefined) return;
    this.#closedBy = reason;
    for (const job of this.#jobs.splice(0)) job.refuse(reason);
    this.#onChange();
  }

  turn(): Promise<void> | undefined {
    if (this.#isHeld && this.#jobs[0]?.isFront !== true) return undefined;
    return this.#jobs.shift()?.start();
  }

  async #serve(): Promise<void> {
    let idle = 0;
    while (idle < this.#ring.length && this.#call === undefined && this.#closedBy === undefined) {
      this.#next %= this.#ring.length;
      const user = this.#ring[this.#next++];
      const work = this.#isHeld && user !== this ? undefined : user?.turn();
      if (work === undefined) {
        idle++;
        continue;
      }
      idle = 0;
      await work;
    }
    this.#running = false;
  }
}
