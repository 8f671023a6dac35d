import { MESSAGE_COMMAND, messageTypeOf, readMessages, type MessageType, type RawMessage } from './control-message.ts';
import { decodeLineStatus } from './line-status.ts';
import { decodeModemStatus } from './modem-status.ts';
import { decodeParameters } from './parameter-negotiation.ts';
import { decodeRemotePort } from './remote-port.ts';
import { decodeServices } from './service-negotiation.ts';

/** The value of a named field of a message; undefined where the message leaves it open. */
export type FieldValue = number | boolean | string | undefined;

/** A message of the control channel with every field named (3GPP TS 27.010 §5.4.6.3). */
export interface DecodedMessage {
  /** As the standard spells it; undefined for a type that it does not know. */
  readonly type: MessageType | undefined;
  readonly typeOctet: number;
  readonly isCommand: boolean;
  /** Empty for a message without a value, and for one whose value is none of its type's. */
  readonly fields: Readonly<Record<string, FieldValue>>;
  readonly value: Uint8Array;
}

/** All whole messages of an information field. */
export function describeMessages(info: Uint8Array): readonly DecodedMessage[] {
  const { messages } = readMessages(info);
  return messages.map(describe);
}

function describe({ typeOctet, value }: RawMessage): DecodedMessage {
  const type = messageTypeOf(typeOctet);
  const isCommand = (typeOctet & MESSAGE_COMMAND) !== 0;
  return { type, typeOctet, isCommand, fields: type === undefined ? {} : fieldsOf(type, value), value };
}

function fieldsOf(type: MessageType, value: Uint8Array): DecodedMessage['fields'] {
  switch (type) {
    case 'MSC': {
      const message = decodeModemStatus(value);
      return message === undefined ? {} : { dlci: message.dlci, ...message.status };
    }
    case 'PN': {
      const message = decodeParameters(value);
      return message === undefined ? {} : { dlci: message.dlci, ...message.parameters };
    }
    case 'RPN': {
      const message = decodeRemotePort(value);
      return message === undefined ? {} : { dlci: message.dlci, ...message.settings, mask: message.mask };
    }
    case 'RLS': {
      return { ...decodeLineStatus(value) };
    }
    case 'SNC': {
      const message = decodeServices(value);
      return message === undefined ? {} : { dlci: message.dlci, ...message.services };
    }
    case 'NSC': {
      const refused = value[0];
      return refused === undefined ? {} : { refused: messageTypeOf(refused) ?? refused };
    }
    case 'PSC':
    case 'CLD':
    case 'Test':
    case 'FCon':
    case 'FCoff':
      return {};
  }
}
