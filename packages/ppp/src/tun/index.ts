export { carryPackets, type PacketCarrier } from './carry-packets.ts';
export { openTun, type OpenTunOptions } from './open-tun.ts';
export type { TunCounters, TunDevice } from './tun-device.ts';
