import { describe, expect, it } from 'vitest';
import { authenticatorResponse, challengeHash, ntResponse } from './ms-chap-v2.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');

// RFC 2759 §9.2
const user = Uint8Array.from(Buffer.from('User'));
const challenge = bytes('5b5d7c7d7b3f2f3e3c2c602132262628');
const peerChallenge = bytes('21402324255e262a28295f2b3a337c7e');
const response = bytes('82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df');

describe('MS-CHAPv2, the example of RFC 2759 §9.2', () => {
  it('hashes the challenges', () => {
    expect(hex(challengeHash(peerChallenge, challenge, user))).toBe('d02e4386bce91226');
  });
  it('makes the NT-Response, with or without a domain', () => {
    expect(hex(ntResponse(challenge, peerChallenge, user, 'clientPass'))).toBe(hex(response));
    const withDomain = Uint8Array.from(Buffer.from('DOMAIN\\User'));
    expect(hex(ntResponse(challenge, peerChallenge, withDomain, 'clientPass'))).toBe(hex(response));
  });
  it('makes the authenticator response', () => {
    expect(authenticatorResponse('clientPass', response, peerChallenge, challenge, user)).toBe(
      'S=407A5589115FD0D6209F510FE9C04566932CDA56',
    );
  });
});
