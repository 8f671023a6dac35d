import type { AtClient } from '@cellmux/at';
import type { AbortOptions } from '@cellmux/port';
import {
  activate,
  contextAddress,
  contextStates,
  deactivate,
  defineContext,
  type ActivationParameters,
  type ContextDefinition,
  type ContextState,
} from './contexts.ts';
import { CONNECTIONS } from './core/limits.ts';
import { ipEasyError } from './ip-easy-error.ts';
import type { IpEasyEvent } from './ip-easy-event.ts';
import type { Lanes } from './lanes.ts';
import type { SocketSetup } from './socket-setup.ts';
import type { SocketTable } from './socket-table.ts';

/** What {@link ModuleContexts} is made of. */
export interface ModuleContextsOptions {
  readonly lanes: Lanes;
  readonly setup: SocketSetup;
  readonly table: SocketTable;
  readonly timeoutMs: number;
  /** Settles when the module is prepared. */
  readonly ready: () => Promise<void>;
  readonly emit: (event: IpEasyEvent) => void;
}

/** The contexts of a module, on whichever AT port is free, and what they mean for its sockets. */
export class ModuleContexts {
  readonly #options: ModuleContextsOptions;

  constructor(options: ModuleContextsOptions) {
    this.#options = options;
  }

  async define(definition: ContextDefinition, { signal }: AbortOptions): Promise<void> {
    const { lanes, timeoutMs, ready } = this.#options;
    // Without numbered errors a refusal has no reason.
    await ready();
    await lanes.any().run((at) => defineContext(at, definition, timeoutMs), { signal });
  }

  async activate(parameters: ActivationParameters, { signal }: AbortOptions): Promise<{ address: string }> {
    const { lanes, timeoutMs, ready, emit } = this.#options;
    await ready();
    const { cid } = parameters;
    const address = await lanes.any().run(
      async (at) => {
        await this.#bindSome(at, cid);
        return (await activate(at, parameters)) ?? (await contextAddress(at, cid, timeoutMs));
      },
      { signal },
    );
    emit({ type: 'contextActivated', cid, address });
    return { address };
  }

  async deactivate(cid: number, { signal }: AbortOptions): Promise<void> {
    const { lanes, table, emit } = this.#options;
    const lane = lanes.any();
    await lane.run((at) => deactivate(at, cid), { signal });
    emit({ type: 'contextDeactivated', cid });
    if (table.users.some((user) => user.cid === cid)) await table.sweep(lane);
  }

  async list({ signal }: AbortOptions): Promise<readonly ContextState[]> {
    const { lanes, timeoutMs } = this.#options;
    try {
      return await lanes.any().run(
        async (at) => {
          const states: ContextState[] = [];
          for (const state of await contextStates(at, timeoutMs)) {
            states.push(state.isActive ? { ...state, address: await contextAddress(at, state.cid, timeoutMs) } : state);
          }
          return states;
        },
        { signal },
      );
    } catch (error) {
      throw ipEasyError(error, 'the states of the contexts');
    }
  }

  /** At least one connId must be bound to a context that is to be activated. */
  async #bindSome(at: AtClient, cid: number): Promise<void> {
    const { setup, table } = this.#options;
    for (let connId = 1; connId <= CONNECTIONS; connId++) if (setup.cidOf(connId) === cid) return;
    // From the other end: connId 1 should stay with the first context, for FTP and e-mail.
    for (let connId = CONNECTIONS; connId >= 1; connId--) {
      if (table.isUsed(connId)) continue;
      await setup.bind(at, connId, cid);
      return;
    }
  }
}
