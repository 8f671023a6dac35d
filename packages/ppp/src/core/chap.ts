import type { Authentication, AuthenticationHost, AuthLimits, Credentials } from './authentication.ts';
import { chapAlgorithm, type ChapAlgorithm } from './chap-algorithm.ts';
import { controlPacket, parseControlPacket, sameOctets, type ControlPacket } from './control-packet.ts';
import type { AuthProtocol } from './auth-protocol.ts';
import { peerText, utf8 } from './text.ts';

/** Codes of CHAP (RFC 1994 §4). */
const CHAP = { challenge: 1, response: 2, success: 3, failure: 4 } as const;

/** A value and the name behind it, as challenges and responses carry them; undefined where the lengths are impossible. */
function readValue(data: Uint8Array): { value: Uint8Array; name: Uint8Array } | undefined {
  const length = data[0];
  if (length === undefined || length === 0 || length + 1 > data.length) return undefined;
  return { value: data.slice(1, length + 1), name: data.slice(length + 1) };
}

function valueData(value: Uint8Array, name: Uint8Array): Uint8Array {
  return Uint8Array.from([value.length, ...value, ...name]);
}

/** A challenge that was answered. */
interface ChapAnswer {
  readonly identifier: number;
  readonly challenge: Uint8Array;
  readonly response: Uint8Array;
  /** What the Success must begin with, where it must prove something. */
  readonly proof: string | undefined;
}

/**
 * Our side of CHAP: answers challenges, whenever they come (RFC 1994 §4.1). A response is repeated until its verdict comes,
 * since a peer whose Success was lost waits for nothing and says it again to the same response only (RFC 1994 §4.2).
 */
export class ChapPeer implements Authentication {
  deadlineMs: number | undefined;
  readonly #host: AuthenticationHost;
  readonly #limits: AuthLimits;
  readonly #algorithm: ChapAlgorithm;
  readonly #user: Uint8Array;
  readonly #password: string;
  /** The challenge answered last, the packet that answers it, and what the peer must say to that. */
  #answer: ChapAnswer | undefined;
  #hasVerdict = false;
  /** Set by the first Success: what comes later may fail, but no longer by silence. */
  #isIn = false;
  #giveUpMs = 0;

  constructor(
    protocol: Exclude<AuthProtocol, 'pap'>,
    host: AuthenticationHost,
    limits: AuthLimits,
    credentials: Credentials,
  ) {
    this.#host = host;
    this.#limits = limits;
    this.#algorithm = chapAlgorithm(protocol);
    this.#user = utf8(credentials.user);
    this.#password = credentials.password;
  }

  start(): void {
    this.#beginPatience();
    // Until there is a challenge nothing can be sent.
    this.deadlineMs = this.#giveUpMs;
  }

  timeout(): void {
    this.deadlineMs = undefined;
    if (this.#answer !== undefined && this.#host.now() < this.#giveUpMs) this.#respond(this.#answer.response);
    else if (!this.#isIn) this.#host.failed('noAnswer', '');
  }

  receive(information: Uint8Array): void {
    const packet = parseControlPacket(information);
    if (packet === undefined) return;
    if (packet.code === CHAP.challenge) this.#challenged(packet);
    else if (this.#answer?.identifier === packet.identifier && !this.#hasVerdict) this.#judged(packet, this.#answer);
  }

  #challenged({ identifier, data }: ControlPacket): void {
    const challenge = readValue(data);
    if (challenge === undefined) return;
    const { value } = challenge;
    let answer = this.#answer;
    // The same challenge again asks for the same response: the verdict on its way may be that on the first one.
    if (answer?.identifier !== identifier || !sameOctets(answer.challenge, value)) {
      const made = this.#algorithm.respond(identifier, value, this.#user, this.#password, (octets) =>
        this.#host.random(octets),
      );
      if (made === undefined) return;
      const response = controlPacket(CHAP.response, identifier, valueData(made.value, this.#user));
      answer = { identifier, challenge: value, response, proof: made.proof };
      this.#answer = answer;
      this.#hasVerdict = false;
      this.#beginPatience();
    }
    this.#respond(answer.response);
  }

  #judged({ code, data }: ControlPacket, { proof }: ChapAnswer): void {
    if (code !== CHAP.success && code !== CHAP.failure) return;
    this.deadlineMs = undefined;
    this.#hasVerdict = true;
    const text = peerText(data);
    if (code === CHAP.failure) this.#host.failed('refused', this.#algorithm.message(text));
    else if (proof !== undefined && !text.toUpperCase().startsWith(proof)) this.#host.failed('impostor', '');
    else {
      this.#isIn = true;
      this.#host.succeeded(this.#algorithm.message(text), undefined);
    }
  }

  #beginPatience(): void {
    this.#giveUpMs = this.#host.now() + this.#limits.retryMs * this.#limits.maxRequests;
  }

  #respond(response: Uint8Array): void {
    this.#host.send(response);
    this.deadlineMs = this.#hasVerdict ? undefined : this.#host.now() + this.#limits.retryMs;
  }
}

/** The side of CHAP that asks and checks (RFC 1994 §4.1, §4.2). */
export class ChapAuthenticator implements Authentication {
  deadlineMs: number | undefined;
  readonly #host: AuthenticationHost;
  readonly #limits: AuthLimits;
  readonly #algorithm: ChapAlgorithm;
  readonly #name: Uint8Array;
  readonly #rechallengeMs: number;
  #identifier: number;
  #challenge: Uint8Array = new Uint8Array(0);
  #challengesSent = 0;
  #isAsking = false;
  /** The verdict on the challenge at hand, for responses that are repeated. */
  #verdict: Uint8Array | undefined;

  constructor(
    protocol: Exclude<AuthProtocol, 'pap'>,
    host: AuthenticationHost,
    limits: AuthLimits,
    options: { readonly name: string; readonly rechallengeMs: number },
  ) {
    this.#host = host;
    this.#limits = limits;
    this.#algorithm = chapAlgorithm(protocol);
    this.#name = utf8(options.name);
    this.#rechallengeMs = options.rechallengeMs;
    this.#identifier = host.random(1)[0] as number;
  }

  start(): void {
    this.#identifier = (this.#identifier + 1) & 0xff;
    this.#challenge = this.#algorithm.challenge((octets) => this.#host.random(octets));
    this.#challengesSent = 0;
    this.#verdict = undefined;
    this.#send();
  }

  timeout(): void {
    this.deadlineMs = undefined;
    if (this.#verdict !== undefined) this.start();
    else if (this.#challengesSent < this.#limits.maxRequests) this.#send();
    else this.#host.failed('noAnswer', '');
  }

  receive(information: Uint8Array): void {
    const packet = parseControlPacket(information);
    if (packet?.code !== CHAP.response || packet.identifier !== this.#identifier || this.#isAsking) return;
    if (this.#verdict !== undefined) {
      this.#host.send(this.#verdict);
      return;
    }
    const response = readValue(packet.data);
    if (response === undefined) return;
    const { identifier } = packet;
    this.#isAsking = true;
    this.deadlineMs = undefined;
    this.#host.secretOf(response.name, (secret) => {
      this.#isAsking = false;
      const verdict =
        secret === undefined
          ? undefined
          : this.#algorithm.verify(identifier, this.#challenge, response.value, response.name, secret);
      const text = utf8(verdict ?? this.#algorithm.failureText(this.#challenge));
      this.#verdict = controlPacket(verdict === undefined ? CHAP.failure : CHAP.success, identifier, text);
      this.#host.send(this.#verdict);
      if (verdict === undefined) {
        this.#host.failed('refused', peerText(response.name));
        return;
      }
      if (this.#rechallengeMs > 0) this.deadlineMs = this.#host.now() + this.#rechallengeMs;
      this.#host.succeeded('', peerText(response.name));
    });
  }

  #send(): void {
    this.#challengesSent++;
    this.#host.send(controlPacket(CHAP.challenge, this.#identifier, valueData(this.#challenge, this.#name)));
    this.deadlineMs = this.#host.now() + this.#limits.retryMs;
  }
}
