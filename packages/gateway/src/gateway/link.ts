import { AtClient, type AtProfile } from '@cellmux/at';
import { HE863, startMultiplexer, type CmuxEndReason, type FrameWatcher, type Multiplexer } from '@cellmux/cmux';
import { CellmuxError, hasCode, type Clock, type Port } from '@cellmux/port';
import type { Subscription } from 'rxjs';
import type { Cause, Service } from '../core/recovery/cause.ts';
import { answersAt } from './command-mode.ts';
import type { GatewayEvent } from './gateway-events.ts';
import type { OpenLine } from './open-line.ts';
import { setUpPort, type Dlci } from './set-up-port.ts';
import { wait } from './wait.ts';
import { within } from './within.ts';

/** The port of each service. */
export const DLCI_OF: Readonly<Record<Service, Dlci>> = { ppp: 1, sockets: 2, at: 3 };
const SERVICE_OF: Readonly<Record<Dlci, Service>> = { 1: 'ppp', 2: 'sockets', 3: 'at' };

/** What the end of a multiplexer that nobody asked for says. */
const CAUSE_OF_END: Readonly<Record<CmuxEndReason, Cause>> = {
  closed: 'multiplexerClosed',
  closedUnanswered: 'multiplexerStuck',
  closedByPeer: 'multiplexerClosed',
  linkLost: 'multiplexerStuck',
  moduleLeft: 'moduleRestarted',
  lineLost: 'lineLost',
};

/** How long a module that has restarted may take until it answers AT. */
const BOOT_LIMIT_MS = 20_000;
/** The same after it was told to restart: it searches its SIM and its network too, and USB devices come and go. */
const RESET_LIMIT_MS = 60_000;
const AGAIN_MS = 1000;
/** A line or a multiplexer that does not close is left behind. */
const CLOSE_LIMIT_MS = 10_000;

/** What a {@link Link} is made of. */
export interface LinkParts {
  readonly clock: Clock;
  readonly profile: AtProfile;
  readonly baudRate: number | undefined;
  /** T1 of the multiplexer; undefined for its own. */
  readonly t1Ms: number | undefined;
  readonly keepAliveMs: number;
  /** Opens the line; a Port that was handed in is given as it is, once. */
  readonly openLine: (signal: AbortSignal) => Promise<OpenLine>;
  /** Resets the module by other means than AT (power, a pin), where there are any. */
  readonly resetModule: ((options: { readonly signal: AbortSignal }) => Promise<void>) | undefined;
  /** True where other programs have the ports: no AT of our own is put on them. */
  readonly isBare: boolean;
  readonly onEvent: (event: GatewayEvent) => void;
  /** The link broke by itself. */
  readonly onBroken: (cause: Cause, error: CellmuxError) => void;
  /** A port was closed by the far side, while the link goes on. */
  readonly onPortClosed: (service: Service) => void;
}

/**
 * The line, the multiplexer on it and the three virtual ports: what all services stand on. It can be brought up, brought
 * up anew from any state by the steps of the recovery, and taken down in order.
 */
export class Link {
  readonly #parts: LinkParts;
  #line: OpenLine | undefined;
  /** The line as whoever comes next must use it: with what the last owner had read and not used. */
  #bare: Port | undefined;
  #drain: Subscription | undefined;
  #multiplexer: Multiplexer | undefined;
  readonly #clients = new Map<Dlci, AtClient>();
  #commandLine: Port | undefined;
  #watcher: FrameWatcher | undefined;

  constructor(parts: LinkParts) {
    this.#parts = parts;
  }

  /** The multiplexer that runs; undefined while there is none. */
  get multiplexer(): Multiplexer | undefined {
    return this.#multiplexer;
  }

  /** The name of the line that is open. */
  get lineName(): string | undefined {
    return this.#line?.port.name;
  }

  /** False for a line that was handed in, and where none is open. */
  get isLineOurs(): boolean {
    return this.#line?.isOurs === true;
  }

  /** The AT client on a port that is open. */
  client(dlci: Dlci): AtClient | undefined {
    return this.#clients.get(dlci);
  }

  /** A port that is open. */
  port(dlci: Dlci): Port | undefined {
    return this.#multiplexer?.ports.get(dlci);
  }

  /** The bare line, once the module on it is known to listen to AT. */
  get commandLine(): Port | undefined {
    return this.#commandLine;
  }

  /** Opens the line, for the first time. */
  async openLine(signal: AbortSignal): Promise<void> {
    const line = await this.#parts.openLine(signal);
    this.#line = line;
    this.#bare = line.port;
    this.#parts.onEvent({ type: 'lineOpened', line: line.port.name });
  }

  /** Who sees every frame from now on, over all multiplexers; without one no frame is put together for anybody. */
  watchFrames(watcher: FrameWatcher | undefined): void {
    this.#watcher = watcher;
    if (this.#multiplexer !== undefined) this.#multiplexer.onFrame = watcher;
  }

  /** Puts the module on the open line into the multiplexer. */
  async startMultiplexer(signal: AbortSignal): Promise<void> {
    const { clock, baudRate, t1Ms, keepAliveMs, onEvent, onBroken } = this.#parts;
    const line = this.#takeLine();
    let multiplexer: Multiplexer;
    try {
      multiplexer = await startMultiplexer(line, {
        profile: HE863,
        clock,
        baudRate,
        t1Ms,
        keepAliveMs,
        onFrame: this.#watcher,
        signal,
      });
    } catch (error) {
      // A module that answers and refuses is in command mode; one that does not answer is not asked again.
      if (hasCode(error, 'ERR_CMUX_REFUSED_BY_MODULE')) this.#commandLine = line;
      this.#keepLine(line);
      throw line.isClosed ? lineGone(error) : error;
    }
    this.#commandLine = undefined;
    this.#multiplexer = multiplexer;
    // It may have changed while the multiplexer was being started.
    multiplexer.onFrame = this.#watcher;
    void multiplexer.ended.then(({ reason, error }) => {
      if (this.#multiplexer !== multiplexer) return;
      this.#multiplexer = undefined;
      this.#clients.clear();
      this.#keepLine(multiplexer.released);
      const message = `the multiplexer ended: ${reason}`;
      onBroken(CAUSE_OF_END[reason], new CellmuxError('ERR_CMUX_LINK_LOST', message, { cause: error }));
    });
    onEvent({ type: 'multiplexerStarted' });
  }

  /** Opens the three ports. */
  async openPorts(signal: AbortSignal): Promise<void> {
    for (const dlci of [1, 2, 3] as const) await this.#openPort(dlci, signal);
    this.#parts.onEvent({ type: 'portsOpened' });
  }

  /** Opens one port. */
  async openPort(dlci: Dlci, signal: AbortSignal): Promise<void> {
    await this.#openPort(dlci, signal);
  }

  /** Closes one port, whatever runs on it: whoever waits for an answer is told. */
  async closePort(dlci: Dlci, signal: AbortSignal): Promise<void> {
    const client = this.#clients.get(dlci);
    this.#clients.delete(dlci);
    const port = this.#multiplexer?.ports.get(dlci);
    // A call on a port that is stuck is not waited for.
    await client?.close({ signal: AbortSignal.abort() });
    await port?.close({ signal });
  }

  /** Ends the multiplexer, in order where that is possible, and starts it anew; a module that boots is given its time. */
  async restartMultiplexer(signal: AbortSignal): Promise<void> {
    await this.closeMultiplexer(signal);
    if (this.#bare === undefined || this.#bare.isClosed) throw lineGone();
    await this.#startAll(BOOT_LIMIT_MS, signal);
  }

  /** Closes the line and opens it again, by its name. */
  async reopenLine(signal: AbortSignal): Promise<void> {
    await this.closeMultiplexer(signal);
    await this.closeLine();
    await this.openLine(signal);
    await this.#startAll(BOOT_LIMIT_MS, signal);
  }

  /** Restarts the module by AT where it listens, else by the means that were given, and waits for it to be back. */
  async resetModule(signal: AbortSignal): Promise<void> {
    const { clock, resetModule } = this.#parts;
    await this.closeMultiplexer(signal);
    if (!(await this.#resetByAt(signal))) await resetModule?.({ signal });
    const untilMs = clock.now() + RESET_LIMIT_MS;
    for (;;) {
      try {
        // A USB device goes and comes with its module.
        if (this.#bare === undefined || this.#bare.isClosed) {
          await this.closeLine();
          await this.openLine(signal);
        }
        await this.#startAll(0, signal);
        return;
      } catch (error) {
        if (signal.aborted || clock.now() >= untilMs || hasCode(error, 'ERR_GATEWAY_LINE_NOT_REOPENED')) throw error;
      }
      await wait(AGAIN_MS, clock, signal);
    }
  }

  /** Closes the ports in order. */
  async closePorts(): Promise<void> {
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    await Promise.all(clients.map((client) => client.close()));
  }

  /** Ends the multiplexer; the line stays open. */
  async closeMultiplexer(signal?: AbortSignal): Promise<void> {
    const multiplexer = this.#multiplexer;
    if (multiplexer === undefined) return;
    this.#multiplexer = undefined;
    this.#clients.clear();
    const { clock, t1Ms = 0 } = this.#parts;
    // A module that answers nothing hears four times each DISC of its DLCs, CLD after T2, and DISC of DLCI 0.
    const limitMs = Math.max(CLOSE_LIMIT_MS, 4 * (t1Ms + 3 * t1Ms + t1Ms) + 500);
    await within(multiplexer.close({ signal }), limitMs, 'closing the multiplexer', clock);
    const { released } = multiplexer;
    this.#commandLine = released.isClosed ? undefined : released;
    this.#keepLine(released);
  }

  /** Whether the module answers AT on the bare line; undefined where that is not known to make sense. */
  async answersAt(): Promise<boolean | undefined> {
    if (this.#commandLine === undefined) return undefined;
    this.#drain?.unsubscribe();
    return answersAt(this.#commandLine, this.#parts.clock);
  }

  /** Closes the line; one that was handed in is left open. */
  async closeLine(): Promise<void> {
    const line = this.#line;
    this.#line = undefined;
    this.#drain?.unsubscribe();
    this.#bare = undefined;
    this.#commandLine = undefined;
    if (line !== undefined) await within(line.close(), CLOSE_LIMIT_MS, 'closing the line', this.#parts.clock);
  }

  /** Starts multiplexer and ports; tried again up to a limit, since a module that boots does not answer yet. */
  async #startAll(limitMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    const untilMs = clock.now() + limitMs;
    for (;;) {
      try {
        await this.startMultiplexer(signal);
        break;
      } catch (error) {
        if (!hasCode(error, 'ERR_CMUX_NO_ANSWER') || clock.now() >= untilMs) throw error;
      }
      await wait(AGAIN_MS, clock, signal);
    }
    try {
      await this.openPorts(signal);
    } catch (error) {
      // A multiplexer that has ended meanwhile says more than the port that could not be opened on it.
      if (this.#multiplexer === undefined && this.#bare?.isClosed === true) throw lineGone(error);
      await this.closeMultiplexer(signal).catch(() => undefined);
      throw error;
    }
  }

  async #openPort(dlci: Dlci, signal: AbortSignal): Promise<void> {
    const { clock, profile, onEvent, onPortClosed } = this.#parts;
    const multiplexer = this.#multiplexer;
    if (multiplexer === undefined) throw new CellmuxError('ERR_CMUX_LINK_LOST', 'the multiplexer does not run');
    if (this.#parts.isBare) {
      await this.#openBare(multiplexer, dlci, signal);
      return;
    }
    const client = await setUpPort(multiplexer, dlci, {
      profile,
      clock,
      signal,
      onUrc: (text) => {
        onEvent({ type: 'urc', port: dlci, text });
      },
      onCommand: (result, durationMs) => {
        onEvent({ type: 'atCommand', port: dlci, result, durationMs });
      },
    });
    this.#clients.set(dlci, client);
    const gone = (): void => {
      if (this.#clients.get(dlci) !== client) return;
      this.#clients.delete(dlci);
      // A port that goes with its multiplexer is no trouble of its own.
      if (multiplexer.state !== 'up') return;
      onPortClosed(SERVICE_OF[dlci]);
    };
    client.mode$.subscribe({
      next: (mode) => {
        if (mode === 'closed') gone();
      },
      complete: gone,
      error: gone,
    });
  }

  async #openBare(multiplexer: Multiplexer, dlci: Dlci, signal: AbortSignal): Promise<void> {
    const port = await multiplexer.open(dlci, { signal });
    const gone = (): void => {
      if (this.#multiplexer === multiplexer && multiplexer.state === 'up') this.#parts.onPortClosed(SERVICE_OF[dlci]);
    };
    port.circuits$.subscribe({ complete: gone, error: gone });
  }

  /** True when the module was told to restart by AT, on the bare line. */
  async #resetByAt(signal: AbortSignal): Promise<boolean> {
    const { clock, profile } = this.#parts;
    if (this.#bare === undefined || this.#bare.isClosed) return false;
    const line = this.#takeLine();
    try {
      if (!(await answersAt(line, clock))) return false;
      const client = new AtClient(line, { clock, profile });
      try {
        // A module that restarts at once does not answer.
        await client.command('AT#REBOOT', { timeoutMs: 2000, signal }).catch(() => undefined);
      } finally {
        await client.close();
      }
      return true;
    } finally {
      this.#keepLine(line);
    }
  }

  /** The bare line for an owner. */
  #takeLine(): Port {
    this.#drain?.unsubscribe();
    this.#drain = undefined;
    if (this.#bare === undefined) throw lineGone();
    return this.#bare;
  }

  /** The line has no owner: what the module says meanwhile is nobody's, and must not fill the memory. */
  #keepLine(line: Port): void {
    this.#bare = line;
    this.#drain?.unsubscribe();
    this.#drain = line.received$.subscribe({ error: () => undefined });
  }
}

function lineGone(cause?: unknown): CellmuxError {
  return new CellmuxError('ERR_PORT_LOST', 'the line is gone', { cause });
}
