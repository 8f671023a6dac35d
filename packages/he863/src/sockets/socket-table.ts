import { fromLatin1, toHex, type Clock } from '@cellmux/port';
import type { ModuleServices, PortSession, SocketLayer } from '../module/module-services.ts';
import { AutomaticActivation } from './automatic-activation.ts';
import { EasyContexts } from './easy-contexts.ts';
import { Firewall } from './machine/firewall.ts';
import { CONN_IDS } from './machine/socket-settings.ts';
import { ModuleSocket } from './module-socket.ts';
import { checkSocketOptions, type CheckedSocketOptions } from './socket-options.ts';
import type { Transport } from './transport.ts';
import { StoredSettings } from './stored-settings.ts';

const MAXIMUM_DATA = 'sockets.tcpmaxdat';

/** What works on the stack besides the connIds: a FTP session, the old commands. */
export interface StackUser {
  /** A context is gone; `silent` after a power cycle, when nobody is told. */
  contextLost(cid: number, silent: boolean): void;
  /** An AT port is gone. */
  sessionClosed(session: PortSession): void;
}

/** The six connIds of a module, their contexts and their firewall: what the multisocket commands work on. */
export class SocketTable implements SocketLayer {
  readonly module: ModuleServices;
  readonly clock: Clock;
  readonly options: CheckedSocketOptions;
  readonly settings: StoredSettings;
  readonly contexts: EasyContexts;
  readonly reactivation: AutomaticActivation;
  readonly firewall = new Firewall();
  readonly sockets: readonly ModuleSocket[];
  /** #PADFWD's character, and whether #PADCMD has it on. */
  padding = { character: 0, on: false };
  #maximumData = 0;
  /** Sockets without a connId: those of the old commands. */
  readonly #others = new Set<ModuleSocket>();
  readonly #users = new Set<StackUser>();
  /** Every connection that is not gone yet, those that say goodbye in the background too. */
  readonly #connections = new Set<Transport>();
  #shownPorts = 0;

  constructor(module: ModuleServices) {
    this.module = module;
    this.clock = module.clock;
    this.options = checkSocketOptions(module.options);
    this.settings = new StoredSettings(module.nvm, this.options.factoryBinding);
    this.contexts = new EasyContexts(module, this.options.maxActiveContexts, {
      isBound: (cid) => CONN_IDS.some((connId) => this.settings.configuration(connId).cid === cid),
      closeSockets: (cid) => {
        for (const socket of this.#all()) if (socket.cid === cid) socket.contextLost();
        for (const user of this.#users) user.contextLost(cid, false);
      },
    });
    this.reactivation = new AutomaticActivation(module, this.contexts, (text) => {
      for (const session of module.sessions) void session.server.urc(text);
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

  /** #TCPMAXDAT: 0 automatic, or 496 to 1420 bytes. */
  get maximumData(): number {
    const stored = this.module.nvm.get(MAXIMUM_DATA);
    if (this.options.tcpMaxDatKept === 'nvm') return typeof stored === 'number' ? stored : 0;
    return this.#maximumData;
  }

  set maximumData(bytes: number) {
    if (this.options.tcpMaxDatKept === 'nvm') this.module.nvm.set(MAXIMUM_DATA, bytes);
    else this.#maximumData = bytes;
  }

  /** Takes it out again. */
  remove(socket: ModuleSocket): void {
    this.#others.delete(socket);
  }

  /** Adds something that wants to know when a context or a port is gone. */
  attach(user: StackUser): void {
    this.#users.add(user);
  }

  /** Notes a connection, until it is gone. */
  track(transport: Transport): void {
    this.#connections.add(transport);
    void transport.closed.then(() => this.#connections.delete(transport));
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
    if (this.contexts.lost(cid)) this.reactivation.contextLost(cid);
  }

  sessionClosed(session: PortSession): void {
    for (const socket of this.#all()) socket.sessionClosed(session);
    for (const user of this.#users) user.sessionClosed(session);
  }

  async reset(): Promise<void> {
    const open = this.#silence();
    this.firewall.clear();
    this.padding = { character: 0, on: false };
    this.#maximumData = 0;
    this.settings.reload();
    await Promise.all(open);
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.#silence());
  }

  #silence(): Promise<void>[] {
    this.contexts.forget();
    this.reactivation.stop();
    for (const socket of this.#all()) socket.contextLost(true);
    for (const user of this.#users) for (const cid of [1, 2, 3, 4, 5]) user.contextLost(cid, true);
    return [...this.#connections].map((transport) => {
      transport.abort();
      return transport.closed;
    });
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
