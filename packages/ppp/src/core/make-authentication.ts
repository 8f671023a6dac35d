import type { Authentication, AuthenticationHost, AuthLimits, Credentials } from './authentication.ts';
import type { AuthProtocol } from './auth-protocol.ts';
import { ChapAuthenticator, ChapPeer } from './chap.ts';
import { PapAuthenticator, PapPeer } from './pap.ts';

/** Our side of an authentication in which the peer asks who we are. */
export function makePeer(
  protocol: AuthProtocol,
  host: AuthenticationHost,
  limits: AuthLimits,
  credentials: Credentials,
): Authentication {
  return protocol === 'pap'
    ? new PapPeer(host, limits, credentials)
    : new ChapPeer(protocol, host, limits, credentials);
}

/** Our side of an authentication in which we ask who the peer is. */
export function makeAuthenticator(
  protocol: AuthProtocol,
  host: AuthenticationHost,
  limits: AuthLimits,
  options: { readonly name: string; readonly rechallengeMs: number },
): Authentication {
  return protocol === 'pap'
    ? new PapAuthenticator(host, limits)
    : new ChapAuthenticator(protocol, host, limits, options);
}
