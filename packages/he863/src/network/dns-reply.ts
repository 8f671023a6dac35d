import { parseAddress } from './ipv4-packet.ts';

const TYPE_A = 1;
const CLASS_IN = 1;
const NO_SUCH_NAME = 3;
const NOT_IMPLEMENTED = 4;
const TTL_S = 60;

interface Question {
  readonly name: string;
  readonly type: number;
  readonly cls: number;
  /** Where it ends in the message. */
  readonly end: number;
}

/**
 * Answers a DNS query (RFC 1035) of one question from a table of names; undefined where the message is no query. A name
 * that the table has not is answered with "no such name", another type than A with no records.
 */
export function dnsReply(query: Uint8Array, lookUp: (name: string) => string | undefined): Uint8Array | undefined {
  if (query.length < 12) return undefined;
  const view = new DataView(query.buffer, query.byteOffset, query.byteLength);
  const flags = view.getUint16(2);
  if ((flags & 0x8000) !== 0) return undefined;
  if ((flags & 0x7800) !== 0 || view.getUint16(4) !== 1) return message(query.subarray(0, 12), 0, NOT_IMPLEMENTED);
  const question = readQuestion(query);
  if (question === undefined) return undefined;
  const asked = query.subarray(0, question.end);
  const address = lookUp(question.name);
  if (address === undefined) return message(asked, 1, NO_SUCH_NAME);
  const octets = parseAddress(address);
  if (question.type !== TYPE_A || question.cls !== CLASS_IN || octets === undefined) return message(asked, 1, 0);
  return message(asked, 1, 0, octets);
}

function readQuestion(query: Uint8Array): Question | undefined {
  const labels: string[] = [];
  let offset = 12;
  for (;;) {
    const length = query[offset];
    // A question needs no compression; who uses it is not answered.
    if (length === undefined || length > 63) return undefined;
    offset += 1;
    if (length === 0) break;
    if (offset + length > query.length) return undefined;
    labels.push(String.fromCharCode(...query.subarray(offset, offset + length)));
    offset += length;
  }
  if (offset + 4 > query.length) return undefined;
  const view = new DataView(query.buffer, query.byteOffset, query.byteLength);
  return {
    name: labels.join('.').toLowerCase(),
    type: view.getUint16(offset),
    cls: view.getUint16(offset + 2),
    end: offset + 4,
  };
}

function message(asked: Uint8Array, questions: number, code: number, address?: Uint8Array): Uint8Array {
  const reply = new Uint8Array(asked.length + (address === undefined ? 0 : 16));
  reply.set(asked);
  const view = new DataView(reply.buffer);
  // A response, recursion available; the caller's own "recursion desired" is given back.
  view.setUint16(2, 0x8080 | (view.getUint16(2) & 0x0100) | code);
  view.setUint16(4, questions);
  view.setUint16(6, address === undefined ? 0 : 1);
  view.setUint16(8, 0);
  view.setUint16(10, 0);
  if (address === undefined) return reply;
  const record = asked.length;
  view.setUint16(record, 0xc00c);
  view.setUint16(record + 2, TYPE_A);
  view.setUint16(record + 4, CLASS_IN);
  view.setUint32(record + 6, TTL_S);
  view.setUint16(record + 10, 4);
  reply.set(address, record + 12);
  return reply;
}
