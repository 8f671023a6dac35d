import type { Authentication, AuthenticationHost } from './authentication.ts';
import type { AuthProtocol } from './auth-protocol.ts';
import { makeAuthenticator, makePeer } from './make-authentication.ts';
import { PROTOCOL, protocolName } from './protocol-numbers.ts';
import type { PppEndReason, SessionConfiguration, SessionEvent } from './session-types.ts';
import { fromUtf8 } from './text.ts';

/** What the authentication phase needs from the session. */
export interface AuthenticationPhaseHost {
  now(): number;
  random(octets: number): Uint8Array;
  send(protocol: number, packet: Uint8Array): void;
  secretOf(user: string, answer: (secret: string | undefined) => void): void;
  event(event: SessionEvent): void;
  /** Both sides that were asked for are through; not called again when one is challenged later. */
  done(): void;
  failed(reason: PppEndReason, text: string): void;
}

interface Side {
  readonly protocol: AuthProtocol;
  readonly authentication: Authentication;
}

/**
 * The authentication phase (RFC 1661 §3.5): we show who we are, the peer does, both at once, or neither. Lives on with the
 * link, since challenges may come at any time.
 */
export class AuthenticationPhase {
  readonly #configuration: SessionConfiguration;
  readonly #host: AuthenticationPhaseHost;
  #peer: Side | undefined;
  #authenticator: Side | undefined;
  #pending = 0;

  constructor(configuration: SessionConfiguration, host: AuthenticationPhaseHost) {
    this.#configuration = configuration;
    this.#host = host;
  }

  get deadlineMs(): number | undefined {
    const ours = this.#peer?.authentication.deadlineMs;
    const peers = this.#authenticator?.authentication.deadlineMs;
    return ours === undefined || peers === undefined ? (ours ?? peers) : Math.min(ours, peers);
  }

  /** Begins what was agreed on: how we show who we are, how the peer does. */
  start(asPeer: AuthProtocol | undefined, asAuthenticator: AuthProtocol | undefined): void {
    const { credentials, authLimits, authenticatorName, rechallengeMs } = this.#configuration;
    this.#pending = 0;
    this.#peer = undefined;
    this.#authenticator = undefined;
    if (asPeer !== undefined) {
      this.#pending++;
      const authentication = makePeer(asPeer, this.#sideHost(asPeer, 'us'), authLimits, credentials);
      this.#peer = { protocol: asPeer, authentication };
    }
    if (asAuthenticator !== undefined) {
      this.#pending++;
      const host = this.#sideHost(asAuthenticator, 'peer');
      const options = { name: authenticatorName, rechallengeMs };
      this.#authenticator = {
        protocol: asAuthenticator,
        authentication: makeAuthenticator(asAuthenticator, host, authLimits, options),
      };
    }
    this.#authenticator?.authentication.start();
    this.#peer?.authentication.start();
  }

  /** The link below is down, or the session over: what still comes is ignored. */
  stop(): void {
    this.#peer = undefined;
    this.#authenticator = undefined;
  }

  timeout(nowMs: number): void {
    for (const { authentication } of this.#sides) {
      if (authentication.deadlineMs !== undefined && authentication.deadlineMs <= nowMs) authentication.timeout();
    }
  }

  /** Takes a packet of PAP or CHAP; false where nobody waits for such. */
  receive(protocol: number, information: Uint8Array): boolean {
    const concerned = this.#sides.filter((side) => numberOf(side.protocol) === protocol);
    for (const { authentication } of concerned) authentication.receive(information);
    return concerned.length > 0;
  }

  get #sides(): readonly Side[] {
    return [this.#peer, this.#authenticator].filter((side) => side !== undefined);
  }

  #sideHost(protocol: AuthProtocol, by: 'peer' | 'us'): AuthenticationHost {
    let isThrough = false;
    return {
      now: () => this.#host.now(),
      send: (packet) => {
        this.#host.send(numberOf(protocol), packet);
      },
      random: (octets) => this.#host.random(octets),
      secretOf: (user, answer) => {
        const asking = this.#authenticator;
        this.#host.secretOf(fromUtf8(user), (secret) => {
          if (asking !== undefined && this.#authenticator === asking) answer(secret);
        });
      },
      succeeded: (message, user) => {
        this.#host.event({ type: 'authenticated', by, protocol, user, message });
        if (isThrough) return;
        isThrough = true;
        if (--this.#pending === 0) this.#host.done();
      },
      failed: (reason, message) => {
        if (reason === 'noAnswer') this.#host.failed('noAnswer', `no answer to ${protocolName(numberOf(protocol))}`);
        else if (reason === 'refused') this.#host.failed('authFailed', message);
        else this.#host.failed('authFailed', 'the peer does not know our password either');
      },
    };
  }
}

/** The protocol on the line. */
function numberOf(protocol: AuthProtocol): number {
  return protocol === 'pap' ? PROTOCOL.PAP : PROTOCOL.CHAP;
}
