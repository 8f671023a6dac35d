import { formatIpv4 } from './ip-address.ts';

const TYPE_A = 1;
const CLASS_IN = 1;
const HEADER_BYTES = 12;
const RESPONSE = 0x8000;
const RECURSION_DESIRED = 0x0100;
const NO_SUCH_NAME = 3;
/** Records looked at in one answer; a longer chain of aliases is none that is meant well. */
const RECORD_LIMIT = 64;

/**
 * The octets of a DNS query (RFC 1035 §4.1) for the IPv4 address of a name; undefined for a name that cannot be one:
 * labels of 1 to 63 octets of ASCII, 253 in all.
 */
export function encodeAddressQuery(id: number, name: string): Uint8Array | undefined {
  const labels = name.replace(/\.$/, '').split('.');
  const isName = name.length <= 253 && labels.every((label) => /^[\x21-\x7e]{1,63}$/.test(label));
  if (!isName) return undefined;
  const query = new Uint8Array(HEADER_BYTES + labels.reduce((sum, label) => sum + 1 + label.length, 1) + 4);
  const view = new DataView(query.buffer);
  view.setUint16(0, id);
  view.setUint16(2, RECURSION_DESIRED);
  view.setUint16(4, 1);
  let offset = HEADER_BYTES;
  for (const label of labels) {
    query[offset++] = label.length;
    for (let index = 0; index < label.length; index++) query[offset++] = label.charCodeAt(index);
  }
  view.setUint16(offset + 1, TYPE_A);
  view.setUint16(offset + 3, CLASS_IN);
  return query;
}

/** What a name server says about the address of a name. */
export type AddressAnswer =
  | { readonly kind: 'address'; readonly address: string }
  /** The server knows that there is no such name, or no IPv4 address of it. */
  | { readonly kind: 'none' }
  /** The server cannot or will not say; its response code (RFC 1035 §4.1.1). */
  | { readonly kind: 'failed'; readonly responseCode: number };

/** Reads the answer to a query with this id; undefined for anything else, damaged ones included. Never throws. */
export function decodeAddressAnswer(id: number, message: Uint8Array): AddressAnswer | undefined {
  if (message.length < HEADER_BYTES) return undefined;
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const flags = view.getUint16(2);
  if (view.getUint16(0) !== id || (flags & RESPONSE) === 0) return undefined;
  const responseCode = flags & 0x000f;
  if (responseCode === NO_SUCH_NAME) return { kind: 'none' };
  if (responseCode !== 0) return { kind: 'failed', responseCode };
  let offset: number | undefined = HEADER_BYTES;
  for (let question = 0; question < Math.min(view.getUint16(4), RECORD_LIMIT); question++) {
    offset = endOfName(message, offset);
    if (offset === undefined) return undefined;
    offset += 4;
  }
  for (let record = 0; record < Math.min(view.getUint16(6), RECORD_LIMIT); record++) {
    offset = endOfName(message, offset);
    if (offset === undefined || offset + 10 > message.length) return undefined;
    const isAddress = view.getUint16(offset) === TYPE_A && view.getUint16(offset + 2) === CLASS_IN;
    const dataBytes = view.getUint16(offset + 8);
    const data = message.subarray(offset + 10, offset + 10 + dataBytes);
    if (data.length !== dataBytes) return undefined;
    // Aliases come first: the address that follows is that of what they stand for.
    if (isAddress && dataBytes === 4) return { kind: 'address', address: formatIpv4(data) };
    offset += 10 + dataBytes;
  }
  return { kind: 'none' };
}

/** Where the name that begins at `offset` ends; a pointer (§4.1.4) ends it and is not followed. */
function endOfName(message: Uint8Array, offset: number): number | undefined {
  for (let at = offset; ;) {
    const length = message[at];
    if (length === undefined) return undefined;
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    if (length > 63) return undefined;
    at += 1 + length;
  }
}
