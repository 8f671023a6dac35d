import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frameOf } from '../../test/raw-peer.ts';
import { sessionConfiguration, type PppClientOptions, type PppServerOptions } from '../ppp-options.ts';
import { controlPacket } from './control-packet.ts';
import { FrameDecoder } from './frame-decoder.ts';
import { DEFAULT_FORMAT } from './frame-format.ts';
import { PROTOCOL } from './protocol-numbers.ts';
import { PppSession } from './session.ts';
import type { SessionEvent } from './session-types.ts';

/** mulberry32: the same numbers for the same seed. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Faults {
  readonly drop: number;
  readonly duplicate: number;
  readonly delayMs: number;
}

/** Two sessions and a line between them that loses, repeats and reorders frames, on one clock. */
class Pair {
  nowMs = 0;
  transmitted = 0;
  readonly events: [SessionEvent[], SessionEvent[]] = [[], []];
  readonly sessions: [PppSession, PppSession];
  faults: Faults;
  readonly #random: () => number;
  readonly #onTheWay: { atMs: number; to: 0 | 1; frame: Uint8Array }[] = [];

  constructor(client: PppClientOptions, server: PppServerOptions, faults: Faults, seed: number) {
    this.faults = faults;
    this.#random = seeded(seed);
    const random = (octets: number): Uint8Array => Uint8Array.from({ length: octets }, () => this.#random() * 256);
    const host = (to: 0 | 1) => ({
      random,
      transmit: (frame: Uint8Array) => {
        this.#transmit(to, frame);
      },
      deliver: () => undefined,
      secretOf: (_user: string, answer: (secret: string) => void) => {
        answer('secret');
      },
      onFrame: undefined,
    });
    this.sessions = [
      new PppSession(sessionConfiguration(client, undefined), host(1)),
      new PppSession(sessionConfiguration(server, '10.0.0.2'), host(0)),
    ];
  }

  #transmit(to: 0 | 1, frame: Uint8Array): void {
    this.transmitted++;
    const copies = this.#random() < this.faults.duplicate ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.#random() < this.faults.drop) continue;
      this.#onTheWay.push({ atMs: this.nowMs + this.#random() * this.faults.delayMs, to, frame });
    }
  }

  /** Runs until both are where `isDone` says, or the time is up. */
  run(limitMs: number, isDone: () => boolean): void {
    const end = this.nowMs + limitMs;
    for (let step = 0; step < 100_000 && !isDone(); step++) {
      this.#onTheWay.sort((a, b) => a.atMs - b.atMs);
      const next = Math.min(
        this.#onTheWay[0]?.atMs ?? Infinity,
        this.sessions[0].deadlineMs ?? Infinity,
        this.sessions[1].deadlineMs ?? Infinity,
      );
      if (next > end) break;
      this.nowMs = Math.max(this.nowMs, next);
      const arrived = this.#onTheWay[0];
      if (arrived !== undefined && arrived.atMs <= this.nowMs) {
        this.#onTheWay.shift();
        this.sessions[arrived.to].receive(arrived.frame, this.nowMs);
      } else {
        for (const session of this.sessions) {
          if ((session.deadlineMs ?? Infinity) <= this.nowMs) session.timeout(this.nowMs);
        }
      }
      for (const index of [0, 1] as const) this.events[index].push(...this.sessions[index].takeEvents());
    }
  }
}

const auth = fc.constantFrom('none', 'pap', 'chap-md5', 'ms-chap-v2' as const);
const common = fc.record({
  accm: fc.constantFrom(0, 0xffffffff, 0x000a0000),
  pfc: fc.boolean(),
  acfc: fc.boolean(),
  magicNumber: fc.boolean(),
  mru: fc.constantFrom(128, 296, 1500, 1600),
  ipv6: fc.boolean(),
});

describe('two sessions', () => {
  it('always end up running or say why, over a line that loses, repeats and reorders', () => {
    fc.assert(
      fc.property(
        common,
        common,
        auth,
        fc.record({
          drop: fc.double({ min: 0, max: 0.4, noNaN: true }),
          duplicate: fc.double({ min: 0, max: 0.5, noNaN: true }),
          delayMs: fc.nat(4000),
        }),
        fc.nat(),
        (client, server, method, faults, seed) => {
          const pair = new Pair(
            { ...client, user: 'u', password: 'secret' },
            {
              ...server,
              role: 'server',
              auth: method,
              verify: () => 'secret',
              peerAddress: '10.0.0.2',
              localAddress: '10.0.0.1',
            },
            faults,
            seed,
          );
          const [dte, dce] = pair.sessions;
          dte.start(0);
          dce.start(0);
          const isSettled = (session: PppSession): boolean => session.phase === 'running' || session.end !== undefined;
          pair.run(1_000_000, () => pair.sessions.every(isSettled));
          for (const session of pair.sessions) expect(isSettled(session)).toBe(true);
          // Bounded: some hundred frames at most, whatever the line does.
          expect(pair.transmitted).toBeLessThan(2000);
          // Whoever ended says why.
          for (const session of pair.sessions)
            if (session.end !== undefined) expect(session.end.reason).not.toBe('closedHere');
          // Without faults it is up.
          if (faults.drop === 0 && faults.duplicate === 0 && faults.delayMs < 1000) expect(dte.phase).toBe('running');
          // Once the line is good again, a close ends both, within the time of two Terminate-Requests and a grace.
          pair.faults = { drop: 0, duplicate: 0, delayMs: 1 };
          dte.close(pair.nowMs);
          dce.close(pair.nowMs);
          pair.run(60_000, () => dte.end !== undefined && dce.end !== undefined);
          expect([dte.phase, dce.phase]).toEqual(['dead', 'dead']);
          expect([dte.deadlineMs, dce.deadlineMs]).toEqual([undefined, undefined]);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('are both running after a while on a good line, whatever happened before', () => {
    fc.assert(
      fc.property(fc.nat(), auth, (seed, method) => {
        const pair = new Pair(
          { user: 'u', password: 'secret' },
          { role: 'server', auth: method, verify: () => 'secret', peerAddress: '10.0.0.2' },
          { drop: 0.3, duplicate: 0.3, delayMs: 2000 },
          seed,
        );
        pair.sessions[0].start(0);
        pair.sessions[1].start(0);
        pair.run(8_000, () => false);
        pair.faults = { drop: 0, duplicate: 0, delayMs: 20 };
        pair.run(60_000, () => false);
        const [dte, dce] = pair.sessions;
        if (dte.end === undefined && dce.end === undefined)
          expect([dte.phase, dce.phase]).toEqual(['running', 'running']);
      }),
      { numRuns: 200 },
    );
  });
});

const octets = fc.uint8Array({ maxLength: 40 });
const randomOptions = fc
  .array(
    fc.tuple(
      fc.oneof(fc.nat(31), fc.constantFrom(129, 130, 131, 132)),
      fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 8, 10, 255),
      octets,
    ),
    { maxLength: 8 },
  )
  .map((list) =>
    Uint8Array.from(
      list.flatMap(([type, length, data]) => [type, length, ...data.subarray(0, Math.max(0, length - 2))]),
    ),
  );
const randomFrame = fc.oneof(
  fc
    .tuple(
      fc.constantFrom<number>(
        PROTOCOL.LCP,
        PROTOCOL.LCP,
        PROTOCOL.IPCP,
        PROTOCOL.IPV6CP,
        PROTOCOL.PAP,
        PROTOCOL.CHAP,
        PROTOCOL.CCP,
      ),
      fc.oneof(fc.integer({ min: 1, max: 13 }), fc.nat(255)),
      fc.nat(4),
      fc.oneof(randomOptions, octets),
    )
    .map(([protocol, code, identifier, data]) => frameOf(protocol, controlPacket(code, identifier, data))),
  octets.map((data) => frameOf(PROTOCOL.IPv4, data, { ...DEFAULT_FORMAT, accm: 0 })),
  octets,
);
/** What the hostile peer does next: a frame, an answer to our last request, or time. */
const move = fc.oneof(
  { weight: 4, arbitrary: randomFrame.map((frame) => ({ kind: 'frame' as const, frame })) },
  { weight: 3, arbitrary: fc.constantFrom('ack', 'nak', 'reject' as const).map((kind) => ({ kind })) },
  { weight: 1, arbitrary: fc.nat(5000).map((ms) => ({ kind: 'wait' as const, ms })) },
);

describe('a session and a hostile peer', () => {
  it.each(['client', 'server'] as const)('as %s never throws, never loops, answers in bounds', (role) => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 80 }), fc.nat(), auth, (moves, seed, method) => {
        const random = seeded(seed);
        let sentOctets = 0;
        let lastRequest: { protocol: number; information: Uint8Array } | undefined;
        const reader = new FrameDecoder({
          maximumInformationBytes: 20_000,
          onFrame: (protocol, information) => {
            if (information[0] === 1) lastRequest = { protocol, information };
          },
        });
        const options: PppClientOptions | PppServerOptions =
          role === 'client'
            ? { user: 'u', password: 'p', ipv6: true, keepAlive: { intervalMs: 1000 } }
            : { role, auth: method, verify: () => 'p', peerAddress: '10.0.0.2', ipv6: true };
        const session = new PppSession(sessionConfiguration(options, '10.0.0.2'), {
          random: (count) => Uint8Array.from({ length: count }, () => random() * 256),
          transmit: (frame) => {
            sentOctets += frame.length;
            reader.accm = 0;
            reader.decode(frame);
          },
          deliver: () => undefined,
          secretOf: (_user, answer) => {
            answer('p');
          },
          onFrame: undefined,
        });
        let nowMs = 0;
        session.start(0);
        for (const next of moves) {
          const before = sentOctets;
          let frame: Uint8Array | undefined;
          if (next.kind === 'frame') ({ frame } = next);
          else if (next.kind === 'wait') {
            const until = nowMs + next.ms;
            for (let step = 0; (session.deadlineMs ?? Infinity) <= until; step++) {
              expect(step).toBeLessThan(1000);
              nowMs = Math.max(nowMs, session.deadlineMs as number);
              session.timeout(nowMs);
            }
            nowMs = until;
          } else if (lastRequest !== undefined) {
            const copy = lastRequest.information.slice();
            copy[0] = { ack: 2, nak: 3, reject: 4 }[next.kind];
            frame = frameOf(lastRequest.protocol, copy);
          }
          if (frame !== undefined) {
            session.receive(frame, nowMs);
            // One frame brings a few at most: a reject, an answer, a request.
            expect(sentOctets - before).toBeLessThan(20 * frame.length + 4000);
          }
          expect(session.takeEvents().length).toBeLessThan(50);
        }
        // Left alone it comes to an end, or runs, or waits for nothing.
        for (let step = 0; session.deadlineMs !== undefined && session.phase !== 'running'; step++) {
          expect(step).toBeLessThan(2000);
          nowMs = Math.max(nowMs, session.deadlineMs);
          session.timeout(nowMs);
        }
        expect(session.phase === 'running' || session.end !== undefined).toBe(true);
      }),
      { numRuns: 400 },
    );
  });
});
