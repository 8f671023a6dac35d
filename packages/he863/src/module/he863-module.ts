import { AtServer } from '@cellmux/at';
import { seededRandom, type Cancel, type Clock, type Port } from '@cellmux/port';
import { emailCommands } from '../email/index.ts';
import { ftpCommands } from '../ftp/index.ts';
import { legacyCommands } from '../legacy/index.ts';
import { socketCommands, SocketTable } from '../sockets/index.ts';
import { callCommands } from './commands/call-commands.ts';
import type { Declaration } from './commands/declaration.ts';
import { IDENTIFICATION, identityCommands, simCommands } from './commands/identity-commands.ts';
import { lineCommands } from './commands/line-commands.ts';
import { listCommands } from './commands/list-commands.ts';
import { multiplexerCommands } from './commands/multiplexer-commands.ts';
import { nameCommands } from './commands/name-commands.ts';
import { packetDomainCommands } from './commands/packet-domain-commands.ts';
import { qualityCommands } from './commands/quality-commands.ts';
import { registrationCommands, registrationLine } from './commands/registration-commands.ts';
import type { He863Event } from './he863-event.ts';
import { Faults } from './faults/faults.ts';
import { parseFaults } from './faults/parse-faults.ts';
import { HostTable } from './host-table.ts';
import type { LineGate } from './line-gate.ts';
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
  readonly faults: Faults;
  /** Contexts that `+CGACT` has active, with their addresses. */
  readonly plainContexts = new Map<number, string>();
  readonly #emit: (event: He863Event) => void;
  readonly #commands: readonly Declaration[];
  readonly #sessions = new Map<PortSession, LineGate>();
  readonly #lines = new Set<ServedLine>();
  #power = 1;
  /** A power cycle is under way; its end. */
  #boot: Cancel | undefined;
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
      authentication: this.checked.apnAuth,
    });
    this.sockets = new SocketTable(this);
    this.calls = new PppCalls(this);
    const commands = [
      ...identityCommands,
      ...simCommands(this.sim),
      ...registrationCommands(this),
      ...packetDomainCommands(this),
      ...qualityCommands(this.nvm),
      ...lineCommands(this.nvm),
      ...nameCommands(this.resolver),
      ...callCommands(this),
      ...multiplexerCommands(this),
      ...socketCommands,
      ...ftpCommands,
      ...emailCommands,
      ...legacyCommands,
    ];
    this.#commands = [...commands, listCommands(commands)];
    this.network.registration$.subscribe(() => {
      this.#tellRegistration();
    });
    this.faults = new Faults(this);
    const { faults = [] } = options;
    this.faults.plan(typeof faults === 'string' ? parseFaults(faults) : faults);
    this.startNetwork();
  }

  get sessions(): ReadonlySet<PortSession> {
    return new Set(this.#sessions.keys());
  }

  /** The gates of a port: 0 the lines, 1 to 3 the DLCs of that number. */
  gatesOf(dlci: number): readonly LineGate[] {
    return [...this.#sessions].flatMap(([session, gate]) => (session.dlci === dlci ? [gate] : []));
  }

  get pppCid(): number | undefined {
    return this.calls.current?.cid;
  }

  /** +CFUN's value. */
  get power(): number {
    return this.#power;
  }

  /** False from a power cycle until AT is back. */
  get isOn(): boolean {
    return this.#boot === undefined;
  }

  /** A line with AT on it, from now until it ends. */
  serve(line: Port): void {
    const forMs = this.faults.linesAreGoneMs;
    if (forMs !== undefined) {
      this.emit({ type: 'lineLost', port: line.name, forMs });
      void line.close({ signal: AbortSignal.abort() });
      return;
    }
    const served = new ServedLine(line, this, () => {
      this.#lines.delete(served);
    });
    this.#lines.add(served);
    served.start();
  }

  /** An AT port: the bare line, or a DLC. */
  openPort(gate: LineGate, dlci: number): PortSession {
    const portName = dlci === 0 ? 'line' : `DLCI ${dlci}`;
    const server: AtServer<PortSession> = new AtServer<PortSession>(gate.port, this.#commands, {
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
      beforeLine: () => this.faults.beforeLine(dlci),
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
    this.#sessions.set(session, gate);
    this.faults.applyTo(gate, dlci);
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
    const address = this.addressOf(cid);
    this.plainContexts.delete(cid);
    // The sockets tell of their own contexts.
    if (this.sockets.contextActive(cid)) this.sockets.contextLost(cid);
    else if (address !== undefined) this.emit({ type: 'contextLost', cid });
    if (this.pppCid === cid) this.calls.current?.lose('context lost');
    if (address !== undefined) this.#tellContextLost(cid, address);
  }

  /** Leaves the packet domain: all contexts go. */
  detach(): void {
    this.network.attached = false;
    this.dropAllContexts();
  }

  /** The call on a port ends with NO CARRIER. */
  dropCarrier(dlci: number): void {
    for (const session of this.sessions) {
      if (session.dlci !== dlci) continue;
      const call = this.calls.of(session);
      if (call === undefined) session.server.dropCarrier();
      else call.lose('carrier lost');
    }
  }

  /** Notes whether the multiplexer has the line of this port. */
  carriesMultiplexer(session: PortSession, carries: boolean): void {
    const gate = this.#sessions.get(session);
    if (gate === undefined) return;
    gate.carriesMultiplexer = carries;
    this.faults.applyTo(gate, session.dlci);
  }

  /** Closes all lines; who serves them learns for how long. */
  loseLines(forMs: number): void {
    for (const line of this.#lines) {
      this.emit({ type: 'lineLost', port: line.name, forMs });
      line.lose();
    }
  }

  /** +CFUN: 1 and 5 with the radio, 0 and 4 without. */
  setPower(power: number): void {
    this.#power = power;
    if (power === 0 || power === 4) this.dropAllContexts();
    this.startNetwork();
  }

  /** The search for a network begins, where there is a SIM, the radio is on and no fault is in the way. */
  startNetwork(): void {
    const { outage } = this.faults;
    const hasRadio = this.isOn && (this.#power === 1 || this.#power === 5);
    if (this.sim.error !== undefined || !hasRadio) this.network.idle(this.sim.error);
    else if (outage === 'coverage') this.network.lose();
    else if (outage === 'denied') this.network.deny();
    else this.network.start();
  }

  /** All contexts go, as when the network takes them. */
  dropAllContexts(): void {
    for (let cid = 1; cid <= 5; cid++) this.dropContext(cid);
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
    this.#boot?.();
    this.#boot = this.clock.after(this.checked.bootMs, () => {
      this.#boot = undefined;
      for (const line of this.#lines) line.powerUp();
      this.startNetwork();
    });
    this.startNetwork();
    this.faults.powerCycled();
    await this.sockets.reset();
  }

  emit(event: He863Event): void {
    this.#emit(event);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#boot?.();
    this.faults.clear();
    this.calls.current?.hangUp('closed');
    for (const line of this.#lines) line.end();
    this.network.stop();
    await this.sockets.closeAll();
  }

  #tellContextLost(cid: number, address: string): void {
    for (const session of this.#listeningSessions()) {
      if (session.server.settings.get('+CGEREP') > 0) session.urc(`+CGEV: NW DEACT "IP","${address}",${cid}`);
    }
  }

  /** Ports that hear what the network says: not the line while the multiplexer has it. */
  #listeningSessions(): readonly PortSession[] {
    return [...this.#sessions.keys()].filter(({ server }) => server.mode !== 'takenOver');
  }

  #tellRegistration(): void {
    const { network } = this;
    for (const session of this.#listeningSessions()) {
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
