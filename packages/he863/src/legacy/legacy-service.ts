import type { CommandContext, CommandResult } from '@cellmux/at';
import type { ModuleServices, PortSession } from '../module/module-services.ts';
import type { Activation } from '../sockets/easy-contexts.ts';
import { FACTORY_EXTENDED } from '../sockets/machine/socket-settings.ts';
import { SOCKET_ERRORS } from '../sockets/machine/socket-transitions.ts';
import { ModuleSocket } from '../sockets/module-socket.ts';
import { socketTableOf, type SocketTable, type StackUser } from '../sockets/socket-table.ts';
import { LegacySettings } from './legacy-settings.ts';

/** The context of the old commands. */
export const LEGACY_CID = 1;

type Context = CommandContext<PortSession>;

/** Where #SKTD and #SKTOP go. */
export interface LegacyTarget {
  readonly transport: 'tcp' | 'udp';
  readonly port: number;
  readonly host: string;
  readonly closureType: number;
  readonly localPort: number;
}

/**
 * The old interface with one socket a port (guide §3.2.2.7, §3.4): #SKTD, #SKTOP and #SKTL. The escape sequence closes
 * their sockets, and three ports may have one each.
 */
export class LegacyService implements StackUser {
  readonly settings: LegacySettings;
  readonly table: SocketTable;
  readonly #sockets = new Map<PortSession, ModuleSocket>();

  constructor(module: ModuleServices) {
    this.table = socketTableOf(module);
    this.settings = new LegacySettings(module.nvm);
    this.table.attach(this);
  }

  get isActive(): boolean {
    return this.table.contexts.isActive(LEGACY_CID);
  }

  /** #GPRS=1. */
  activate(signal: AbortSignal): Promise<Activation> {
    const { userId: user, password } = this.settings.values;
    return this.table.contexts.activate(LEGACY_CID, { user, password, signal, mustBeBound: false });
  }

  /** #GPRS=0. */
  deactivate(): void {
    this.table.contexts.deactivate(LEGACY_CID);
  }

  /** #SKTD. */
  async dial(context: Context, target: LegacyTarget): Promise<CommandResult> {
    if (!this.isActive) return { cme: SOCKET_ERRORS.contextNotOpened };
    return this.socketOf(context.session).dial(context, { ...target, online: true });
  }

  /** #SKTOP: context and socket in one, and both end together. */
  async open(context: Context): Promise<CommandResult> {
    // Guide §3.2.2.7: only on the first port.
    if (context.session.dlci > 1) return { cme: SOCKET_ERRORS.operationNotAllowed };
    const { socketType, remotePort, remoteAddress, closureType, localPort } = this.settings.values;
    if (remoteAddress === '') return { cme: SOCKET_ERRORS.operationNotAllowed };
    if (!this.isActive) {
      const activation = await this.activate(context.signal);
      if ('cme' in activation) return activation;
    }
    try {
      return await this.dial(context, {
        transport: socketType === 0 ? 'tcp' : 'udp',
        port: remotePort,
        host: remoteAddress,
        closureType,
        localPort,
      });
    } finally {
      this.deactivate();
    }
  }

  /** #SKTL. */
  listen(context: Context, transport: 'tcp' | 'udp', port: number, closureType: number): Promise<CommandResult> {
    if (!this.isActive) return Promise.resolve({ cme: SOCKET_ERRORS.contextNotOpened });
    return this.socketOf(context.session).listen(context, { transport, port, closureType });
  }

  /** The socket of a port. */
  socketOf(session: PortSession): ModuleSocket {
    const known = this.#sockets.get(session);
    if (known !== undefined) return known;
    const socket = new ModuleSocket({
      connId: 0,
      table: this.table,
      escapeCloses: true,
      acceptsWith: ({ address }) => `+CONN FROM: ${address}`,
      configuration: () => {
        const { packetSize, inactivityTimeout, connectTimeout, sendTimeout } = this.settings.values;
        return {
          cid: LEGACY_CID,
          pktSz: packetSize,
          maxTo: inactivityTimeout,
          connTo: connectTimeout,
          txTo: sendTimeout,
        };
      },
      extended: () => FACTORY_EXTENDED,
    });
    this.#sockets.set(session, socket);
    this.table.add(socket);
    return socket;
  }

  contextLost(cid: number, silent: boolean): void {
    if (cid === LEGACY_CID && silent) this.settings.reload();
  }

  sessionClosed(session: PortSession): void {
    const socket = this.#sockets.get(session);
    if (socket === undefined) return;
    socket.sessionClosed(session);
    this.#sockets.delete(session);
    // An online one ends with its data phase, a moment later.
    this.table.remove(socket);
  }
}

const services = new WeakMap<ModuleServices, LegacyService>();

/** The old commands of the module. */
export function legacyServiceOf(module: ModuleServices): LegacyService {
  const service = services.get(module) ?? new LegacyService(module);
  services.set(module, service);
  return service;
}
