import { HE863_AT_PROFILE, type AtClient, type AtProfile } from '@cellmux/at';
import { CellmuxError, type Clock } from '@cellmux/port';
import { causeOf } from '../core/recovery/cause-of.ts';
import type { Cause, Patient, Service } from '../core/recovery/cause.ts';
import { AtService } from './at-service.ts';
import { allOrFirstFailure } from './first-failure.ts';
import { FtpService } from './ftp-service.ts';
import type { GatewayEvent, GatewayState } from './gateway-events.ts';
import type { GatewayOptions } from './gateway-options.ts';
import { DLCI_OF, Link } from './link.ts';
import { DEFAULT_BAUD_RATE, lineOpener } from './open-line.ts';
import { PppService } from './ppp-service.ts';
import type { RepairCrew } from './recovery.ts';
import { SimUnlock } from './sim-unlock.ts';
import { SharedPorts } from './shared-ports.ts';
import { DEFAULT_DIAL_WAIT_MS, SocketService } from './socket-service.ts';
import type { Listener } from './start-listeners.ts';
import { VIRTUAL_AT_PROFILE } from './virtual-at-profile.ts';

const DEFAULT_REGISTRATION_LIMIT_MS = 60_000;
const DEFAULT_KEEP_ALIVE_MS = 10_000;

/** What {@link Services} are made of. */
export interface ServicesParts {
  readonly options: GatewayOptions;
  readonly clock: Clock;
  /** Sees every frame of PPP. */
  readonly onPppFrame: (direction: 'sent' | 'received', frame: Uint8Array) => void;
  readonly onEvent: (event: GatewayEvent) => void;
  /** Something stopped working by itself. */
  readonly onBroken: (patient: Patient, cause: Cause, error: unknown) => void;
  readonly onInUse: (service: Service, inUse: boolean) => void;
  /** What was waited for, the network, may be there now. */
  readonly onHopeful: () => void;
}

/** Where {@link Services.bringUp} has got to. */
export type BringUpState = Extract<GatewayState, 'openingLine' | 'startingMultiplexer' | 'openingPorts' | 'bringingUp'>;

/** The link and the three services on it: how they are brought up, and how one of them is set up anew. */
export class Services implements RepairCrew {
  readonly link: Link;
  readonly ppp: PppService;
  readonly sockets: SocketService;
  readonly at: AtService;
  readonly ftp: FtpService;
  readonly #options: GatewayOptions;
  readonly #onBroken: ServicesParts['onBroken'];
  readonly #shared: SharedPorts;

  constructor({ options, clock, onPppFrame, onEvent, onBroken, onInUse, onHopeful }: ServicesParts) {
    this.#options = options;
    this.#onBroken = onBroken;
    this.link = new Link({
      clock,
      profile: atProfileOf(options),
      baudRate: baudRateOf(options),
      t1Ms: options.t1Ms,
      keepAliveMs: options.keepAliveMs ?? DEFAULT_KEEP_ALIVE_MS,
      openLine: lineOpener(options),
      resetModule: options.resetModule,
      isBare: options.ports !== undefined,
      onEvent,
      onBroken: (cause, error) => {
        this.at.down();
        onBroken('link', cause, error);
      },
      onPortClosed: (service) => {
        if (service === 'at') this.at.down();
        const error = new CellmuxError('ERR_AT_CLOSED', `the module closed port ${DLCI_OF[service]}`);
        onBroken(service, 'portClosed', error);
      },
    });
    this.#shared = new SharedPorts(this.link);
    const sim = new SimUnlock(options.pin);
    this.ppp = new PppService({
      options,
      clock,
      sim,
      onFrame: onPppFrame,
      onEvent,
      onBroken: (cause, error) => {
        onBroken('ppp', cause, error);
      },
    });
    this.sockets = new SocketService({
      options,
      clock,
      sim,
      onEvent,
      onBroken: (cause, error) => {
        onBroken('sockets', cause, error);
      },
      onInUse: (inUse) => {
        onInUse('sockets', inUse);
      },
      onModuleReset: () => {
        void this.#findOutReset();
      },
    });
    this.at = new AtService({
      clock,
      spare: () => this.link.client(DLCI_OF.sockets),
      onEvent,
      onStuck: (error) => {
        onBroken('at', 'portStuck', error);
      },
      onInUse: (inUse) => {
        onInUse('at', inUse);
      },
      onRegistered: onHopeful,
      onContextDoubtful: () => {
        void this.sockets.check();
      },
    });
    const { dialWaitMs = DEFAULT_DIAL_WAIT_MS, ftpQueueLimit } = options;
    this.ftp = new FtpService({
      clock,
      queueLimit: ftpQueueLimit,
      whenContext: (signal) => this.sockets.whenUp(signal),
      lendPort: (signal) => this.at.lend(dialWaitMs, signal),
      octets: () => this.#octetsOnPort3,
      onContextDoubtful: () => {
        void this.sockets.check();
      },
      onEvent,
    });
  }

  /** Octets that port 3 has carried so far, both ways. */
  get #octetsOnPort3(): number {
    const dlc = this.link.multiplexer?.counters.dlcs.get(DLCI_OF.at);
    return (dlc?.bytesSent ?? 0) + (dlc?.bytesReceived ?? 0);
  }

  /** Brings up link and services, for the first time; ports that others want as ptys are told to `onListening`. */
  async bringUp(
    signal: AbortSignal,
    onState: (state: BringUpState) => void,
    onListening: (listener: Listener) => void,
  ): Promise<void> {
    const { registrationLimitMs = DEFAULT_REGISTRATION_LIMIT_MS, ports } = this.#options;
    onState('openingLine');
    await this.link.openLine(signal);
    onState('startingMultiplexer');
    await this.link.startMultiplexer(signal);
    onState('openingPorts');
    await this.link.openPorts(signal);
    onState('bringingUp');
    if (ports !== undefined) {
      await this.#shared.share(ports, onListening);
      return;
    }
    await this.at.up(this.#clientOf('at'), signal);
    await allOrFirstFailure(signal, [
      (either) => this.sockets.up(this.#clientOf('sockets'), either, registrationLimitMs),
      (either) => this.ppp.up(this.#clientOf('ppp'), either, registrationLimitMs),
    ]);
    signal.throwIfAborted();
  }

  /** What does not work after a start that failed by `error`, each told as broken. */
  reportDown(error: unknown): void {
    const cause = causeOf(error);
    if (this.link.multiplexer === undefined) {
      this.#onBroken('link', cause, error);
      return;
    }
    if (this.at.client === undefined) this.#onBroken('at', cause, error);
    if (!this.sockets.isUp) this.#onBroken('sockets', cause, error);
    if (this.ppp.call === undefined) this.#onBroken('ppp', cause, error);
  }

  async redial(service: Service, signal: AbortSignal): Promise<void> {
    if (this.#shared.has(service)) {
      this.#shared.attach(service);
      return;
    }
    const client = this.#clientOf(service);
    switch (service) {
      case 'ppp':
        await this.ppp.up(client, signal);
        return;
      case 'sockets':
        await this.sockets.up(client, signal);
        return;
      case 'at':
        await this.at.up(client, signal);
    }
  }

  async reopenDlc(service: Service, signal: AbortSignal): Promise<void> {
    // The port goes first: on one that is stuck nothing could be ended in order.
    await this.link.closePort(DLCI_OF[service], signal);
    await this.#takeDown(service, signal);
    await this.link.openPort(DLCI_OF[service], signal);
    await this.redial(service, signal);
  }

  restartMultiplexer(signal: AbortSignal): Promise<void> {
    return this.link.restartMultiplexer(signal);
  }

  resetModule(signal: AbortSignal): Promise<void> {
    return this.link.resetModule(signal);
  }

  reopenLine(signal: AbortSignal): Promise<void> {
    return this.link.reopenLine(signal);
  }

  async #takeDown(service: Service, signal: AbortSignal): Promise<void> {
    this.#shared.detach(service);
    switch (service) {
      case 'ppp':
        await this.ppp.hangUp(signal);
        return;
      case 'sockets':
        await this.sockets.down();
        return;
      case 'at':
        this.at.down();
    }
  }

  #clientOf(service: Service): AtClient {
    const client = this.link.client(DLCI_OF[service]);
    if (client !== undefined) return client;
    throw new CellmuxError('ERR_AT_CLOSED', `port ${DLCI_OF[service]} is not open`);
  }

  /** The module says on port 2 that it has started anew: where the multiplexer has gone with it, Test is not answered. */
  async #findOutReset(): Promise<void> {
    const { multiplexer } = this.link;
    try {
      await multiplexer?.test();
      this.#onBroken('sockets', 'contextLost', undefined);
    } catch (error) {
      if (this.link.multiplexer !== multiplexer) return;
      this.#onBroken('link', 'moduleRestarted', error);
    }
  }
}

/** The line's rate where it has one: it fits T1 and bounds what waits below the multiplexer. */
function baudRateOf({ line, baudRate }: GatewayOptions): number | undefined {
  return 'kind' in line && line.kind === 'serial' ? (baudRate ?? DEFAULT_BAUD_RATE) : baudRate;
}

function atProfileOf({ atProfile, line }: GatewayOptions): AtProfile {
  if (atProfile !== undefined) return atProfile;
  return 'kind' in line && line.kind === 'virtual' ? VIRTUAL_AT_PROFILE : HE863_AT_PROFILE;
}
