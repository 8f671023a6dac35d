import { atString, type AtClient } from '@cellmux/at';
import { CellmuxError, type Clock } from '@cellmux/port';
import { dialPpp, type PppCall, type PppEnd } from '@cellmux/ppp';
import type { PacketCarrier, TunDevice } from '@cellmux/ppp/tun';
import { Subject, type Observable, type Subscription } from 'rxjs';
import type { Cause } from '../core/recovery/cause.ts';
import type { GatewayEvent } from './gateway-events.ts';
import type { GatewayOptions } from './gateway-options.ts';
import { PacketHost } from './packet-host.ts';
import { requireNetwork } from './require-network.ts';
import type { SimUnlock } from './sim-unlock.ts';

/** The network between one packet and the next counts as in use for so long, ms. */
const IN_USE_MS = 30_000;
const DEFAULT_ECHO_MS = 20_000;

/** What became of a call that ended by itself. */
const CAUSE_OF_END: Readonly<Partial<Record<PppEnd['reason'], Cause>>> = {
  authFailed: 'accessRefused',
  authRefused: 'accessRefused',
  silence: 'callSilent',
  noAnswer: 'callSilent',
};

/** What a {@link PppService} is made of. */
export interface PppServiceParts {
  readonly options: GatewayOptions;
  readonly clock: Clock;
  readonly sim: SimUnlock;
  /** Sees every frame, without flags, escapes and FCS. */
  readonly onFrame: (direction: 'sent' | 'received', frame: Uint8Array) => void;
  readonly onEvent: (event: GatewayEvent) => void;
  /** The call ended by itself. */
  readonly onBroken: (cause: Cause, error: CellmuxError) => void;
}

/** PPP on port 1: one call after the other, and what stays over all of them: the TUN device, the stream of packets. */
export class PppService {
  /** IP packets from the network, over all calls; hot. */
  readonly packets$: Observable<Uint8Array>;
  readonly #parts: PppServiceParts;
  readonly #packets = new Subject<Uint8Array>();
  #call: PppCall | undefined;
  #host: PacketHost | undefined;
  #tun: { readonly device: TunDevice; readonly key: string } | undefined;
  #carrier: PacketCarrier | undefined;
  #subscription: Subscription | undefined;
  #lastPacketMs = -Infinity;

  constructor(parts: PppServiceParts) {
    this.#parts = parts;
    this.packets$ = this.#packets.asObservable();
  }

  /** The call that is up. */
  get call(): PppCall | undefined {
    return this.#call;
  }

  /** The host in user space on the call that is up. */
  get host(): PacketHost | undefined {
    return this.#host;
  }

  get hasTun(): boolean {
    return this.#tun !== undefined;
  }

  /** True while packets flow. */
  get isInUse(): boolean {
    return this.#call !== undefined && this.#parts.clock.now() - this.#lastPacketMs < IN_USE_MS;
  }

  /** Sends an IP packet; rejects with `ERR_PPP_NOT_UP` while no call is up. */
  send(packet: Uint8Array): Promise<void> {
    if (this.#call === undefined) {
      return Promise.reject(new CellmuxError('ERR_PPP_NOT_UP', 'no PPP call is up at the moment'));
    }
    this.#lastPacketMs = this.#parts.clock.now();
    return this.#call.send(packet);
  }

  /** Dials on a port in command mode; a call that is there is ended first. */
  async up(client: AtClient, signal: AbortSignal, registrationLimitMs = 0): Promise<void> {
    const { options, clock, sim, onFrame, onEvent, onBroken } = this.#parts;
    const { apn = '', user, password, pppCid: cid = 1, socketCid = 2, tun, pppEchoMs = DEFAULT_ECHO_MS } = options;
    await this.hangUp(signal);
    await requireNetwork(client, { clock, sim, limitMs: registrationLimitMs, signal });
    await client.command(`AT+CGDCONT=${cid},"IP",${atString(apn)}`, { signal });
    const call = await dialPpp(client, {
      cid,
      // Where no sockets of ours use it, a run that crashed has left it active.
      takeContext: cid !== socketCid,
      clock,
      onFrame,
      signal,
      ...(user === undefined ? {} : { user }),
      ...(password === undefined ? {} : { password }),
      ...(pppEchoMs === 0 ? {} : { keepAlive: { intervalMs: pppEchoMs } }),
    });
    this.#call = call;
    const { localAddress, peerAddress, dns } = call.network;
    try {
      if (tun !== undefined) await this.#carry(tun, call);
    } catch (error) {
      await this.hangUp(signal);
      throw error;
    }
    // The kernel behind a TUN device answers pings; here the host in user space does.
    this.#host = new PacketHost(call, localAddress, { clock, answersPings: tun === undefined });
    this.#subscription = call.packets$.subscribe({
      next: (packet) => {
        this.#lastPacketMs = clock.now();
        this.#packets.next(packet);
      },
      error: () => undefined,
    });
    call.link.events$.subscribe({
      next: (event) => {
        if (event.type === 'echoReply') onEvent({ type: 'pppEcho', roundTripMs: event.roundTripMs });
        else if (event.type === 'echoMissed') onEvent({ type: 'pppEcho', roundTripMs: undefined });
      },
      error: () => undefined,
    });
    void call.ended.then((end) => {
      if (this.#call !== call) return;
      this.#forget();
      onBroken(CAUSE_OF_END[end.reason] ?? 'callDropped', endError(end));
    });
    onEvent({ type: 'pppUp', localAddress, peerAddress, dns });
  }

  /** Ends the call in order: Terminate-Request, NO CARRIER, ATH. */
  async hangUp(signal?: AbortSignal): Promise<void> {
    const call = this.#call;
    this.#forget();
    await call?.close({ signal });
  }

  /** Removes the TUN device. */
  async closeTun(): Promise<boolean> {
    const tun = this.#tun;
    this.#tun = undefined;
    this.#carrier?.close();
    this.#carrier = undefined;
    await tun?.device.close();
    return tun !== undefined;
  }

  /** No call will come any more. */
  end(): void {
    this.#packets.complete();
  }

  #forget(): void {
    this.#call = undefined;
    this.#subscription?.unsubscribe();
    this.#host?.[Symbol.dispose]();
    this.#host = undefined;
    this.#carrier?.close();
    this.#carrier = undefined;
  }

  /**
   * The packets of the call to and from the kernel. The device stays from one call to the next, so that connections of
   * the kernel live on where the network gives the same address again; with another one it is made anew.
   */
  async #carry(name: string, call: PppCall): Promise<void> {
    // Loaded when it is needed: it brings a native library.
    const { carryPackets, openTun } = await import('@cellmux/ppp/tun');
    const { routes, resolvConf } = this.#parts.options;
    const key = JSON.stringify([call.network.localAddress, call.network.peerAddress, call.network.dns]);
    if (this.#tun?.key !== key) {
      await this.closeTun();
      const device = await openTun({
        name,
        network: call.network,
        ...(routes === undefined ? {} : { routes }),
        ...(resolvConf === undefined ? {} : { resolvConf }),
      });
      this.#tun = { device, key };
      this.#parts.onEvent({ type: 'tunUp', name: device.name });
    }
    this.#carrier = carryPackets(this.#tun.device, this.#counted(call));
  }

  /** The call, with what the kernel sends noticed. */
  #counted(call: PppCall): { readonly packets$: Observable<Uint8Array>; send(packet: Uint8Array): Promise<void> } {
    return {
      packets$: call.packets$,
      send: (packet) => {
        this.#lastPacketMs = this.#parts.clock.now();
        return call.send(packet);
      },
    };
  }
}

function endError(end: PppEnd): CellmuxError {
  const said = end.text === '' ? '' : `: ${end.text}`;
  return new CellmuxError('ERR_PPP_CARRIER_LOST', `the PPP call ended (${end.reason})${said}`, {
    hint: end.advice,
    context: { reason: end.reason, phase: end.phase },
  });
}
