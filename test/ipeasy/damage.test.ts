import { AtClient, HE863_AT_PROFILE } from '@cellmux/at';
import { Multiplexer } from '@cellmux/cmux';
import { IpEasy, type IpEasySocket } from '@cellmux/ipeasy';
import { faultyLine } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { ScriptedModule, type Peer } from '../../packages/ipeasy/test/scripted-module.ts';
import { crc32 } from './crc-32.ts';
import { testBytes } from './module-setup.ts';

const BYTES = 60_000;

/** Six sockets of a library on virtual port 2, over a line whose faults can be set, in virtual time. */
async function setUp(seed: number) {
  const clock = new VirtualClock();
  const line = faultyLine({ clock, baudRate: 921_600, seed });
  const initiator = new Multiplexer(line.dte, { n1: 127, clock, baudRate: 921_600 });
  const responder = new Multiplexer(line.dce, { role: 'responder', n1: 127, clock, baudRate: 921_600 });
  const incoming = firstValueFrom(responder.incoming$);
  await clock.run(Promise.all([responder.start(), initiator.start()]));
  const host = await clock.run(initiator.open(2));
  const peers: Peer[] = [];
  const module = new ScriptedModule(await incoming, {
    clock,
    sendTest: '(1-6),(1-1500)',
    onConnect: (peer) => void peers.push(peer),
  });
  const at = new AtClient(host, { clock, profile: HE863_AT_PROFILE });
  const ipEasy = new IpEasy([at], { clock });
  await clock.run(ipEasy.prepare());
  return { clock, line, module, peers, ipEasy };
}

interface Outcome {
  readonly received: Buffer;
  readonly error: unknown;
}

function outcomeOf(socket: IpEasySocket): Promise<Outcome> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let error: unknown;
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', (reason) => (error = reason));
    socket.on('close', () => {
      resolve({ received: Buffer.concat(chunks), error });
    });
  });
}

describe('IP Easy sockets while the line below damages what it carries', () => {
  it.each([1, 2, 3, 4, 5, 6])(
    'never stops for good, and damage is found by whoever checks (seed %i)',
    { timeout: 60_000 },
    async (seed) => {
      const { clock, line, module, peers, ipEasy } = await setUp(seed);
      const sockets: IpEasySocket[] = [];
      for (let index = 0; index < 6; index++) {
        sockets.push(await clock.run(ipEasy.connect({ host: 'example.org', port: 80 + index })));
      }
      const bodies = sockets.map((_, index) => testBytes(BYTES, seed * 10 + index));
      line.setFaults({ dropRate: 2e-5, flipRate: 2e-5 });
      const outcomes = sockets.map(outcomeOf);
      peers.forEach((peer, index) => {
        peer.send(bodies[index] as Buffer);
        peer.end();
      });
      let settled = 0;
      for (const [index, promise] of outcomes.entries()) {
        const { received, error } = await clock.run(promise, 3_600_000);
        settled++;
        const body = bodies[index] as Buffer;
        if (error !== undefined) {
          expect((error as { code: string }).code).toMatch(/^ERR_IPEASY_/);
          expect(received.length).toBeLessThanOrEqual(body.length);
          continue;
        }
        // Octets that were changed inside a frame pass the multiplexer, whose check covers the header only.
        expect(received.length).toBe(body.length);
        expect(crc32(received) === crc32(body)).toBe(received.equals(body));
      }
      expect(settled).toBe(6);
      line.setFaults({ dropRate: 0, flipRate: 0 });
      // A socket whose damage the library found was closed; all connIds are free again.
      await clock.advance(60_000);
      const before = peers.length;
      const again = await clock.run(ipEasy.connect({ host: 'example.org', port: 99 }), 3_600_000);
      const outcome = outcomeOf(again);
      const body = testBytes(BYTES, 99);
      peers[before]?.send(body);
      peers[before]?.end();
      const { received, error } = await clock.run(outcome, 3_600_000);
      expect(error).toBeUndefined();
      expect(received.equals(body)).toBe(true);
      expect(module.peers.size).toBe(0);
    },
  );

  it('finds octets that were lost inside a read and says so, at once where it can', async () => {
    const { clock, line, peers, ipEasy } = await setUp(1);
    const socket = await clock.run(ipEasy.connect({ host: 'example.org', port: 80 }));
    const outcome = outcomeOf(socket);
    line.setFaults({ dropRate: 0.002 }, 'dceToDte');
    peers[0]?.send(testBytes(100_000));
    const { error } = await clock.run(outcome, 600_000);
    expect((error as { code: string }).code).toMatch(/^ERR_IPEASY_(DATA_DAMAGED|TIMEOUT)$/);
  });
});
