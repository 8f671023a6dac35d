import type { CommandResult, DataPhase } from '@cellmux/at';
import { CellmuxError, DrivenPort, hasCode, type Cancel, type Clock } from '@cellmux/port';
import { PppLink, type PppServerOptions } from '@cellmux/ppp';
import type { Subscription } from 'rxjs';
import type { PacketNetwork } from '../network/packet-network.ts';
import type { PortSession } from './module-services.ts';

/** Packets towards the host that wait in a call; more are dropped, as any network does. */
export const PPP_QUEUE_LIMIT_PACKETS = 64;
/**
 * How long the call goes on behind a Terminate-Ack. A peer that redials at once, as `chat` does, finds the module in
 * command mode; RFC 1661 §3.7 lets a link without a carrier wait a whole Restart time, this one is told NO CARRIER.
 */
const HANG_UP_MS = 100;

/** What a {@link PppCall} is made of. */
export interface PppCallOptions {
  readonly cid: number;
  readonly session: PortSession;
  readonly clock: Clock;
  readonly network: PacketNetwork;
  readonly ppp: Omit<PppServerOptions, 'role' | 'clock'>;
  /** The call is over, whoever ended it. */
  readonly onEnd: (reason: string) => void;
  /** IPCP has opened. */
  readonly onUp: () => void;
}

/**
 * A PPP call: the server of the network's end, and what carries its octets. It outlives a data phase: `+++` suspends it,
 * `O` goes on with it.
 */
export class PppCall {
  readonly cid: number;
  readonly session: PortSession;
  readonly #options: PppCallOptions;
  readonly #wire: DrivenPort;
  readonly #link: PppLink;
  readonly #subscriptions: Subscription[] = [];
  #phase: DataPhase | undefined;
  #onAttached: (() => void)[] = [];
  #queued = 0;
  #isOver = false;

  constructor(options: PppCallOptions) {
    this.cid = options.cid;
    this.session = options.session;
    this.#options = options;
    this.#wire = new DrivenPort({
      name: `${options.session.portName} PPP`,
      role: 'dce',
      clock: options.clock,
      driver: {
        write: (bytes) => this.#write(bytes),
        pause: () => this.#phase?.pause(),
        resume: () => this.#phase?.resume(),
        close: () => undefined,
      },
    });
    this.#link = new PppLink(this.#wire, {
      ...options.ppp,
      role: 'server',
      clock: options.clock,
      // DTR is the AT server's business: &D decides what its drop means.
      watchCarrier: false,
    });
    this.#carryPackets();
    this.#hangUpBehindTerminateAck();
    this.#link.open().then(options.onUp, () => undefined);
    void this.#link.ended.then(
      ({ reason }) => this.#linkEnded(reason),
      () => this.#linkEnded('lost'),
    );
  }

  /** Goes online with the call; the result for the command that did it. */
  async run(phase: DataPhase): Promise<CommandResult> {
    this.#phase = phase;
    const subscription = phase.received$.subscribe({
      next: (chunk) => {
        this.#wire.received(chunk);
      },
      error: () => undefined,
    });
    if (this.#wire.isPaused) phase.pause();
    for (const resolve of this.#onAttached.splice(0)) resolve();
    if (this.#isOver) void phase.close();
    const end = await phase.ended;
    subscription.unsubscribe();
    this.#phase = undefined;
    if (end === 'escaped') return 'OK';
    this.hangUp(end);
    return 'NO CARRIER';
  }

  /** The network ends the call: NO CARRIER, also while it is suspended. */
  lose(reason: string): void {
    if (this.#isOver) return;
    const wasOnline = this.#phase !== undefined;
    this.hangUp(reason);
    if (!wasOnline) this.session.urc('NO CARRIER');
  }

  /** Ends the call; a host that is not online hears nothing of it. */
  hangUp(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    for (const resolve of this.#onAttached.splice(0)) resolve();
    this.#wire.failed(new CellmuxError('ERR_HE863_CARRIER_LOST', `the call has ended: ${reason}`));
    void this.#phase?.close();
    this.#options.onEnd(reason);
  }

  #carryPackets(): void {
    const { network } = this.#options;
    this.#subscriptions.push(
      this.#link.packets$.subscribe({
        next: (packet) => {
          network.send(packet).catch(() => undefined);
        },
        error: () => undefined,
      }),
      network.packets$.subscribe((packet) => {
        if (this.#queued >= PPP_QUEUE_LIMIT_PACKETS) return;
        this.#queued += 1;
        const done = (): void => {
          this.#queued -= 1;
        };
        this.#link.send(packet).then(done, done);
      }),
    );
  }

  #hangUpBehindTerminateAck(): void {
    let cancel: Cancel = () => undefined;
    const subscription = this.#link.events$.subscribe(({ type }) => {
      if (type !== 'peerTerminates') return;
      cancel();
      cancel = this.#options.clock.after(HANG_UP_MS, () => void this.#linkEnded('closedByPeer'));
    });
    subscription.add(() => {
      cancel();
    });
    this.#subscriptions.push(subscription);
  }

  /** The host or the server has ended PPP: what is under way still leaves, then the call is over. */
  async #linkEnded(reason: string): Promise<void> {
    if (this.#isOver) return;
    if (this.#phase !== undefined) await this.#wire.close();
    this.lose(reason);
  }

  async #write(bytes: Uint8Array): Promise<number> {
    for (;;) {
      const phase = this.#phase;
      if (this.#isOver) throw new CellmuxError('ERR_HE863_CARRIER_LOST', 'the call has ended');
      if (phase === undefined || phase.isClosed) {
        await new Promise<void>((resolve) => this.#onAttached.push(resolve));
        continue;
      }
      try {
        await phase.send(bytes.slice());
        return bytes.length;
      } catch (error) {
        const unsent = hasCode(error, 'ERR_PORT_CLOSED') ? error.context['unsentBytes'] : undefined;
        const sent = typeof unsent === 'number' ? bytes.length - unsent : 0;
        if (sent > 0) return sent;
        // An escape ends the phase before it says so: the next turn finds out.
        await phase.ended;
      }
    }
  }
}
