import type { DecodedFrame, DecodedMessage, DecodedNoise } from './decode-frames.ts';
import type { ModemStatus } from './modem-status.ts';
import type { DlcParameters } from './parameter-negotiation.ts';
import type { RemotePort } from './remote-port.ts';

/** Octets shown of a longer run. */
const SHOWN = 64;

/**
 * A frame, or what lies between two, in one line for people.
 *
 * @example
 * DLCI 0 C/R=1 UIH P/F=0 FCS FB: MSC command DLCI 1: FC=0 RTC=1 RTR=1 IC=0 DV=1
 */
export function describeFrame(item: DecodedFrame | DecodedNoise): string {
  return item.kind === 'noise' ? describeNoise(item) : describeWhole(item);
}

function describeNoise({ octets, why, isUnfinished }: DecodedNoise): string {
  const what = isUnfinished
    ? 'the beginning of a frame that does not end'
    : why === undefined
      ? 'octets of no frame'
      : `a damaged frame: ${why}`;
  return `${what}: ${hex(octets)}${text(octets)}`;
}

function describeWhole(frame: DecodedFrame): string {
  const numbers = [
    frame.ns === undefined ? '' : ` N(S)=${frame.ns}`,
    frame.nr === undefined ? '' : ` N(R)=${frame.nr}`,
  ];
  const fcs = frame.isFcsRight ? '' : ` (over the header alone; ${octet(frame.expectedFcs)} is right)`;
  const head =
    `DLCI ${frame.dlci} C/R=${frame.commandResponse} ${frame.type} P/F=${bit(frame.pollFinal)}${numbers.join('')}` +
    ` FCS ${octet(frame.fcs)}${fcs}`;
  if (frame.messages !== undefined) {
    const messages = frame.messages.map(describeMessage);
    if (frame.areMessagesWhole === false) messages.push('octets left over');
    return messages.length === 0 ? head : `${head}: ${messages.join('; ')}`;
  }
  return frame.info.length === 0 ? head : `${head}: ${frame.info.length} octets ${hex(frame.info)}${text(frame.info)}`;
}

function describeMessage(message: DecodedMessage): string {
  const name = message.type ?? `unknown ${octet(message.typeOctet)}`;
  const about = message.dlci === undefined ? '' : ` DLCI ${message.dlci}`;
  const value = describeValue(message);
  return `${name} ${message.isCommand ? 'command' : 'response'}${about}${value === '' ? '' : `: ${value}`}`;
}

function describeValue({ value, ...message }: DecodedMessage): string {
  if (message.modemStatus !== undefined) return describeStatus(message.modemStatus);
  if (message.parameters !== undefined) return describeParameters(message.parameters);
  if (message.remotePort !== undefined) return describePort(message.remotePort);
  if (message.lineStatus !== undefined) {
    const { isError, overrun, parity, framing } = message.lineStatus;
    return `error=${bit(isError)} overrun=${bit(overrun)} parity=${bit(parity)} framing=${bit(framing)}`;
  }
  if (message.services !== undefined) {
    const { services } = message.services;
    if (services === undefined) return 'question';
    return `data=${bit(services.data)} voice=${bit(services.voice)} codecs=${octet(services.codecs)}`;
  }
  if (message.notSupported !== undefined) {
    const { type, typeOctet } = message.notSupported;
    return `${octet(typeOctet)}${type === undefined ? '' : ` (${type})`}`;
  }
  return value.length === 0 ? '' : `${hex(value)}${text(value)}`;
}

function describeStatus({ fc, rtc, rtr, ic, dv, breakMs }: ModemStatus): string {
  const pause = breakMs === undefined ? '' : ` break=${breakMs} ms`;
  return `FC=${bit(fc)} RTC=${bit(rtc)} RTR=${bit(rtr)} IC=${bit(ic)} DV=${bit(dv)}${pause}`;
}

function describeParameters({ frameType, convergence, priority, t1Ms, n1, n2, k }: DlcParameters): string {
  return `${frameType} layer=${convergence} priority=${priority} T1=${t1Ms} ms N1=${n1} N2=${n2} k=${k}`;
}

function describePort({ settings, mask }: RemotePort): string {
  if (settings === undefined) return 'question';
  const { baudRate, dataBits, parity, stopBits, flowControl, xon, xoff } = settings;
  return (
    `${baudRate ?? '?'} Bd data=${dataBits} parity=${parity} stop=${stopBits} flow=${octet(flowControl)}` +
    ` XON=${octet(xon)} XOFF=${octet(xoff)} mask=${octet(mask >> 8)}${octet(mask & 0xff)}`
  );
}

function hex(octets: Uint8Array): string {
  const shown = Array.from(octets.subarray(0, SHOWN), octet).join(' ');
  return octets.length > SHOWN ? `${shown} … (${octets.length} octets)` : shown;
}

function text(octets: Uint8Array): string {
  const isText = octets.every((value) => value === 0x0d || value === 0x0a || (value >= 0x20 && value < 0x7f));
  if (!isText || octets.length === 0) return '';
  return ` ${JSON.stringify(String.fromCharCode(...octets.subarray(0, SHOWN)))}`;
}

function octet(value: number): string {
  return value.toString(16).toUpperCase().padStart(2, '0');
}

function bit(value: boolean): 0 | 1 {
  return value ? 1 : 0;
}
