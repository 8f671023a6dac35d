import { fromLatin1, toHex, type Clock } from '@cellmux/port';
import type { ModuleServices, PortSession, SocketLayer } from '../module/module-services.ts';
import { EasyContexts } from './easy-contexts.ts';
import { Firewall } from './machine/firewall.ts';
import { CONN_IDS } from './machine/socket-settings.ts';
import { ModuleSocket } from './module-socket.ts';
import { checkSocketOptions, type CheckedSocketOptions, type SocketOptions } from './socket-options.ts';
import { StoredSettings } from './stored-settings.ts';

/** The six connIds of a module, their contexts and their firewall: what the multisocket commands work on. */
export class SocketTable implements SocketLayer {
  readonly module: ModuleServices;
  readonly clock: Clock;
  readonly options: CheckedSocketOptions;
  readonly settings: StoredSettings;
  readonly contexts: EasyContexts;
  readonly firewall = new Firewall();
  readonly sockets: readonly ModuleSocket[];
  /** #PADFWD's character, and whether #PADCMD has it on. */
  padding = { character: 0, on: false };
  /** Sockets without a connId: those of the old commands. */
  readonly #others = new Set<ModuleSocket>();
  #shownPorts = 0;

  constructor(module: ModuleServices) {
    this.module = module;
    this.clock = module.clock;
    this.options = checkSocketOptions(module.options as SocketOptions);
    this.settings = new StoredSettings(module.nvm, this.options.factoryBinding);
    this.contexts = new EasyContexts(module, this.options.maxActiveContexts, {
      isBound: (cid) => CONN_IDS.some((connId) => this.settings.configuration(connId).cid === cid),
      closeSockets: (cid) => {
        for (const socket of this.#all()) if (socket.cid === cid) socket.contextLost();
      },
    });
    this.sockets = CONN_IDS.map(
      (connId) =>
        new ModuleSocket({
          connId,
          table: this,
          configuration: () => this.settings.configuration(connId),
          extended: () => this.settings.extended(connId),
        }),
    );
  }

  socket(connId: number): ModuleSocket {
    return this.sockets[connId - 1] as ModuleSocket;
  }

  /** Adds a socket that has no connId. It closes with its context and with the module like all others. */
  add(socket: ModuleSocket): void {
    this.#others.add(socket);
  }

  get forwardCharacter(): number | undefined {
    return this.padding.on ? this.padding.character : undefined;
  }

  /** Whether one more port may go online. */
  mayGoOnline(): boolean {
    return this.#all().filter((socket) => socket.state === 'online').length < this.options.maxOnlinePorts;
  }

  isListening(transport: 'tcp' | 'udp', port: number): boolean {
    return this.#all().some(({ listening }) => listening?.port === port && listening.transport === transport);
  }

  /** Whether the firewall lets a peer of this address of the machine in. */
  admits(address: string): boolean {
    return this.firewall.admits(this.shownAddress(address));
  }

  shownAddress(address: string): string {
    return this.options.peerAddresses[address] ?? address;
  }

  shownLocalPort(port: number): number {
    const { firstLocalPort } = this.options;
    return firstLocalPort === undefined ? port : Math.min(firstLocalPort + this.#shownPorts++, 65_535);
  }

  /** Received bytes as `<recvDataMode>` shows them: a character an octet, or hex. */
  present(bytes: Uint8Array, recvDataMode: number): string {
    if (recvDataMode === 0) return fromLatin1(bytes);
    return this.options.hexCase === 'upper' ? toHex(bytes) : toHex(bytes).toLowerCase();
  }

  report(connId: number, what: string): void {
    this.module.emit({ type: 'socket', connId, what });
  }

  contextActive(cid: number): boolean {
    return this.contexts.isActive(cid);
  }

  contextAddress(cid: number): string | undefined {
    return this.contexts.addressOf(cid);
  }

  pppMayStart(cid: number): boolean {
    return !this.contexts.isUsed(cid);
  }

  contextLost(cid: number): void {
    this.contexts.lost(cid);
  }

  sessionClosed(session: PortSession): void {
    for (const socket of this.#all()) socket.sessionClosed(session);
  }

  async reset(): Promise<void> {
    const open = this.#silence();
    this.firewall.clear();
    this.padding = { character: 0, on: false };
    this.settings.reload();
    await Promise.all(open);
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.#silence());
  }

  #silence(): Promise<void>[] {
    const open = this.#all().flatMap((socket) => (socket.transport === undefined ? [] : [socket.transport.closed]));
    this.contexts.forget();
    for (const socket of this.#all()) socket.contextLost(true);
    return open;
  }

  #all(): readonly ModuleSocket[] {
    return [...this.sockets, ...this.#others];
  }
}

/** The table that a command works on. */
export function socketTableOf(module: ModuleServices): SocketTable {
  const { sockets } = module;
  if (sockets instanceof SocketTable) return sockets;
  throw new TypeError('the module has no socket table');
}
