/*
 * The messages of the control channel, 3GPP TS 27.010 §5.4.6: type octet (EA, C/R, six bits), length octets with EA each,
 * value. Type octets below are those of the response; a command has bit 1 (C/R) set besides.
 */

/** Type octets with C/R clear. */
export const MESSAGE = {
  /** DLC parameter negotiation, §5.4.6.3.1. */
  PN: 0x81,
  /** Power saving control, §5.4.6.3.2. */
  PSC: 0x41,
  /** Multiplexer close down, §5.4.6.3.3. */
  CLD: 0xc1,
  /** Test, §5.4.6.3.4. */
  Test: 0x21,
  /** Flow control on: go on, §5.4.6.3.5. */
  FCon: 0xa1,
  /** Flow control off: stop, §5.4.6.3.6. */
  FCoff: 0x61,
  /** Modem status, §5.4.6.3.7. */
  MSC: 0xe1,
  /** Non-supported command, §5.4.6.3.8; a response only. */
  NSC: 0x11,
  /** Remote port negotiation, §5.4.6.3.9. */
  RPN: 0x91,
  /** Remote line status, §5.4.6.3.10. */
  RLS: 0x51,
  /** Service negotiation, §5.4.6.3.11. */
  SNC: 0xd1,
} as const;

/** Names of the messages, as the standard spells them. */
export type MessageType = keyof typeof MESSAGE;

/** The C/R bit of a type octet: 1 in a command, whatever the role of its sender (§5.4.6.2). */
export const MESSAGE_COMMAND = 0x02;

const NAMES = new Map<number, MessageType>(
  (Object.entries(MESSAGE) as [MessageType, number][]).map(([name, octet]) => [octet, name]),
);

/** The message of a type octet, whatever its C/R bit; undefined for one that the standard does not know. */
export function messageTypeOf(typeOctet: number): MessageType | undefined {
  return NAMES.get(typeOctet & ~MESSAGE_COMMAND);
}

/**
 * Lengths of the value that a message may have, in octets; undefined where any will do. The information of UIH is not
 * covered by the FCS, so a damaged type octet shows only here: MSC (E3) and CLD (C3) differ in one bit.
 */
export const VALUE_LENGTHS: Readonly<Record<MessageType, readonly number[] | undefined>> = {
  PN: [8],
  PSC: [0],
  CLD: [0],
  Test: undefined,
  FCon: [0],
  FCoff: [0],
  MSC: [2, 3],
  NSC: [1],
  RPN: [1, 8],
  RLS: [2],
  SNC: [1, 2, 3],
};

/** One message as it stands in an information field. */
export interface RawMessage {
  /** The type octet as received, with its C/R bit. */
  readonly typeOctet: number;
  readonly value: Uint8Array;
}

/** All messages of an information field. */
export interface RawMessages {
  readonly messages: readonly RawMessage[];
  /** False when octets are left that make no whole message. */
  readonly isComplete: boolean;
}

/** Reads the messages of `info[start]` to `info[end - 1]`; there may be several (§5.4.6.1). Values are copies. */
export function readMessages(info: Uint8Array, start = 0, end: number = info.length): RawMessages {
  const messages: RawMessage[] = [];
  let at = start;
  while (at < end) {
    const typeOctet = info[at] as number;
    // A type of more than one octet is none of the standard's: its further octets are skipped with it.
    do at++;
    while (at < end && ((info[at - 1] as number) & 1) === 0);
    let length = 0;
    let shift = 0;
    let more = true;
    while (more && at < end && shift <= 14) {
      const octet = info[at++] as number;
      length |= (octet >> 1) << shift;
      shift += 7;
      more = (octet & 1) === 0;
    }
    if (more || at + length > end) return { messages, isComplete: false };
    messages.push({ typeOctet, value: info.slice(at, at + length) });
    at += length;
  }
  return { messages, isComplete: true };
}

/** The octets of one message. */
export function encodeMessage(type: MessageType, isCommand: boolean, value: Uint8Array): Uint8Array {
  return encodeRawMessage(MESSAGE[type] | (isCommand ? MESSAGE_COMMAND : 0), value);
}

/** The octets of one message with a type octet given as it is. */
export function encodeRawMessage(typeOctet: number, value: Uint8Array): Uint8Array {
  const head = value.length < 128 ? 2 : 3;
  const octets = new Uint8Array(head + value.length);
  octets[0] = typeOctet;
  if (head === 2) {
    octets[1] = (value.length << 1) | 1;
  } else {
    octets[1] = (value.length & 0x7f) << 1;
    octets[2] = ((value.length >> 7) << 1) | 1;
  }
  octets.set(value, head);
  return octets;
}
