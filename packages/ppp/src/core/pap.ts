import type { Authentication, AuthenticationHost, AuthLimits, Credentials } from './authentication.ts';
import { controlPacket, parseControlPacket } from './control-packet.ts';
import { peerText, sameSecret, utf8 } from './text.ts';

/** Codes of PAP (RFC 1334 §2). */
const PAP = { request: 1, ack: 2, nak: 3 } as const;

/** The longest name or password that PAP can carry, in octets. */
const FIELD_BYTES = 255;

/** Our side of PAP: says who we are until the peer answers (RFC 1334 §2.2.1). */
export class PapPeer implements Authentication {
  deadlineMs: number | undefined;
  readonly #host: AuthenticationHost;
  readonly #limits: AuthLimits;
  readonly #data: Uint8Array;
  #identifier = 0;
  #requestsSent = 0;
  #isDone = false;

  constructor(host: AuthenticationHost, limits: AuthLimits, credentials: Credentials) {
    this.#host = host;
    this.#limits = limits;
    const user = utf8(credentials.user).subarray(0, FIELD_BYTES);
    const password = utf8(credentials.password).subarray(0, FIELD_BYTES);
    this.#data = Uint8Array.from([user.length, ...user, password.length, ...password]);
  }

  start(): void {
    this.#send();
  }

  timeout(): void {
    this.deadlineMs = undefined;
    if (this.#requestsSent < this.#limits.maxRequests) this.#send();
    else this.#host.failed('noAnswer', '');
  }

  receive(information: Uint8Array): void {
    const packet = parseControlPacket(information);
    if (packet === undefined || this.#isDone || this.#requestsSent === 0) return;
    // Every request has its own identifier; the answer to any of them is a verdict on the same name and password.
    if (packet.code !== PAP.ack && packet.code !== PAP.nak) return;
    this.#isDone = true;
    this.deadlineMs = undefined;
    const message = readMessage(packet.data);
    if (packet.code === PAP.ack) this.#host.succeeded(message, undefined);
    else this.#host.failed('refused', message);
  }

  #send(): void {
    this.#requestsSent++;
    this.#identifier = (this.#identifier + 1) & 0xff;
    this.#host.send(controlPacket(PAP.request, this.#identifier, this.#data));
    this.deadlineMs = this.#host.now() + this.#limits.retryMs;
  }
}

/** The side of PAP that checks: waits for the peer's name and password (RFC 1334 §2.2). */
export class PapAuthenticator implements Authentication {
  deadlineMs: number | undefined;
  readonly #host: AuthenticationHost;
  readonly #limits: AuthLimits;
  #isAsking = false;
  #verdict: { readonly code: number; readonly data: Uint8Array } | undefined;

  constructor(host: AuthenticationHost, limits: AuthLimits) {
    this.#host = host;
    this.#limits = limits;
  }

  start(): void {
    this.deadlineMs = this.#host.now() + this.#limits.retryMs * this.#limits.maxRequests;
  }

  timeout(): void {
    this.deadlineMs = undefined;
    this.#host.failed('noAnswer', '');
  }

  receive(information: Uint8Array): void {
    const packet = parseControlPacket(information);
    if (packet?.code !== PAP.request || this.#isAsking) return;
    const { identifier } = packet;
    // The answer may have been lost: the same request gets the same verdict (RFC 1334 §2.2.1).
    if (this.#verdict !== undefined) {
      this.#host.send(controlPacket(this.#verdict.code, identifier, this.#verdict.data));
      return;
    }
    const userBytes = packet.data[0] ?? 0;
    const passwordBytes = packet.data[userBytes + 1];
    if (passwordBytes === undefined || userBytes + passwordBytes + 2 > packet.data.length) return;
    const user = packet.data.slice(1, userBytes + 1);
    const password = packet.data.slice(userBytes + 2, userBytes + 2 + passwordBytes);
    this.#isAsking = true;
    this.#host.secretOf(user, (secret) => {
      this.#isAsking = false;
      this.deadlineMs = undefined;
      const isRight = secret !== undefined && sameSecret(utf8(secret), password);
      const message = utf8(isRight ? 'Login ok' : 'Login incorrect');
      this.#verdict = { code: isRight ? PAP.ack : PAP.nak, data: Uint8Array.from([message.length, ...message]) };
      this.#host.send(controlPacket(this.#verdict.code, identifier, this.#verdict.data));
      if (isRight) this.#host.succeeded('', peerText(user));
      else this.#host.failed('refused', peerText(user));
    });
  }
}

/** The message of an Ack or Nak; its length octet may be missing. */
function readMessage(data: Uint8Array): string {
  const length = data[0];
  return length === undefined ? '' : peerText(data.subarray(1, 1 + length));
}
