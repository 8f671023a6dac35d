import type { AtClient } from '@cellmux/at';
import { IpEasy, type IpEasyServer, type IpEasySocket } from '@cellmux/ipeasy';
import { CellmuxError, hasCode, type AbortOptions, type Cancel, type Clock } from '@cellmux/port';
import type { Duplex } from 'node:stream';
import type { Subscription } from 'rxjs';
import type { HostPort } from '../core/host-port.ts';
import { causeOf } from '../core/recovery/cause-of.ts';
import type { Cause } from '../core/recovery/cause.ts';
import { CarriedOctets } from './carried-octets.ts';
import { carryIncoming } from './incoming.ts';
import type { GatewayEvent } from './gateway-events.ts';
import type { GatewayOptions } from './gateway-options.ts';
import { requireNetwork } from './require-network.ts';
import type { SimUnlock } from './sim-unlock.ts';
import { WaitingRoom } from './waiting-room.ts';

/** How long a connection waits for the sockets to come back, unless the options say otherwise. */
export const DEFAULT_DIAL_WAIT_MS = 20_000;

/** What the module may take for a command before the port counts as stuck: a dial resolves a name and connects, ms. */
const PATIENCE_MS: readonly (readonly [prefix: string, ms: number])[] = [
  ['AT#SD=', 100_000],
  ['AT#SGACT=', 160_000],
  ['AT#FTP', 160_000],
  ['AT#S', 45_000],
  // An operator's search for networks, which comes here while a file transfer has port 3.
  ['AT+COPS=', 200_000],
];
const USUAL_PATIENCE_MS = 20_000;

/** What a {@link SocketService} is made of. */
export interface SocketServiceParts {
  readonly options: GatewayOptions;
  readonly clock: Clock;
  readonly sim: SimUnlock;
  readonly onEvent: (event: GatewayEvent) => void;
  readonly onBroken: (cause: Cause, error: unknown) => void;
  /** Sockets were opened or closed. */
  readonly onInUse: (inUse: boolean) => void;
  /** The module says it has started anew: whoever has the link finds out. */
  readonly onModuleReset: () => void;
}

/** IP Easy on port 2: one instance after the other, and what stays over all of them: dialling, incoming listeners. */
export class SocketService {
  readonly #parts: SocketServiceParts;
  readonly #waiting: WaitingRoom<IpEasy>;
  readonly #servers = new Set<IpEasyServer<IpEasySocket>>();
  readonly #carried = new CarriedOctets();
  #sockets: IpEasy | undefined;
  #client: AtClient | undefined;
  #isUp = false;
  #address = '';
  /** The command that the module has not answered yet. */
  #running: { readonly command: string; readonly sinceMs: number } | undefined;
  #subscriptions: Subscription[] = [];

  constructor(parts: SocketServiceParts) {
    this.#parts = parts;
    this.#waiting = new WaitingRoom(parts.clock);
  }

  /** IP Easy as it is now; undefined before the first start. */
  get sockets(): IpEasy | undefined {
    return this.#sockets;
  }

  /** Octets of all connections since the start. */
  get carried(): { readonly bytesRead: number; readonly bytesWritten: number } {
    return this.#carried.sums;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** The address of the context. */
  get address(): string {
    return this.#address;
  }

  /**
   * A connection through a socket of the module. While the service is being set up anew it waits, up to `dialWaitMs`;
   * then it rejects with `ERR_GATEWAY_SOCKETS_DOWN`.
   */
  async connect({ host, port }: HostPort, { signal }: AbortOptions = {}): Promise<Duplex> {
    const sockets = await this.whenUp(signal);
    try {
      return await sockets.connect({ host, port, signal });
    } catch (error) {
      if (hasCode(error, 'ERR_IPEASY_CONTEXT_NOT_ACTIVE')) this.#lost('contextLost', error);
      throw error;
    }
  }

  /**
   * IP Easy as soon as it is up. While it is being set up anew that is waited for, up to `dialWaitMs`; then it rejects with
   * `ERR_GATEWAY_SOCKETS_DOWN`.
   */
  async whenUp(signal: AbortSignal | undefined): Promise<IpEasy> {
    if (this.#isUp && this.#sockets !== undefined) return this.#sockets;
    const { dialWaitMs = DEFAULT_DIAL_WAIT_MS } = this.#parts.options;
    const late = (): CellmuxError =>
      new CellmuxError('ERR_GATEWAY_SOCKETS_DOWN', `no socket of the module for ${dialWaitMs / 1000} s`, {
        hint: 'The gateway is restoring its connection to the network (`cellmux status`): try again later.',
      });
    return this.#waiting.wait(dialWaitMs, late, signal);
  }

  /** Sets the service up on a port: the sockets prepared, the context active, listeners listening. */
  async up(client: AtClient, signal: AbortSignal, registrationLimitMs = 0): Promise<void> {
    const { options, clock, onEvent } = this.#parts;
    const { apn = '', user, password, socketCid: cid = 2 } = options;
    this.#isUp = false;
    await requireNetwork(client, { clock, sim: this.#parts.sim, limitMs: registrationLimitMs, signal });
    const sockets = await this.#instance(client, cid);
    await sockets.prepare({ signal });
    await sockets.defineContext({ cid, apn, signal });
    const { address } = await sockets.activate({ cid, user, password, signal });
    await this.#listen(sockets, signal);
    signal.throwIfAborted();
    this.#address = address;
    this.#isUp = true;
    onEvent({ type: 'socketsUp', address });
    this.#waiting.arrived(sockets);
  }

  /** Asks the module whether the context is still there; what is found out is told as any other trouble. */
  async check(): Promise<void> {
    const sockets = this.#sockets;
    if (!this.#isUp || sockets === undefined) return;
    const { socketCid: cid = 2 } = this.#parts.options;
    const stuck = this.#whenStuck();
    try {
      const contexts = await sockets.contexts({ signal: stuck.signal });
      if (this.#sockets !== sockets || !this.#isUp) return;
      if (contexts.some((context) => context.cid === cid && context.isActive)) return;
      this.#lost('contextLost', new CellmuxError('ERR_IPEASY_CONTEXT_LOST', `context ${cid} is not active any more`));
    } catch (error) {
      // A refusal is an answer: the port works, and the next look at it may say more.
      if (this.#sockets !== sockets || hasCode(error, 'ERR_AT_CME') || hasCode(error, 'ERR_AT_ERROR')) return;
      this.#lost(causeOf(error), error);
    } finally {
      stuck.cancel();
    }
  }

  /** Aborts when the port has answered nothing for longer than what runs on it may take. */
  #whenStuck(): { readonly signal: AbortSignal; cancel(): void } {
    const { clock } = this.#parts;
    const controller = new AbortController();
    const startMs = clock.now();
    let cancel: Cancel = () => undefined;
    const look = (): void => {
      const running = this.#running;
      const sinceMs = running?.sinceMs ?? startMs;
      const limitMs = PATIENCE_MS.find(([prefix]) => running?.command.startsWith(prefix))?.[1] ?? USUAL_PATIENCE_MS;
      const restMs = sinceMs + limitMs - clock.now();
      if (restMs > 0) cancel = clock.after(restMs, look);
      else {
        const what = running === undefined ? 'port 2' : `port 2, asked ${running.command}`;
        controller.abort(new CellmuxError('ERR_AT_TIMEOUT', `${what}: no answer for ${limitMs / 1000} s`));
      }
    };
    cancel = clock.after(USUAL_PATIENCE_MS, look);
    return {
      signal: controller.signal,
      cancel: () => {
        cancel();
      },
    };
  }

  /** Closes all sockets; connections that wait for the service are told. */
  async down(): Promise<boolean> {
    const sockets = this.#sockets;
    this.#sockets = undefined;
    this.#client = undefined;
    this.#isUp = false;
    this.#servers.clear();
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
    await sockets?.close();
    return sockets !== undefined;
  }

  async #instance(client: AtClient, cid: number): Promise<IpEasy> {
    if (this.#sockets !== undefined && this.#client === client) return this.#sockets;
    await this.down();
    const { clock, onEvent, onInUse, onModuleReset } = this.#parts;
    const sockets = new IpEasy([client], { clock, sockets: { cid } });
    this.#sockets = sockets;
    this.#client = client;
    this.#running = undefined;
    this.#subscriptions = [
      client.events$.subscribe((event) => {
        if (event.type === 'commandSent') this.#running = { command: event.command, sinceMs: clock.now() };
        // A command that was given up leaves the port silent until it is in step again.
        else if (event.type === 'outOfStep') this.#running ??= { command: '', sinceMs: clock.now() };
        else if (event.type === 'commandEnded' || event.type === 'inStep') this.#running = undefined;
      }),
      sockets.sockets$.subscribe((open) => {
        this.#carried.follow(open);
        onInUse(open.length > 0);
        onEvent({ type: 'socketsInUse', count: open.length });
      }),
      sockets.events$.subscribe((event) => {
        if (event.type === 'contextLost' && event.cid === cid) this.#lost('contextLost', undefined);
        else if (event.type === 'moduleReset') onModuleReset();
        else if (event.type === 'warning') onEvent({ type: 'warning', code: event.code, message: event.message });
      }),
    ];
    return sockets;
  }

  async #listen(sockets: IpEasy, signal: AbortSignal): Promise<void> {
    const { options, clock, onEvent } = this.#parts;
    const { incoming = [], firewall = [] } = options;
    if (incoming.length === 0) return;
    for (const { address, mask } of firewall) await sockets.firewall.allow(address, mask, { signal });
    const listening = new Set([...this.#servers].map((server) => server.address()?.port));
    for (const rule of incoming) {
      if (listening.has(rule.port)) continue;
      const server = await sockets.listen({ port: rule.port, signal }, (socket) => {
        carryIncoming(socket, rule, { clock, onEvent });
      });
      this.#servers.add(server);
      server.once('close', () => this.#servers.delete(server));
      server.on('error', (error) => {
        this.#lost('contextLost', error);
      });
      onEvent({ type: 'listening', what: 'incoming', where: `port ${rule.port} of the module` });
    }
  }

  #lost(cause: Cause, error: unknown): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#parts.onBroken(cause, error);
  }
}
