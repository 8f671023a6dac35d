import { AdvancedDeframer } from './advanced-deframer.ts';
import { BasicDeframer } from './basic-deframer.ts';
import { frameTypeOf, isHeaderOnlyFcs, KIND, KIND_OF_CONTROL, POLL_FINAL, type FrameType } from './control-field.ts';
import { MESSAGE_COMMAND, messageTypeOf, readMessages, type MessageType } from './control-message.ts';
import { FCS_START, FCS_TABLE, fcsOf, fcsRegister } from './fcs.ts';
import type { DeframerCounters, FrameSink } from './frame-sink.ts';
import { decodeLineStatus, type LineStatus } from './line-status.ts';
import { FLAG_ADVANCED, FLAG_BASIC, N1_MAX } from './limits.ts';
import { decodeModemStatus, type ModemStatus } from './modem-status.ts';
import { decodeParameters, type DlcParameters } from './parameter-negotiation.ts';
import { decodeRemotePort, type RemotePort } from './remote-port.ts';
import { decodeServices, type ServiceNegotiation } from './service-negotiation.ts';

/** A message of the control channel with every field named. */
export interface DecodedMessage {
  /** Undefined for a type that the standard does not know; {@link typeOctet} says which. */
  readonly type: MessageType | undefined;
  readonly typeOctet: number;
  readonly isCommand: boolean;
  readonly value: Uint8Array;
  /** The DLCI that it is about, where it is about one. */
  readonly dlci?: number;
  readonly modemStatus?: ModemStatus;
  readonly parameters?: DlcParameters;
  readonly remotePort?: RemotePort;
  readonly lineStatus?: LineStatus;
  readonly services?: ServiceNegotiation;
  /** NSC: the type octet that was not understood, and its name where it has one. */
  readonly notSupported?: { readonly typeOctet: number; readonly type: MessageType | undefined };
}

/** A frame with every field named. */
export interface DecodedFrame {
  readonly kind: 'frame';
  readonly dlci: number;
  /** The C/R bit as it stands. */
  readonly commandResponse: 0 | 1;
  readonly type: FrameType;
  readonly pollFinal: boolean;
  /** N(S) of an I frame. */
  readonly ns?: number;
  /** N(R) of an I frame or a supervisory one. */
  readonly nr?: number;
  readonly info: Uint8Array;
  readonly fcs: number;
  /** False for a UI frame whose FCS covers the header alone: only such are taken in spite of it. */
  readonly isFcsRight: boolean;
  /** What the FCS should be. */
  readonly expectedFcs: number;
  /** On DLCI 0: the messages in the information field. */
  readonly messages?: readonly DecodedMessage[];
  /** False when octets are left at the end of the information field that make no whole message. */
  readonly areMessagesWhole?: boolean;
}

/** Octets that belong to no frame; flags are left out. */
export interface DecodedNoise {
  readonly kind: 'noise';
  readonly octets: Uint8Array;
  /** Where they have the shape of a frame: what is wrong with it, for example `FCS is 1D, should be 1C`. */
  readonly why?: string;
  /** They are the beginning of a frame that does not end within the octets given. */
  readonly isUnfinished: boolean;
}

/** What {@link decodeFrames} finds. */
export interface Decoded {
  /** Frames and what lies between them, in order. Idle flags are left out. */
  readonly items: readonly (DecodedFrame | DecodedNoise)[];
  readonly counters: Readonly<DeframerCounters>;
}

/** Options of {@link decodeFrames}. */
export interface DecodeOptions {
  /** Default `basic`. */
  readonly option?: 'basic' | 'advanced';
  /** The longest information field that is believed, 1 to 32768; default 2048. */
  readonly n1?: number;
}

/** Finds and names everything in some octets of a line, for people to read. */
export function decodeFrames(octets: Uint8Array, { option = 'basic', n1 = 2048 }: DecodeOptions = {}): Decoded {
  const items: (DecodedFrame | DecodedNoise)[] = [];
  const sink: FrameSink = {
    frame: (bytes, address, control, start, end) => {
      items.push(decodeFrame(bytes, address, control, start, end, option));
    },
    noise: (bytes, start, end) => {
      const part = bytes.slice(start, end);
      const why = option === 'basic' ? damage(part) : undefined;
      items.push({ kind: 'noise', octets: part, ...(why === undefined ? {} : { why }), isUnfinished: false });
    },
  };
  const limits = { n1: Math.min(Math.max(1, n1), N1_MAX), headerOnlyUi: true };
  const deframer = option === 'basic' ? new BasicDeframer(sink, limits) : new AdvancedDeframer(sink, limits);
  deframer.receive(octets);
  deframer.idle();
  if (deframer.isPending) {
    const flag = option === 'basic' ? FLAG_BASIC : FLAG_ADVANCED;
    const from = option === 'basic' ? octets.length - deframer.pendingOctets : octets.lastIndexOf(flag);
    items.push({ kind: 'noise', octets: octets.slice(octets[from] === flag ? from + 1 : from), isUnfinished: true });
  }
  return { items, counters: deframer.counters };
}

function decodeFrame(
  bytes: Uint8Array,
  address: number,
  control: number,
  start: number,
  end: number,
  option: 'basic' | 'advanced',
): DecodedFrame {
  const type = frameTypeOf(control) ?? 'UIH';
  const info = bytes.slice(start, end);
  const fcs = bytes[end] ?? 0;
  const expectedFcs = expect(address, control, info, option);
  const frame: DecodedFrame = {
    kind: 'frame',
    dlci: address >> 2,
    commandResponse: (address & 2) === 0 ? 0 : 1,
    type,
    pollFinal: (control & POLL_FINAL) !== 0,
    ...(type === 'I' ? { ns: (control >> 1) & 7 } : {}),
    ...(type === 'I' || type === 'RR' || type === 'RNR' || type === 'REJ' ? { nr: control >> 5 } : {}),
    info,
    fcs,
    isFcsRight: fcs === expectedFcs,
    expectedFcs,
  };
  if (frame.dlci !== 0 || (type !== 'UIH' && type !== 'UI')) return frame;
  const { messages, isComplete } = readMessages(info);
  return {
    ...frame,
    messages: messages.map(({ typeOctet, value }) => decodeMessage(typeOctet, value)),
    areMessagesWhole: isComplete,
  };
}

function expect(address: number, control: number, info: Uint8Array, option: 'basic' | 'advanced'): number {
  let register = FCS_TABLE[FCS_START ^ address] as number;
  register = FCS_TABLE[register ^ control] as number;
  if (option === 'basic') {
    const isShort = info.length < 128;
    const first = isShort ? (info.length << 1) | 1 : (info.length & 0x7f) << 1;
    register = FCS_TABLE[register ^ first] as number;
    if (!isShort) register = FCS_TABLE[register ^ (info.length >> 7)] as number;
  }
  if (!isHeaderOnlyFcs(control)) register = fcsRegister(register, info, 0, info.length);
  return register ^ 0xff;
}

/** What is wrong with octets that have the shape of a frame of the basic option; undefined where they have not. */
function damage(octets: Uint8Array): string | undefined {
  const [address = 0, control = 0, first = 0, second = 0] = octets;
  // The types of the error-recovery mode are left out: half of all octets would be one of them.
  if ((address & 1) === 0 || KIND_OF_CONTROL[control] === KIND.unknown) return undefined;
  const isShort = (first & 1) === 1;
  const headOctets = isShort ? 3 : 4;
  const length = (first >> 1) | (isShort ? 0 : second << 7);
  const got = octets.length - headOctets - 1;
  if (got < 0) return undefined;
  if (got !== length) return `its length says ${length}, there are ${got} octets`;
  const is = octets[octets.length - 1] ?? 0;
  const should = fcsOf(octets, 0, isHeaderOnlyFcs(control) ? headOctets : octets.length - 1);
  return is === should ? undefined : `FCS is ${hex(is)}, should be ${hex(should)}`;
}

function hex(octet: number): string {
  return octet.toString(16).toUpperCase().padStart(2, '0');
}

function decodeMessage(typeOctet: number, value: Uint8Array): DecodedMessage {
  const type = messageTypeOf(typeOctet);
  const message = { type, typeOctet, isCommand: (typeOctet & MESSAGE_COMMAND) !== 0, value };
  switch (type) {
    case 'MSC': {
      const decoded = decodeModemStatus(value);
      return decoded === undefined ? message : { ...message, dlci: decoded.dlci, modemStatus: decoded.status };
    }
    case 'PN': {
      const decoded = decodeParameters(value);
      return decoded === undefined ? message : { ...message, dlci: decoded.dlci, parameters: decoded.parameters };
    }
    case 'RPN': {
      const remotePort = decodeRemotePort(value);
      return remotePort === undefined ? message : { ...message, dlci: remotePort.dlci, remotePort };
    }
    case 'RLS': {
      const lineStatus = decodeLineStatus(value);
      return lineStatus === undefined ? message : { ...message, dlci: lineStatus.dlci, lineStatus };
    }
    case 'SNC': {
      const services = decodeServices(value);
      return services === undefined ? message : { ...message, dlci: services.dlci, services };
    }
    case 'NSC': {
      const refused = value[0] ?? 0;
      return { ...message, notSupported: { typeOctet: refused, type: messageTypeOf(refused) } };
    }
    default:
      return message;
  }
}
