/** Who we say we are. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** How long and how often an authentication is tried. */
export interface AuthLimits {
  /** Time between two requests, or two challenges. */
  readonly retryMs: number;
  /** Requests, or challenges, before it is given up. */
  readonly maxRequests: number;
}

/** What an authentication needs from the session around it. */
export interface AuthenticationHost {
  now(): number;
  send(packet: Uint8Array): void;
  random(octets: number): Uint8Array;
  /**
   * Asks what the secret of `user` is, undefined for an unknown user. The answer may come at once or later; one that
   * comes after the authentication has ended is ignored.
   */
  secretOf(user: Uint8Array, answer: (secret: string | undefined) => void): void;
  /** The verdict is good. `user` is the peer's name where it is the peer that has shown who it is. */
  succeeded(message: string, user: string | undefined): void;
  /** `refused`: the verdict is bad; `impostor`: the peer could not show that it knows our secret. */
  failed(reason: 'refused' | 'noAnswer' | 'impostor', message: string): void;
}

/** One side of one authentication. */
export interface Authentication {
  /** When {@link timeout} is due. */
  readonly deadlineMs: number | undefined;
  start(): void;
  receive(information: Uint8Array): void;
  timeout(): void;
}
