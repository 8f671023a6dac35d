import type { Authentication, AuthenticationHost, AuthLimits, Credentials } from './authentication.ts';
import type { AuthProtocol } from './auth-protocol.ts';
import { PapAuthenticator, PapPeer } from './pap.ts';

/** Our side of an authentication in which the peer asks who we are. */
export function makePeer(
  _protocol: AuthProtocol,
  host: AuthenticationHost,
  limits: AuthLimits,
  credentials: Credentials,
): Authentication {
  return new PapPeer(host, limits, credentials);
}

/** Our side of an authentication in which we ask who the peer is. */
export function makeAuthenticator(
  _protocol: AuthProtocol,
  host: AuthenticationHost,
  limits: AuthLimits,
  _options: { readonly name: string; readonly rechallengeMs: number },
): Authentication {
  return new PapAuthenticator(host, limits);
}
