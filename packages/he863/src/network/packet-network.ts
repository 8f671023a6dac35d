import type { Observable } from 'rxjs';

/** Where the IP packets of a PPP call go: the module's own small network, or a TUN device. */
export interface PacketNetwork {
  /** Packets for the host, whole and from the version octet on. */
  readonly packets$: Observable<Uint8Array>;
  /** Takes a packet from the host. */
  send(packet: Uint8Array): Promise<void>;
}
