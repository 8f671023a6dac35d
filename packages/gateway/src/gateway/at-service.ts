import type { AtClient, AtResponse, CommandOptions, Urc } from '@cellmux/at';
import { CellmuxError, hasCode, type Clock } from '@cellmux/port';
import { Subject, type Observable, type Subscription } from 'rxjs';
import {
  isRegistered,
  parseRegistration,
  parseSignalQuality,
  type Registration,
  type SignalQuality,
} from '../core/network-state.ts';
import type { GatewayEvent } from './gateway-events.ts';
import { WaitingRoom } from './waiting-room.ts';

/** What the module says about its network. */
export interface NetworkState {
  readonly signal: SignalQuality | undefined;
  /** Circuit-switched registration. */
  readonly registration: Registration | undefined;
  /** Packet-switched registration. */
  readonly packetRegistration: Registration | undefined;
  readonly operator: string | undefined;
}

/** What runs AT commands: an AtClient, or {@link AtService} that stands for the one of the moment. */
export interface AtCommander {
  command(line: string, options?: CommandOptions): Promise<AtResponse>;
  readonly urcs$: Observable<Urc>;
}

/** Port 3 in the hands of one who may go online on it. */
export interface AtLoan extends Disposable {
  readonly client: AtClient;
  /** Tells while the borrower has the port for himself: commands of others then go over port 2. */
  takenWhile(isTaken: () => boolean): void;
}

/** What an {@link AtService} is made of. */
export interface AtServiceParts {
  readonly clock: Clock;
  /** The client of another port, for commands while port 3 is taken; undefined while there is none. */
  readonly spare: () => AtClient | undefined;
  readonly onEvent: (event: GatewayEvent) => void;
  readonly onStuck: (error: unknown) => void;
  /** Commands of others are under way, or are not any more. */
  readonly onInUse: (inUse: boolean) => void;
  /** Registration has come back. */
  readonly onRegistered: () => void;
  /** The network has taken a context, or may have. */
  readonly onContextDoubtful: () => void;
}

/** Unanswered questions in a row after which the port counts as stuck. */
const STUCK_AFTER = 2;

/**
 * AT on port 3, for operators, scripts and the gateway's own looks at signal and registration: one AtClient after the
 * other, commands go to the one of the moment.
 */
export class AtService implements AtCommander {
  readonly urcs$: Observable<Urc>;
  readonly #parts: AtServiceParts;
  readonly #urcs = new Subject<Urc>();
  #client: AtClient | undefined;
  #subscription: Subscription | undefined;
  readonly #waiting: WaitingRoom<AtClient>;
  #isTaken: () => boolean = () => false;
  #underWay = 0;
  #unanswered = 0;
  #state: NetworkState = {
    signal: undefined,
    registration: undefined,
    packetRegistration: undefined,
    operator: undefined,
  };

  constructor(parts: AtServiceParts) {
    this.#parts = parts;
    this.#waiting = new WaitingRoom(parts.clock);
    this.urcs$ = this.#urcs.asObservable();
  }

  /** The client of the moment. */
  get client(): AtClient | undefined {
    return this.#client;
  }

  /** What the module said last. */
  get state(): NetworkState {
    return this.#state;
  }

  /**
   * Runs a command on port 3, or on port 2 for as long as a file transfer has port 3; rejects with `ERR_GATEWAY_AT_DOWN`
   * while the port is being restored.
   */
  async command(line: string, options?: CommandOptions): Promise<AtResponse> {
    const client = this.#clientNow();
    if (client === undefined) throw this.#down('is not open at the moment');
    this.#begin();
    try {
      return await client.command(line, options);
    } finally {
      this.#end();
    }
  }

  /**
   * Lends the port, to one at a time. While it is being restored that is waited for, up to `limitMs`; then it rejects with
   * `ERR_GATEWAY_AT_DOWN`.
   */
  async lend(limitMs: number, signal: AbortSignal): Promise<AtLoan> {
    signal.throwIfAborted();
    const late = (): CellmuxError => this.#down(`was not open for ${limitMs / 1000} s`);
    const client = this.#client ?? (await this.#waiting.wait(limitMs, late, signal));
    this.#begin();
    let isOver = false;
    return {
      client,
      takenWhile: (isTaken) => {
        if (!isOver) this.#isTaken = () => isTaken() && this.#client === client;
      },
      [Symbol.dispose]: () => {
        if (isOver) return;
        isOver = true;
        this.#isTaken = () => false;
        this.#end();
      },
    };
  }

  /** Begins to use a client: it tells of registration and contexts from now on. */
  async up(client: AtClient, signal: AbortSignal): Promise<void> {
    this.down();
    this.#unanswered = 0;
    await client.command('AT', { signal });
    // A module that does not know one of them does without.
    for (const line of ['AT+CREG=1', 'AT+CGREG=1', 'AT+CGEREP=2']) {
      await client.command(line, { signal }).catch((error: unknown) => {
        if (!hasCode(error, 'ERR_AT_ERROR') && !hasCode(error, 'ERR_AT_CME')) throw error;
      });
    }
    this.#subscription = client.urcs$.subscribe({
      next: (urc) => {
        this.#urcs.next(urc);
        this.#heard(urc.text);
      },
      error: () => undefined,
    });
    this.#client = client;
    this.#waiting.arrived(client);
  }

  /** Uses no client any more. */
  down(): void {
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.#client = undefined;
  }

  end(): void {
    this.down();
    this.#urcs.complete();
  }

  /** Looks at signal and registration. A port that answers nothing twice in a row is told as stuck. */
  async poll(): Promise<void> {
    const { client: own } = this;
    const client = this.#clientNow();
    if (client === undefined) return;
    const isStill = (): boolean => this.#client === own && this.#clientNow() === client;
    try {
      for (const line of ['AT+CSQ', 'AT+CREG?', 'AT+CGREG?', 'AT+COPS?']) {
        // A transfer has begun or ended meanwhile: the rest is asked at the next look.
        if (!isStill()) return;
        const lines = await client.command(line).then(
          (response) => response.lines,
          (error: unknown) => {
            if (hasCode(error, 'ERR_AT_ERROR') || hasCode(error, 'ERR_AT_CME')) return [];
            throw error;
          },
        );
        if (own !== this.#client) return;
        if (client === own) this.#unanswered = 0;
        for (const text of lines) this.#answered(text);
      }
    } catch (error) {
      // Of another port its own service finds out.
      if (client !== own || own !== this.#client || !hasCode(error, 'ERR_AT_TIMEOUT')) return;
      if (++this.#unanswered >= STUCK_AFTER) {
        this.#unanswered = 0;
        this.#parts.onStuck(error);
      }
    }
  }

  #clientNow(): AtClient | undefined {
    return this.#client !== undefined && this.#isTaken() ? this.#parts.spare() : this.#client;
  }

  #begin(): void {
    if (++this.#underWay === 1) this.#parts.onInUse(true);
  }

  #end(): void {
    if (--this.#underWay === 0) this.#parts.onInUse(false);
  }

  #down(how: string): CellmuxError {
    return new CellmuxError('ERR_GATEWAY_AT_DOWN', `port 3 ${how}`, {
      hint: 'The gateway is restoring the line (`cellmux status`): try again later.',
    });
  }

  #answered(text: string): void {
    const signal = parseSignalQuality(text);
    if (signal !== undefined) {
      this.#state = { ...this.#state, signal };
      this.#parts.onEvent({ type: 'signal', dbm: signal.dbm });
    }
    const operator = /^\+COPS: \d+,\d+,"([^"]*)"/.exec(text)?.[1];
    if (operator !== undefined) this.#state = { ...this.#state, operator };
    this.#registration(parseRegistration(text, '+CREG', 'answer'), parseRegistration(text, '+CGREG', 'answer'));
  }

  #heard(text: string): void {
    this.#registration(
      parseRegistration(text, '+CREG', 'unsolicited'),
      parseRegistration(text, '+CGREG', 'unsolicited'),
    );
    if (text.startsWith('+CGEV:')) this.#parts.onContextDoubtful();
  }

  #registration(circuit: Registration | undefined, packet: Registration | undefined): void {
    const before = this.#state;
    const after = {
      ...before,
      ...(circuit === undefined ? {} : { registration: circuit }),
      ...(packet === undefined ? {} : { packetRegistration: packet }),
    };
    if (after.registration === before.registration && after.packetRegistration === before.packetRegistration) return;
    this.#state = after;
    const { registration, packetRegistration } = after;
    this.#parts.onEvent({ type: 'registration', registration, packetRegistration });
    const wasIn = isRegistered(before.registration) || isRegistered(before.packetRegistration);
    const isIn = isRegistered(after.registration) || isRegistered(after.packetRegistration);
    if (isIn && !wasIn) this.#parts.onRegistered();
    if (wasIn && !isIn) this.#parts.onContextDoubtful();
  }
}
