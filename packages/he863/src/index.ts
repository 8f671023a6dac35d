export type { He863Event } from './module/he863-event.ts';
export type { JsonValue } from './module/module-services.ts';
export type { PppServerOptions, VirtualHe863Options } from './module/options.ts';
export { EchoNetwork, type EchoNetworkCounters, type EchoNetworkOptions } from './network/echo-network.ts';
export type { PacketNetwork } from './network/packet-network.ts';
export type { SocketOptions } from './sockets/index.ts';
export { VirtualHe863 } from './virtual-he863.ts';
