import { desEncrypt } from './hash/des.ts';
import { md4 } from './hash/md4.ts';
import { sha1 } from './hash/sha1.ts';

/** Octets put together. */
function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** The password as MS-CHAP hashes it: UTF-16, little-endian. */
function utf16(text: string): Uint8Array {
  const octets = new Uint8Array(text.length * 2);
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    octets[index * 2] = unit & 0xff;
    octets[index * 2 + 1] = unit >>> 8;
  }
  return octets;
}

/** Seven octets of a key spread over eight, the lowest bit of each left for parity. */
function spread(key: Uint8Array): Uint8Array {
  const octets = new Uint8Array(8);
  for (let index = 0; index < 8; index++) {
    const pair = (((index > 0 ? key[index - 1] : 0) ?? 0) << 8) | (key[index] ?? 0);
    octets[index] = (pair >>> index) & 0xfe;
  }
  return octets;
}

/** The user name without the domain in front of it. */
function withoutDomain(user: Uint8Array): Uint8Array {
  return user.subarray(user.lastIndexOf(0x5c) + 1);
}

/** What is encrypted: eight octets of both challenges and the user's name (RFC 2759 §8.2). */
export function challengeHash(peerChallenge: Uint8Array, challenge: Uint8Array, user: Uint8Array): Uint8Array {
  return sha1(join(peerChallenge, challenge, withoutDomain(user))).subarray(0, 8);
}

/** NT-Response, 24 octets: that we know the password (RFC 2759 §8.1). */
export function ntResponse(
  challenge: Uint8Array,
  peerChallenge: Uint8Array,
  user: Uint8Array,
  password: string,
): Uint8Array {
  const block = challengeHash(peerChallenge, challenge, user);
  const key = new Uint8Array(21);
  key.set(md4(utf16(password)));
  return join(...[0, 7, 14].map((at) => desEncrypt(spread(key.subarray(at, at + 7)), block)));
}

const MAGIC_1 = ascii('Magic server to client signing constant');
const MAGIC_2 = ascii('Pad to make it do more than one iteration');

/** Authenticator Response, `S=` and 40 hex digits: that the other end knows the password as well (RFC 2759 §8.7). */
export function authenticatorResponse(
  password: string,
  response: Uint8Array,
  peerChallenge: Uint8Array,
  challenge: Uint8Array,
  user: Uint8Array,
): string {
  const hashHash = md4(md4(utf16(password)));
  const digest = sha1(join(hashHash, response, MAGIC_1));
  const signed = sha1(join(digest, challengeHash(peerChallenge, challenge, user), MAGIC_2));
  return `S=${Array.from(signed, (octet) => octet.toString(16).toUpperCase().padStart(2, '0')).join('')}`;
}
