import { describe, expect, it } from 'vitest';
import type { AuthProtocol } from './auth-protocol.ts';
import type { Authentication, AuthenticationHost } from './authentication.ts';
import { controlPacket } from './control-packet.ts';
import { makeAuthenticator, makePeer } from './make-authentication.ts';

const LIMITS = { retryMs: 3000, maxRequests: 4 };

/** One side of an authentication with its outside by hand. */
class Side implements AuthenticationHost {
  nowMs = 0;
  sent: Uint8Array[] = [];
  verdicts: string[] = [];
  secret: string | undefined = 'secret';
  readonly authentication: Authentication;
  #counter = 0;

  constructor(make: (host: AuthenticationHost) => Authentication) {
    this.authentication = make(this);
    this.authentication.start();
  }
  now(): number {
    return this.nowMs;
  }
  send(packet: Uint8Array): void {
    this.sent.push(packet);
  }
  random(octets: number): Uint8Array {
    return new Uint8Array(octets).fill(++this.#counter);
  }
  secretOf(_user: Uint8Array, answer: (secret: string | undefined) => void): void {
    answer(this.secret);
  }
  succeeded(): void {
    this.verdicts.push('in');
  }
  failed(reason: string): void {
    this.verdicts.push(reason);
  }
  /** What was sent since the last call. */
  take(): Uint8Array[] {
    return this.sent.splice(0);
  }
  receive(...packets: readonly Uint8Array[]): void {
    for (const packet of packets) this.authentication.receive(packet);
  }
  /** Lets what is due happen, at most so often. */
  expire(times = 1): void {
    for (let time = 0; time < times && this.authentication.deadlineMs !== undefined; time++) {
      this.nowMs = this.authentication.deadlineMs;
      this.authentication.timeout();
    }
  }
}

function both(protocol: AuthProtocol, rechallengeMs = 0) {
  const peer = new Side((host) => makePeer(protocol, host, LIMITS, { user: 'web', password: 'secret' }));
  const server = new Side((host) => makeAuthenticator(protocol, host, LIMITS, { name: 'net', rechallengeMs }));
  return { peer, server };
}

describe.each(['chap-md5', 'ms-chap-v2'] as const)('%s', (protocol) => {
  it('answers a repeated challenge with the same response, so that the verdict on the first one holds', () => {
    const { peer, server } = both(protocol);
    peer.receive(...server.take());
    const [first] = peer.take();
    server.expire();
    peer.receive(...server.take());
    const [second] = peer.take();
    expect(second).toEqual(first);
    server.receive(first as Uint8Array);
    peer.receive(...server.take());
    expect(peer.verdicts).toEqual(['in']);
    // The response that was under way all the time gets its verdict too, and changes nothing.
    server.receive(second as Uint8Array);
    peer.receive(...server.take());
    expect([peer.verdicts, server.verdicts]).toEqual([['in'], ['in']]);
  });

  it('answers another challenge with another response', () => {
    const { peer, server } = both(protocol, 60_000);
    peer.receive(...server.take());
    const [first] = peer.take();
    server.receive(first as Uint8Array);
    peer.receive(...server.take());
    server.expire();
    peer.receive(...server.take());
    const [second] = peer.take();
    expect(second).not.toEqual(first);
    server.receive(second as Uint8Array);
    peer.receive(...server.take());
    expect([peer.verdicts, server.verdicts]).toEqual([
      ['in', 'in'],
      ['in', 'in'],
    ]);
  });

  it('repeats a response whose verdict was lost, and gets it again', () => {
    const { peer, server } = both(protocol);
    peer.receive(...server.take());
    const [response] = peer.take();
    server.receive(response as Uint8Array);
    server.take();
    expect(server.verdicts).toEqual(['in']);
    peer.expire();
    expect(peer.nowMs).toBe(3000);
    const repeated = peer.take();
    expect(repeated).toEqual([response]);
    server.receive(...repeated);
    peer.receive(...server.take());
    expect(peer.verdicts).toEqual(['in']);
    expect(peer.authentication.deadlineMs).toBeUndefined();
  });

  it('repeats a Failure too, and lets nobody in by a second response', () => {
    const { peer, server } = both(protocol);
    server.secret = 'other';
    peer.receive(...server.take());
    const [response] = peer.take();
    server.receive(response as Uint8Array);
    const failure = server.take();
    server.secret = 'secret';
    server.receive(response as Uint8Array);
    expect(server.take()).toEqual(failure);
    expect(server.verdicts).toEqual(['refused']);
  });

  it('gives up when no challenge comes, when no verdict comes, and when no response comes', () => {
    const { peer, server } = both(protocol);
    const unasked = both(protocol).peer;
    unasked.expire(10);
    expect([unasked.verdicts, unasked.nowMs, unasked.sent]).toEqual([['noAnswer'], 12_000, []]);
    peer.receive(...server.take());
    peer.expire(10);
    expect([peer.verdicts, peer.nowMs, peer.sent.length]).toEqual([['noAnswer'], 12_000, 4]);
    server.expire(10);
    expect([server.verdicts, server.nowMs, server.sent.length]).toEqual([['noAnswer'], 12_000, 3]);
  });

  it('once in, silence behind a challenge ends nothing', () => {
    const { peer, server } = both(protocol, 60_000);
    peer.receive(...server.take());
    server.receive(...peer.take());
    peer.receive(...server.take());
    server.expire();
    peer.receive(...server.take());
    peer.expire(10);
    expect(peer.verdicts).toEqual(['in']);
  });

  it('drops verdicts on nothing, on another challenge, and second ones', () => {
    const { peer, server } = both(protocol);
    peer.receive(controlPacket(3, 1, new Uint8Array(0)), controlPacket(4, 1, new Uint8Array(0)));
    const [challenge] = server.take();
    const identifier = challenge?.[1] as number;
    peer.receive(challenge as Uint8Array, controlPacket(4, (identifier + 1) & 255, new Uint8Array(0)));
    expect(peer.verdicts).toEqual([]);
    server.receive(...peer.take());
    peer.receive(...server.take(), controlPacket(4, identifier, new Uint8Array(0)));
    expect(peer.verdicts).toEqual(['in']);
  });

  it('drops challenges and responses whose lengths are impossible', () => {
    const { peer, server } = both(protocol);
    const identifier = server.take()[0]?.[1] as number;
    for (const data of [[], [0, 1, 2], [9, 1], [255]]) {
      peer.receive(controlPacket(1, 1, Uint8Array.from(data)));
      server.receive(controlPacket(2, identifier, Uint8Array.from(data)));
    }
    expect([peer.sent, server.sent, peer.verdicts, server.verdicts]).toEqual([[], [], [], []]);
  });
});

describe('PAP', () => {
  it('repeats its request with a new identifier, and takes the answer to any of them', () => {
    const { peer, server } = both('pap');
    const [first] = peer.take();
    peer.expire();
    const [second] = peer.take();
    expect([first?.[1], second?.[1]]).toEqual([1, 2]);
    expect(second?.subarray(2)).toEqual(first?.subarray(2));
    server.receive(first as Uint8Array);
    peer.receive(...server.take());
    expect(peer.verdicts).toEqual(['in']);
    // The second request was under way: the same verdict under its identifier.
    server.receive(second as Uint8Array);
    expect(server.take().map((packet) => [packet[0], packet[1]])).toEqual([[2, 2]]);
    expect(server.verdicts).toEqual(['in']);
  });

  it('keeps to a verdict of refusal', () => {
    const { peer, server } = both('pap');
    const [request] = peer.take();
    server.secret = 'other';
    server.receive(request as Uint8Array);
    server.secret = 'secret';
    server.receive(request as Uint8Array);
    expect([server.take().map((packet) => packet[0]), server.verdicts]).toEqual([[3, 3], ['refused']]);
  });

  it('gives up at either end', () => {
    const { peer, server } = both('pap');
    peer.expire(10);
    server.expire(10);
    expect([peer.verdicts, peer.nowMs, peer.sent.length]).toEqual([['noAnswer'], 12_000, 4]);
    expect([server.verdicts, server.nowMs]).toEqual([['noAnswer'], 12_000]);
  });

  it('takes an Ack without a message and one that is cut off', () => {
    for (const data of [[], [0], [200, 0x4f, 0x4b]]) {
      const { peer } = both('pap');
      peer.receive(controlPacket(2, 1, Uint8Array.from(data)));
      expect(peer.verdicts).toEqual(['in']);
    }
  });

  it('drops requests whose lengths are impossible', () => {
    const { server } = both('pap');
    for (const data of [[], [3, 1], [1, 65], [0, 9, 1], [255, 255]])
      server.receive(controlPacket(1, 1, Uint8Array.from(data)));
    expect([server.sent, server.verdicts]).toEqual([[], []]);
  });
});
