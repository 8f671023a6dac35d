import type { AtClient } from '@cellmux/at';
import { CellmuxError, hasCode, type Cancel, type Clock } from '@cellmux/port';
import type { AtLane } from './at-lane.ts';
import { ConnIdPool, type AcquireOptions } from './conn-id-pool.ts';
import type { ConnIdHost, ConnIdUser } from './conn-id-user.ts';
import { contextStates } from './contexts.ts';
import { parseSocketStatus } from './core/socket-status.ts';
import { parseSocketUrc } from './core/urc.ts';
import type { IpEasyEvent } from './ip-easy-event.ts';
import { isRefusal } from './ip-easy-error.ts';
import type { Lanes } from './lanes.ts';

/** Options of {@link SocketTable}. */
export interface SocketTableOptions {
  readonly lanes: Lanes;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** How long nothing may be heard of open sockets before they are asked after; Infinity: never. */
  readonly watchMs: number;
  readonly emit: (event: IpEasyEvent) => void;
  /** The module has forgotten its settings. */
  readonly onReset: () => void;
}

/**
 * Who holds which of the six connIds. Carries the module's indications to them, and finds out with `#SS` who has died
 * when the module does not say, or says nothing for long.
 */
export class SocketTable implements ConnIdHost {
  readonly #options: SocketTableOptions;
  readonly #pool = new ConnIdPool();
  readonly #users = new Map<number, ConnIdUser>();
  #sweeping: Promise<void> | undefined;
  #sweepAgain = false;
  #suspicious = false;
  #activity = new Map<ConnIdUser, number>();
  #cancelWatch: Cancel | undefined;
  #isClosed = false;

  constructor(options: SocketTableOptions) {
    this.#options = options;
  }

  get users(): readonly ConnIdUser[] {
    return [...this.#users.values()];
  }

  isUsed(connId: number): boolean {
    return this.#users.has(connId);
  }

  /** A connId that nobody holds; {@link add} or {@link giveBack} must follow. */
  acquire(options: AcquireOptions): Promise<number> {
    return this.#pool.acquire(options);
  }

  giveBack(connId: number): void {
    this.#pool.release(connId);
  }

  add(user: ConnIdUser): void {
    this.#users.set(user.connId, user);
    this.#watch();
  }

  /** The connId goes over to another holder: a listener becomes a connection. */
  replace(before: ConnIdUser, after: ConnIdUser): void {
    if (this.#users.get(before.connId) === before) this.#users.set(after.connId, after);
  }

  released(user: ConnIdUser): void {
    if (this.#users.get(user.connId) !== user) return;
    this.#users.delete(user.connId);
    this.#pool.release(user.connId);
    if (this.#users.size === 0) this.#stopWatch();
  }

  near(preferred: AtLane): AtLane {
    return this.#options.lanes.near(preferred);
  }

  /** A line that belongs to no command. */
  indication(lane: AtLane, line: string): void {
    const urc = parseSocketUrc(line);
    switch (urc?.type) {
      case 'sring': {
        const user = this.#users.get(urc.connId);
        if (user !== undefined) user.noticeData(urc.waitingBytes);
        else this.#options.emit({ type: 'strayIndication', line });
        return;
      }
      case 'noCarrier':
        // With its connId it still does not tell a peer's end from a lost context.
        void this.sweep(lane);
        return;
      case 'listenerAborted':
        void this.sweep(lane);
        return;
      case 'contextActivated':
        this.#options.emit({ type: 'contextReactivated', address: urc.address });
        return;
      case undefined:
        return;
    }
  }

  /** A port is gone, and with it what it carried. */
  portLost(lane: AtLane, reason: CellmuxError): void {
    for (const user of this.users) if (user.lane === lane) user.fail(reason);
  }

  /** One question answers any number of closed sockets. */
  sweep(lane: AtLane, { suspicious = false }: { readonly suspicious?: boolean } = {}): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#suspicious ||= suspicious;
    if (this.#sweeping !== undefined) {
      this.#sweepAgain = true;
      return this.#sweeping;
    }
    this.#sweeping = this.#sweep(lane).finally(() => (this.#sweeping = undefined));
    return this.#sweeping;
  }

  async #sweep(lane: AtLane): Promise<void> {
    do {
      this.#sweepAgain = false;
      try {
        await this.near(lane).run((at) => this.#ask(at), { front: true });
      } catch (error) {
        if (hasCode(error, 'ERR_IPEASY_CLOSED')) return;
        this.#options.emit({ type: 'statusUnknown', error });
      }
    } while (this.#wantsSweep());
  }

  #wantsSweep(): boolean {
    return this.#sweepAgain && !this.#isClosed;
  }

  async whyEnded(user: ConnIdUser): Promise<CellmuxError | undefined> {
    try {
      const others = this.users.filter((other) => other !== user && other.isSettled);
      const lost = await this.near(user.lane).run((at) => this.#whyLost(at, [user, ...others], [user]), {
        front: true,
      });
      return lost.get(user);
    } catch {
      // Without an answer it counts as the peer's end; whoever uses the port next hears of its trouble.
      return undefined;
    }
  }

  async close(reason: CellmuxError): Promise<void> {
    this.#isClosed = true;
    this.#stopWatch();
    this.#pool.fail(reason);
    await Promise.allSettled(this.users.map((user) => user.close()));
  }

  async #ask(at: AtClient): Promise<void> {
    // The answer can speak only of those that were open before the question.
    const judged = this.users.filter((user) => user.isSettled);
    this.#sweepAgain = false;
    if (judged.length === 0) return;
    const [only] = judged;
    const { lines } = await at.command(judged.length === 1 && only !== undefined ? `AT#SS=${only.connId}` : 'AT#SS', {
      timeoutMs: this.#options.timeoutMs,
    });
    const closed: [ConnIdUser, 'closed' | 'listening'][] = [];
    for (const line of lines) {
      const status = parseSocketStatus(line);
      const user = judged.find((candidate) => candidate.connId === status?.connId);
      if (status === undefined || user === undefined) continue;
      if (status.state === 'closed' || status.state === 'listening') closed.push([user, status.state]);
      else if (status.state === 'suspendedWithData') user.noticeData(undefined);
      else if (status.state === 'incoming') user.noticeData(undefined);
    }
    const lost = await this.#whyLost(
      at,
      judged,
      closed.filter(([, state]) => state === 'closed').map(([user]) => user),
    );
    for (const [user, state] of closed) {
      const reason = lost.get(user);
      if (reason === undefined) user.noticeClosed(state);
      else user.fail(reason, { isFree: true });
    }
  }

  /** A context that goes down, and a reset, close all sockets at once and say no more than a peer's end does. */
  async #whyLost(
    at: AtClient,
    judged: readonly ConnIdUser[],
    closed: readonly ConnIdUser[],
  ): Promise<ReadonlyMap<ConnIdUser, CellmuxError>> {
    const suspicious = this.#suspicious;
    this.#suspicious = false;
    const lost = new Map<ConnIdUser, CellmuxError>();
    const cids = new Set(closed.map((user) => user.cid));
    for (const user of judged) if (!closed.includes(user)) cids.delete(user.cid);
    if (cids.size === 0) return lost;
    const states = await contextStates(at, this.#options.timeoutMs).catch((error: unknown) => {
      if (isRefusal(error)) return undefined;
      throw error;
    });
    const down = [...cids].filter((cid) => states?.find((state) => state.cid === cid)?.isActive !== true);
    if (states === undefined || (down.length === 0 && !suspicious)) return lost;
    const wasReset = await this.#wasReset(at);
    if (wasReset) {
      this.#options.emit({ type: 'moduleReset' });
      this.#options.onReset();
    } else {
      for (const cid of down) this.#options.emit({ type: 'contextLost', cid });
    }
    for (const user of closed) {
      if (wasReset) lost.set(user, resetError(user.connId));
      else if (down.includes(user.cid)) lost.set(user, contextLostError(user.connId, user.cid));
    }
    return lost;
  }

  /** Numbered errors were switched on, and only for the time until the module starts again. */
  async #wasReset(at: AtClient): Promise<boolean> {
    try {
      const { lines } = await at.command('AT+CMEE?', { timeoutMs: this.#options.timeoutMs });
      return lines.some((line) => /^\+CMEE\s*:\s*0/.test(line));
    } catch (error) {
      if (isRefusal(error)) return false;
      throw error;
    }
  }

  /** Asks after sockets of which nothing was heard for a whole period: the indication of their data may be lost. */
  #watch(): void {
    const { clock, watchMs, lanes } = this.#options;
    if (this.#cancelWatch !== undefined || watchMs === Infinity || this.#isClosed) return;
    const check = (): void => {
      this.#cancelWatch = clock.after(watchMs, check);
      const before = this.#activity;
      this.#activity = new Map(this.users.map((user) => [user, user.activity]));
      const isSilent = (user: ConnIdUser): boolean => user.isSettled && before.get(user) === user.activity;
      // A question on a port that the module may go online on could end up with a peer.
      if (this.users.some((user) => isSilent(user) && !user.lane.isHeld)) void this.sweep(lanes.any());
    };
    this.#cancelWatch = clock.after(watchMs, check);
  }

  #stopWatch(): void {
    this.#cancelWatch?.();
    this.#cancelWatch = undefined;
    this.#activity = new Map();
  }
}

function contextLostError(connId: number, cid: number): CellmuxError {
  return new CellmuxError('ERR_IPEASY_CONTEXT_LOST', `socket ${connId}: the network has taken context ${cid} away`, {
    hint: 'Activate the context again, then open the connection again.',
    context: { cid },
  });
}

function resetError(connId: number): CellmuxError {
  return new CellmuxError('ERR_IPEASY_MODULE_RESET', `socket ${connId}: the module was reset`, {
    hint: 'Activate the context again, then open the connection again.',
  });
}
