import type { AbortOptions } from '@cellmux/port';
import type { IpEasyEvent } from './ip-easy-event.ts';
import { ipEasyError } from './ip-easy-error.ts';
import { keepEscapeFromPeers } from './keep-escape-from-peers.ts';
import type { Lanes } from './lanes.ts';
import type { SocketSetup } from './socket-setup.ts';
import type { SocketTable } from './socket-table.ts';

/** What {@link Preparation} is made of. */
export interface PreparationOptions {
  readonly lanes: Lanes;
  readonly setup: SocketSetup;
  readonly table: SocketTable;
  readonly timeoutMs: number;
  readonly emit: (event: IpEasyEvent) => void;
}

/** Brings the module into a known state, once, and again when it has forgotten. */
export class Preparation {
  readonly #options: PreparationOptions;
  #prepared: Promise<void> | undefined;

  constructor(options: PreparationOptions) {
    this.#options = options;
  }

  /** Done already, under way, or begun now. */
  ready(): Promise<void> {
    return this.#prepared ?? this.prepare();
  }

  /** The module was started anew: whoever needs it next prepares it first. */
  forget(): void {
    this.#prepared = undefined;
  }

  prepare(options: AbortOptions = {}): Promise<void> {
    const prepared = this.#prepare(options);
    this.#prepared = prepared;
    prepared.catch(() => {
      if (this.#prepared === prepared) this.#prepared = undefined;
    });
    return prepared;
  }

  async #prepare({ signal }: AbortOptions): Promise<void> {
    const { lanes, setup, table, timeoutMs, emit } = this.#options;
    try {
      for (const lane of lanes.all) {
        await lane.run(
          async (at) => {
            await at.command('ATE0', { timeoutMs });
            await at.command('AT+CMEE=1', { timeoutMs });
            await keepEscapeFromPeers(at, timeoutMs);
          },
          { signal },
        );
      }
      const closedLeftovers = await lanes.any().run(
        async (at) => {
          // Own sockets are in use when it is done again: they are nobody's leftovers.
          const closed = table.users.length === 0 ? await setup.closeLeftovers(at) : 0;
          await setup.configure(at, (connId) => !table.isUsed(connId));
          return closed;
        },
        { signal },
      );
      emit({ type: 'prepared', closedLeftovers });
    } catch (error) {
      throw ipEasyError(error, 'preparing the module');
    }
  }
}
