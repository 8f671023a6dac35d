import type { CommandContext, CommandResult, DataPhaseOptions, PromptEnd } from '@cellmux/at';
import { fromLatin1, latin1, systemClock, type Clock } from '@cellmux/port';
import type { He863Event } from '../../module/he863-event.ts';
import type { DialTarget, JsonValue, ModuleServices, PortSession } from '../../module/module-services.ts';
import type { Declaration } from '../commands/arguments.ts';
import { socketCommands, SocketTable, type SocketOptions } from '../index.ts';
import { ScriptedPhase } from './scripted-phase.ts';

/** Options of {@link scriptedModule}. */
export interface ScriptedModuleOptions extends SocketOptions {
  readonly clock?: Clock;
  /** Names and addresses, as `address:port` of the machine. */
  readonly hosts?: Readonly<Record<string, string>>;
  readonly nvm?: Map<string, JsonValue>;
  /** What the hosts may give besides the socket commands. */
  readonly commands?: readonly Declaration[];
}

/** A module without its AT server: the sockets, and hosts that give commands by calling their handlers. */
export interface ScriptedModule {
  readonly table: SocketTable;
  readonly services: ModuleServices;
  readonly events: He863Event[];
  readonly nvm: Map<string, JsonValue>;
  host(dlci?: number): ScriptedHost;
}

type Handler = (context: CommandContext<PortSession>) => CommandResult | Promise<CommandResult>;

/** Makes a module in which contexts 1 to 5 are defined. */
export function scriptedModule(options: ScriptedModuleOptions = {}): ScriptedModule {
  const commands = [...socketCommands, ...(options.commands ?? [])];
  const nvm = options.nvm ?? new Map<string, JsonValue>();
  const events: He863Event[] = [];
  const defined = [1, 2, 3, 4, 5].map((cid) => ({ cid, type: 'IP', apn: 'a', address: '', dComp: 0, hComp: 0 }));
  const sessions = new Set<PortSession>();
  const services = {
    clock: options.clock ?? systemClock,
    options,
    sessions,
    nvm: {
      get: (key: string) => nvm.get(key),
      set: (key: string, value: JsonValue) => nvm.set(key, JSON.parse(JSON.stringify(value)) as JsonValue),
      delete: (key: string) => nvm.delete(key),
    },
    contexts: { get: (cid: number) => defined[cid - 1], all: () => defined },
    network: {
      activate: (cid: number) => Promise.resolve({ address: `10.64.0.${cid}` }),
      deactivate: () => undefined,
      socketRefusal: () => undefined,
    },
    resolver: { target: (host: string, port: number) => Promise.resolve(targetOf(options.hosts ?? {}, host, port)) },
    pppCid: undefined,
    random: () => 0.5,
    emit: (event: He863Event) => {
      events.push(event);
    },
  } as unknown as ModuleServices & { sockets: SocketTable };
  const table = new SocketTable(services);
  Object.assign(services, { sockets: table });
  return { table, services, events, nvm, host: (dlci = 0) => new ScriptedHost(services, dlci, sessions, commands) };
}

function targetOf(hosts: Readonly<Record<string, string>>, host: string, port: number): DialTarget | undefined {
  const mapped = hosts[`${host}:${port}`] ?? hosts[host];
  if (mapped === undefined) {
    if (!/^[\d.]+$/.test(host)) return undefined;
    return { address: host, port, shownAddress: host, shownPort: port };
  }
  const [address = '', realPort] = mapped.split(':');
  const shownAddress = /^[\d.]+$/.test(host) ? host : address;
  return { address, port: realPort === undefined ? port : Number(realPort), shownAddress, shownPort: port };
}

/** A host on one port: gives commands, answers prompts, and sees what the port prints as a real one would. */
export class ScriptedHost {
  readonly session: PortSession;
  /** All that was printed, commands not echoed. */
  text = '';
  phase: ScriptedPhase | undefined;
  /** How the last call was to be. */
  callOptions: DataPhaseOptions | undefined;
  /** Texts for the prompts to come; undefined is ESC. */
  readonly prompts: (Uint8Array | undefined)[] = [];
  readonly #abort = new AbortController();
  readonly #unsolicited: Handler[] = [];
  readonly #services: ModuleServices;
  readonly #commands: readonly Declaration[];
  #busy = false;
  #wakers: (() => void)[] = [];

  constructor(services: ModuleServices, dlci: number, sessions: Set<PortSession>, commands: readonly Declaration[]) {
    this.#commands = commands;
    this.#services = services;
    const server = {
      unsolicited: (handler: Handler) => {
        this.#unsolicited.push(handler);
        queueMicrotask(() => void this.#drain());
        return new Promise(() => undefined);
      },
    };
    this.session = {
      portName: dlci === 0 ? 'line' : `DLCI ${dlci}`,
      dlci,
      server,
      module: services,
      urc: () => undefined,
    } as unknown as PortSession;
    sessions.add(this.session);
  }

  /** `AT<name>=<args>`, or `AT<name>`; resolves with all that was printed since, when the final result is out. */
  async run(name: string, ...given: (string | number)[]): Promise<string> {
    const start = this.text.length;
    return (await this.start(name, ...given)).slice(start);
  }

  /** Like {@link run}; resolves as soon as the port is online or the result is out. */
  async online(name: string, ...given: (string | number)[]): Promise<ScriptedPhase> {
    const before = this.phase;
    const done = this.start(name, ...given);
    await Promise.race([done, this.until(() => this.phase !== before)]);
    if (this.phase === undefined || this.phase === before) throw new Error(`not online: ${this.text}`);
    return this.phase;
  }

  /** `AT<name>?`. */
  async read(name: string): Promise<string> {
    const start = this.text.length;
    return (await this.#command((context) => this.#declaration(name).read?.(context) ?? 'ERROR', name)).slice(start);
  }

  /** Gives a command; resolves with all that was ever printed, up to its result. */
  start(name: string, ...given: (string | number)[]): Promise<string> {
    const found = this.#declaration(name);
    if (given.length === 0) return this.#command((context) => found.execute?.(context, '') ?? 'ERROR', name);
    const args = (found.parameters ?? []).map((parameter, index) => {
      const value = given[index] ?? parameter.default;
      if (value === undefined) throw new Error(`${name}: ${parameter.name} is missing`);
      return value;
    });
    return this.#command((context) => found.set?.(context, args) ?? 'ERROR', name);
  }

  /** Waits, in real time, until something is so. */
  async until(is: () => boolean, limitMs = 5000): Promise<void> {
    const endMs = performance.now() + limitMs;
    while (!is()) {
      if (performance.now() > endMs) throw new Error(`never so; printed: ${JSON.stringify(this.text)}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** The port is gone. */
  vanish(): void {
    this.#abort.abort();
    this.phase?.leave('lineLost');
    this.#services.sockets.sessionClosed(this.session);
  }

  async #command(handler: Handler, name: string): Promise<string> {
    while (this.#busy) await new Promise<void>((resolve) => this.#wakers.push(resolve));
    this.#busy = true;
    let lines = 0;
    const context: CommandContext<PortSession> = {
      session: this.session,
      name,
      given: 0,
      signal: this.#abort.signal,
      info: (text) => {
        this.text += lines++ === 0 ? `\r\n${text}\r\n` : `${text}\r\n`;
      },
      raw: (bytes) => {
        this.text += fromLatin1(bytes);
      },
      prompt: (end: PromptEnd) => {
        this.text += '\r\n> ';
        const text = this.prompts.shift();
        return Promise.resolve(end.kind === 'ctrlZ' ? text?.slice(0, end.maximumBytes) : text?.slice(0, end.bytes));
      },
      connect: (_text, callOptions) => {
        this.callOptions = callOptions;
        this.text += '\r\nCONNECT\r\n';
        this.phase = new ScriptedPhase();
        return Promise.resolve(this.phase);
      },
    };
    try {
      const result = await handler(context);
      if (result === 'silent') return this.text;
      if (typeof result === 'string') this.text += `\r\n${result}\r\n`;
      else if ('cme' in result) this.text += `\r\n+CME ERROR: ${result.cme}\r\n`;
      return this.text;
    } finally {
      this.#busy = false;
      for (const wake of this.#wakers.splice(0)) wake();
      void this.#drain();
    }
  }

  #declaration(name: string): Declaration {
    const found = this.#commands.find((command) => command.name === name);
    if (found === undefined) throw new Error(`no such command: ${name}`);
    return found;
  }

  async #drain(): Promise<void> {
    if (this.#busy || this.#abort.signal.aborted) return;
    const next = this.#unsolicited.shift();
    if (next !== undefined) await this.#command(next, 'unsolicited');
  }
}

/** Text as a host types it. */
export const typed = latin1;
