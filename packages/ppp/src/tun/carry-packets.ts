import type { Observable } from 'rxjs';
import type { TunDevice } from './tun-device.ts';

/** What is on the other side of the device: a `PppLink`, a `PppCall`, a `StandingPppCall`. */
export interface PacketLink {
  readonly packets$: Observable<Uint8Array>;
  send(packet: Uint8Array): Promise<void>;
}

/** A device and a link that are joined. */
export interface PacketCarrier {
  /** Packets from the kernel that the link did not take: it is down, or carries no IPv6. */
  readonly packetsDropped: number;
  /** Takes them apart again; closes neither. */
  close(): void;
}

/** Packets that may wait for the link before the device is asked to wait, and below which it may go on. */
const [PAUSE_AT, RESUME_AT] = [64, 16];

/** Joins a device and a link: what comes out of one goes into the other, at the pace of the link. */
export function carryPackets(tun: TunDevice, link: PacketLink): PacketCarrier {
  let waiting = 0;
  let packetsDropped = 0;
  const settled = (): void => {
    if (--waiting === RESUME_AT) tun.resume();
  };
  const outwards = tun.packets$.subscribe({
    next: (packet) => {
      if (++waiting >= PAUSE_AT) tun.pause();
      link.send(packet).then(settled, () => {
        packetsDropped++;
        settled();
      });
    },
    error: () => undefined,
  });
  const inwards = link.packets$.subscribe({
    next: (packet) => {
      tun.write(packet);
    },
    error: () => undefined,
  });
  return {
    get packetsDropped() {
      return packetsDropped;
    },
    close: () => {
      outwards.unsubscribe();
      inwards.unsubscribe();
      tun.resume();
    },
  };
}
