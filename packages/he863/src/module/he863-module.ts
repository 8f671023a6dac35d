import { AtServer } from '@cellmux/at';
import { seededRandom, type Clock, type Port } from '@cellmux/port';
import { socketCommands, SocketTable } from '../sockets/index.ts';
import { callCommands } from './commands/call-commands.ts';
import type { Declaration } from './commands/declaration.ts';
import { IDENTIFICATION, identityCommands } from './commands/identity-commands.ts';
import { lineCommands } from './commands/line-commands.ts';
import { multiplexerCommands } from './commands/multiplexer-commands.ts';
import { packetDomainCommands } from './commands/packet-domain-commands.ts';
import { qualityCommands } from './commands/quality-commands.ts';
import { registrationCommands, registrationLine } from './commands/registration-commands.ts';
import type { He863Event } from './he863-event.ts';
import { HostTable } from './host-table.ts';
import { MemoryNvm } from './memory-nvm.ts';
import type { ModuleServices, PortSession } from './module-services.ts';
import { MODULE_SETTINGS } from './module-settings.ts';
import { NvmProfiles } from './nvm-profiles.ts';
import { checkOptions, type CheckedOptions, type VirtualHe863Options } from './options.ts';
import { PppCalls } from './ppp-calls.ts';
import { ServedLine } from './served-line.ts';
import { SimCard } from './sim-card.ts';
import { SimulatedNetwork } from './simulated-network.ts';
import { StoredContexts } from './stored-contexts.ts';

/** The virtual module inside {@link VirtualHe863}: its memory, its network, its ports. */
export class He863Module implements ModuleServices {
  readonly clock: Clock;
  readonly options: VirtualHe863Options;
  readonly checked: CheckedOptions;
  readonly nvm: MemoryNvm;
  readonly contexts: StoredContexts;
  readonly network: SimulatedNetwork;
  readonly resolver: HostTable;
  readonly sim: SimCard;
  readonly sockets: SocketTable;
  readonly calls: PppCalls;
  readonly random: () => number;
  /** Contexts that `+CGACT` has active, with their addresses. */
  readonly plainContexts = new Map<number, string>();
  readonly #emit: (event: He863Event) => void;
  readonly #commands: readonly Declaration[];
  readonly #sessions = new Set<PortSession>();
  readonly #lines = new Set<ServedLine>();
  #power = 1;
  #isClosed = false;

  constructor(options: VirtualHe863Options, emit: (event: He863Event) => void) {
    this.options = options;
    this.checked = checkOptions(options);
    this.clock = this.checked.clock;
    this.#emit = emit;
    this.random = seededRandom(this.checked.seed);
    this.nvm = new MemoryNvm({
      ...(options.nvm === undefined ? {} : { contents: options.nvm }),
      ...(options.onNvmChange === undefined ? {} : { onChange: options.onNvmChange }),
    });
    this.contexts = new StoredContexts(this.nvm);
    this.resolver = new HostTable({ hosts: options.hosts ?? {}, machineNames: options.machineNames ?? true });
    this.sim = new SimCard(options.pin);
    this.network = new SimulatedNetwork({
      clock: this.clock,
      addresses: options.addresses ?? {},
      activationMs: this.checked.activationMs,
      registrationMs: this.checked.registrationMs,
      user: options.apnUser,
      password: options.apnPassword,
    });
    this.sockets = new SocketTable(this);
    this.calls = new PppCalls(this);
    this.#commands = [
      ...identityCommands,
      ...registrationCommands(this),
      ...packetDomainCommands(this),
      ...qualityCommands(this.nvm),
      ...lineCommands(this.nvm),
      ...callCommands(this),
      ...multiplexerCommands(this),
      ...socketCommands,
    ];
    this.network.registration$.subscribe(() => {
      this.#tellRegistration();
    });
    this.network.start(this.sim.isReady);
  }

  get sessions(): ReadonlySet<PortSession> {
    return this.#sessions;
  }

  get pppCid(): number | undefined {
    return this.calls.current?.cid;
  }

  /** +CFUN's value. */
  get power(): number {
    return this.#power;
  }

  /** A line with AT on it, from now until it ends. */
  serve(line: Port): void {
    const served = new ServedLine(line, this, () => {
      this.#lines.delete(served);
    });
    this.#lines.add(served);
  }

  /** An AT port: the bare line, or a DLC. */
  openPort(port: Port, dlci: number): PortSession {
    const portName = dlci === 0 ? 'line' : `DLCI ${dlci}`;
    const server: AtServer<PortSession> = new AtServer<PortSession>(port, this.#commands, {
      get session(): PortSession {
        return session;
      },
      clock: this.clock,
      settings: MODULE_SETTINGS,
      profiles: new NvmProfiles(this.nvm, dlci),
      identification: IDENTIFICATION,
      ...(this.options.maximumLineLength === undefined ? {} : { maximumLineLength: this.options.maximumLineLength }),
      forwardEscape: (settings) => settings.get('#SKIPESC') === 0,
      escapeGuardMs: (settings) => settings.get('#E2ESC') * 1000 || settings.escapeGuardMs,
      onDtrDropped: () => {
        this.calls.of(session)?.hangUp('DTR');
      },
    });
    const session: PortSession = {
      portName,
      dlci,
      server,
      module: this,
      urc: (text) => {
        void server.urc(text);
      },
    };
    server.events$.subscribe((event) => {
      if (event.type === 'handlerFailed') {
        this.emit({ type: 'handlerFailed', port: portName, command: event.name, error: event.error });
      }
    });
    this.#sessions.add(session);
    this.emit({ type: 'portOpened', port: portName });
    void server.ended.then(() => {
      this.#sessions.delete(session);
      this.sockets.sessionClosed(session);
      this.calls.of(session)?.hangUp('port closed');
      this.emit({ type: 'portClosed', port: portName });
    });
    return session;
  }

  /** True for a context that is active, whoever activated it. */
  isActive(cid: number): boolean {
    return this.addressOf(cid) !== undefined;
  }

  /** The address of an active context. */
  addressOf(cid: number): string | undefined {
    if (this.pppCid === cid) return this.network.addressOf(cid);
    return this.plainContexts.get(cid) ?? this.sockets.contextAddress(cid);
  }

  /** Takes a context away, whoever activated it. */
  dropContext(cid: number): void {
    if (this.isActive(cid)) this.emit({ type: 'contextLost', cid });
    this.plainContexts.delete(cid);
    if (this.sockets.contextActive(cid)) this.sockets.contextLost(cid);
    if (this.pppCid === cid) this.calls.current?.hangUp('context lost');
  }

  /** Leaves the packet domain: all contexts go. */
  detach(): void {
    this.network.attached = false;
    for (let cid = 1; cid <= 5; cid++) this.dropContext(cid);
  }

  /** +CFUN: 1 and 5 with the radio, 0 and 4 without. */
  setPower(power: number): void {
    this.#power = power;
    const hasRadio = power === 1 || power === 5;
    if (hasRadio) this.network.start(this.sim.isReady);
    else {
      for (let cid = 1; cid <= 5; cid++) this.dropContext(cid);
      this.network.start(false);
    }
  }

  /** A power cycle: every port is gone without a word, and AT is back on the lines after `bootMs`. */
  async reset(reason: string): Promise<void> {
    if (this.#isClosed) return;
    this.emit({ type: 'reset', reason });
    for (const line of this.#lines) line.powerDown();
    this.calls.current?.hangUp('reset');
    this.plainContexts.clear();
    this.sim.powerCycle();
    this.#power = 1;
    this.network.attached = true;
    this.network.start(false);
    await this.sockets.reset();
    this.clock.after(this.checked.bootMs, () => {
      if (this.#isClosed) return;
      for (const line of this.#lines) line.powerUp();
      this.network.start(this.sim.isReady);
    });
  }

  emit(event: He863Event): void {
    this.#emit(event);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.calls.current?.hangUp('closed');
    for (const line of this.#lines) line.end();
    this.network.stop();
    await this.sockets.closeAll();
  }

  #tellRegistration(): void {
    const { network } = this;
    for (const session of this.#sessions) {
      for (const [name, stat] of [
        ['+CREG', network.registration],
        ['+CGREG', network.packetRegistration],
      ] as const) {
        const mode = session.server.settings.get(name);
        if (mode > 0) session.urc(registrationLine(name, mode, stat, false));
      }
    }
  }
}
