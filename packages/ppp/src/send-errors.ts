import { CellmuxError } from '@cellmux/port';
import type { PppPhase } from './core/session-types.ts';

export function notIpError(octets: number): CellmuxError {
  return new CellmuxError('ERR_PPP_NOT_IP', 'the packet is neither IPv4 nor IPv6', { context: { octets } });
}

export function notUpError(name: string, phase: PppPhase): CellmuxError {
  return new CellmuxError('ERR_PPP_NOT_UP', `PPP on ${name} does not carry such packets at the moment`, {
    hint: 'Await open(); for IPv6 set the option ipv6.',
    context: { phase },
  });
}

export function packetTooLongError(octets: number, mtu: number): CellmuxError {
  return new CellmuxError('ERR_PPP_PACKET_TOO_LONG', `the packet has ${octets} octets, the link takes ${mtu}`, {
    hint: 'Give the sender the MTU of the link, or let it fragment.',
    context: { octets, mtu },
  });
}

export function queueFullError(waitingPackets: number): CellmuxError {
  return new CellmuxError('ERR_PPP_QUEUE_FULL', `${waitingPackets} packets wait for the line already`, {
    hint: 'Await send() before the next packet, or drop packets as routers do.',
    context: { waitingPackets },
  });
}
