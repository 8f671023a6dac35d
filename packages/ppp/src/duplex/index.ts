export { toPacketDuplex, type PacketChannel, type PacketDuplexOptions } from './packet-duplex.ts';
