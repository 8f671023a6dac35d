import type { AuthProtocol } from './auth-protocol.ts';
import { md5 } from './hash/md5.ts';
import { authenticatorResponse, ntResponse } from './ms-chap-v2.ts';
import { sameSecret, utf8 } from './text.ts';

/** What one algorithm of CHAP computes; packets and times are the same for all. */
export interface ChapAlgorithm {
  challenge(random: (octets: number) => Uint8Array): Uint8Array;
  /**
   * The response to a challenge, and what the success message must begin with, where it must prove something. Undefined
   * for a challenge of a length that cannot be.
   */
  respond(
    identifier: number,
    challenge: Uint8Array,
    user: Uint8Array,
    password: string,
    random: (octets: number) => Uint8Array,
  ): { readonly value: Uint8Array; readonly proof: string | undefined } | undefined;
  /** The message of success; undefined where the response is wrong. */
  verify(
    identifier: number,
    challenge: Uint8Array,
    response: Uint8Array,
    user: Uint8Array,
    password: string,
  ): string | undefined;
  failureText(challenge: Uint8Array): string;
  /** The part of a message that is meant for people. */
  message(text: string): string;
}

/** CHAP with MD5 (RFC 1994): the digest of identifier, secret and challenge. */
const chapMd5: ChapAlgorithm = {
  challenge: (random) => random(16),
  respond: (identifier, challenge, _user, password) => ({
    value: md5(Uint8Array.from([identifier, ...utf8(password), ...challenge])),
    proof: undefined,
  }),
  verify: (identifier, challenge, response, _user, password) =>
    sameSecret(md5(Uint8Array.from([identifier, ...utf8(password), ...challenge])), response)
      ? 'Access granted'
      : undefined,
  failureText: () => 'Access denied',
  message: (text) => text,
};

const CHALLENGE_BYTES = 16;
const RESPONSE_BYTES = 49;
/** Where the NT-Response is in the response: behind the peer's challenge and eight reserved octets. */
const NT_RESPONSE_AT = 24;

/** MS-CHAPv2 (RFC 2759): both ends show that they know the password. */
const msChapV2: ChapAlgorithm = {
  challenge: (random) => random(CHALLENGE_BYTES),
  respond: (_identifier, challenge, user, password, random) => {
    if (challenge.length !== CHALLENGE_BYTES) return undefined;
    const peerChallenge = random(CHALLENGE_BYTES);
    const response = ntResponse(challenge, peerChallenge, user, password);
    const value = new Uint8Array(RESPONSE_BYTES);
    value.set(peerChallenge);
    value.set(response, NT_RESPONSE_AT);
    return { value, proof: authenticatorResponse(password, response, peerChallenge, challenge, user) };
  },
  verify: (_identifier, challenge, value, user, password) => {
    if (value.length !== RESPONSE_BYTES) return undefined;
    const peerChallenge = value.subarray(0, CHALLENGE_BYTES);
    const response = value.subarray(NT_RESPONSE_AT, RESPONSE_BYTES - 1);
    if (!sameSecret(ntResponse(challenge, peerChallenge, user, password), response)) return undefined;
    return `${authenticatorResponse(password, response, peerChallenge, challenge, user)} M=Access granted`;
  },
  // E=691: authentication failure; R=0: no second attempt; C: a challenge for one; V=3: the version (RFC 2759 §6).
  failureText: (challenge) =>
    `E=691 R=0 C=${Array.from(challenge, (octet) => octet.toString(16).toUpperCase().padStart(2, '0')).join('')} V=3 M=Access denied`,
  message: (text) => /M=(.*)$/.exec(text)?.[1] ?? text,
};

/** The algorithm of a way to authenticate. */
export function chapAlgorithm(protocol: Exclude<AuthProtocol, 'pap'>): ChapAlgorithm {
  return protocol === 'chap-md5' ? chapMd5 : msChapV2;
}
