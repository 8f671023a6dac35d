import { fromLatin1 } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NetworkServer, type NetworkPeer } from './testing/network-peer.ts';
import { scriptedModule, type ScriptedHost, type ScriptedModule } from './testing/scripted-host.ts';
import type { ScriptedPhase } from './testing/scripted-phase.ts';

/** Octet n of the stream in a direction: a lost, doubled or moved octet never goes unseen. */
function pattern(offset: number, length: number, salt: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => {
    const position = offset + index;
    return (Math.imul(position + salt, 2654435761) >>> 24) ^ (position & 0xff);
  });
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ hostSends: fc.integer({ min: 1, max: 1000 }) }) },
  { weight: 4, arbitrary: fc.record({ peerSends: fc.integer({ min: 1, max: 40_000 }) }) },
  { weight: 2, arbitrary: fc.record({ hostReads: fc.integer({ min: 1, max: 1500 }) }) },
  { weight: 2, arbitrary: fc.record({ escape: fc.boolean() }) },
  { weight: 2, arbitrary: fc.constant({ resume: true }) },
  { weight: 1, arbitrary: fc.record({ hostFlow: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ peerFlow: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ waitMs: fc.constantFrom(100, 5000) }) },
  { weight: 2, arbitrary: fc.constant({ turn: true }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const ends = ['peerCloses', 'hostCloses', 'peerResets', 'contextLost', 'powerCycle'] as const;

/** One connection from first to last byte, with a host and a peer that do as they please. */
class Conversation {
  readonly clock = new VirtualClock();
  readonly heardByHost: Uint8Array[] = [];
  sentByHost = 0;
  sentByPeer = 0;
  module: ScriptedModule;
  host: ScriptedHost;
  phase: ScriptedPhase | undefined;
  readonly network: NetworkServer;

  constructor(network: NetworkServer) {
    this.network = network;
    this.module = scriptedModule({ clock: this.clock, hosts: { peer: `127.0.0.1:${network.port}` } });
    this.host = this.module.host();
  }

  get peer(): NetworkPeer {
    return this.network.peer;
  }

  get isOpen(): boolean {
    return this.module.table.socket(1).state !== 'closed';
  }

  get online(): ScriptedPhase | undefined {
    return this.phase?.isClosed === false ? this.phase : undefined;
  }

  /** What the host has got, of all calls and reads. */
  get heard(): Uint8Array {
    return Buffer.concat([...this.heardByHost, this.phase?.heard ?? new Uint8Array(0)]);
  }

  async open(online: boolean, pktSz: number): Promise<void> {
    await this.host.run('#SGACT', 1, 1);
    await this.host.run('#SCFG', 1, 1, pktSz, 0, 600, 50);
    if (online) this.phase = await this.host.online('#SD', 1, 0, 80, 'peer');
    else await this.host.run('#SD', 1, 0, 80, 'peer', 0, 0, 1);
    await this.host.until(() => this.network.peers.length === 1);
  }

  async perform(action: Step): Promise<void> {
    if ('hostSends' in action) await this.hostSends(action.hostSends);
    else if ('peerSends' in action) {
      this.peer.send(pattern(this.sentByPeer, action.peerSends, 1));
      this.sentByPeer += action.peerSends;
    } else if ('hostReads' in action) {
      if (this.online === undefined) await this.read(action.hostReads);
    } else if ('escape' in action) {
      if (action.escape) await this.leaveBytesUnderWay();
      await this.escape();
    } else if ('resume' in action) await this.resume();
    else if ('hostFlow' in action) this.online?.stopFlow(action.hostFlow);
    else if ('peerFlow' in action) {
      if (action.peerFlow) this.peer.socket.pause();
      else this.peer.socket.resume();
    } else if ('waitMs' in action) await this.clock.advance(action.waitMs);
    else await new Promise((resolve) => setTimeout(resolve, 1));
  }

  async hostSends(length: number): Promise<void> {
    const bytes = pattern(this.sentByHost, length, 2);
    if (this.online !== undefined) {
      this.sentByHost += length;
      void this.online.type(bytes).catch(() => undefined);
      return;
    }
    this.host.prompts.push(bytes);
    const answer = await this.host.run('#SSEND', 1);
    if (answer.endsWith('OK\r\n')) this.sentByHost += length;
    this.host.prompts.length = 0;
  }

  /** Reads once by #SRECV; true when there was something. */
  async read(maximum: number): Promise<boolean> {
    const answer = await this.host.run('#SRECV', 1, maximum);
    const match = /#SRECV: 1,(\d+)\r\n/.exec(answer);
    if (match === null) return false;
    const start = match.index + match[0].length;
    this.heardByHost.push(Buffer.from(answer.slice(start, start + Number(match[1])), 'latin1'));
    return true;
  }

  async escape(): Promise<void> {
    const phase = this.online;
    if (phase === undefined) return;
    const before = this.host.text.length;
    phase.leave();
    await this.host.until(() => /\r\n(OK|NO CARRIER)\r\n/.test(this.host.text.slice(before)));
    this.heardByHost.push(phase.heard);
    this.phase = undefined;
  }

  /** The module has begun to send and the host does not take it: what an escape then interrupts must come later. */
  async leaveBytesUnderWay(): Promise<void> {
    const { online, peer } = this;
    if (online === undefined || peer.socket.destroyed) return;
    online.stopFlow(true);
    await this.perform({ peerSends: 3000 });
    await new Promise((resolve) => setTimeout(resolve, 2));
  }

  async resume(): Promise<void> {
    if (this.online !== undefined || !this.isOpen) return;
    const before = this.host.phase;
    const done = this.host.start('#SO', 1);
    await Promise.race([done, this.host.until(() => this.host.phase !== before)]);
    if (this.host.phase !== before) this.phase = this.host.phase;
  }

  /** Everything that holds somebody back is let go. */
  release(): void {
    this.online?.stopFlow(false);
    this.peer.socket.resume();
  }

  async close(): Promise<void> {
    this.peer.socket.destroy();
    await this.module.table.closeAll();
    await this.host.until(() => this.online === undefined);
    expect(this.clock.pendingTimers).toBe(0);
  }

  expectPrefixes(): void {
    expect(fromLatin1(this.heard)).toBe(fromLatin1(pattern(0, this.heard.length, 1)));
    const { received } = this.peer;
    expect(Buffer.compare(received, pattern(0, received.length, 2))).toBe(0);
    expect(this.heard.length).toBeLessThanOrEqual(this.sentByPeer);
    expect(received.length).toBeLessThanOrEqual(this.sentByHost);
  }
}

describe('a connection', () => {
  it('delivers a prefix of what was sent, and all of it when nobody breaks it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.constantFrom(0, 1, 64, 300, 1500),
        fc.array(step, { maxLength: 40 }),
        fc.constantFrom(...ends),
        async (online, pktSz, steps, end) => {
          const network = await NetworkServer.listen();
          const talk = new Conversation(network);
          try {
            await talk.open(online, pktSz);
            for (const action of steps) await talk.perform(action);
            if (end === 'peerResets') talk.peer.socket.resetAndDestroy();
            if (end === 'contextLost') talk.module.table.contextLost(1);
            if (end === 'powerCycle') void talk.module.table.reset();
            talk.release();
            if (end === 'hostCloses') {
              // What the host has asked for has left, and only then does it close.
              await talk.escape();
              await talk.host.run('#SH', 1);
              await talk.host.until(() => talk.peer.ended);
              expect(talk.peer.received.length).toBe(talk.sentByHost);
            }
            if (end === 'peerCloses') {
              talk.peer.socket.end();
              if (talk.online === undefined) {
                await talk.host.until(() => talk.peer.socket.writableLength === 0 || talk.isOpen);
                while (talk.heard.length < talk.sentByPeer) {
                  if (!(await talk.read(1500))) await new Promise((resolve) => setTimeout(resolve, 1));
                }
              }
              await talk.host.until(() => !talk.isOpen);
              await talk.host.until(() => talk.peer.ended);
              expect(talk.heard.length).toBe(talk.sentByPeer);
              expect(talk.peer.received.length).toBe(talk.sentByHost);
            }
            talk.expectPrefixes();
          } finally {
            await talk.close();
            network.close();
          }
        },
      ),
      { numRuns: 60, endOnFailure: true },
    );
  }, 60_000);
});
