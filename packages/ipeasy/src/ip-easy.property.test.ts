import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { setUp } from '../test/set-up.ts';
import type { Peer } from '../test/scripted-module.ts';

/** Octets that number themselves, so that a lost, repeated or moved one shows. */
function numbered(from: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let index = 0; index < length; index++) {
    const position = from + index;
    bytes[index] = (position ^ (position >> 8) ^ (position >> 16)) & 0xff;
  }
  return bytes;
}

const side = fc.constantFrom('host' as const, 'peer' as const);
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('write' as const), by: side, length: fc.integer({ min: 1, max: 5000 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pause' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('resume' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('end' as const), by: side }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('online' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('command' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('destroy' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 3000 }) }) },
);

describe('an IP Easy socket', () => {
  it('delivers a prefix of what was sent each way, all of it when nobody aborts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25 }),
        fc.constantFrom('command' as const, 'online' as const),
        fc.integer({ min: 1, max: 4000 }),
        fc.integer({ min: 100, max: 9000 }),
        async (steps, mode, highWaterMarkBytes, windowBytes) => {
          let peer: Peer | undefined;
          const { clock, ipEasy, until } = setUp({
            module: {
              windowBytes,
              sendTest: '(1-6),(1-1500)',
              onConnect: (connected) => {
                peer = connected;
              },
            },
            ipEasy: { highWaterMarkBytes },
          });
          const socket = await clock.run(ipEasy.connect({ host: 'example.org', port: 1, mode }));
          const network = peer as unknown as Peer;
          const got: Buffer[] = [];
          let error: unknown;
          let isPaused = false;
          let hostWrote = 0;
          let hostEnded = false;
          let peerWrote = 0;
          let peerEnded = false;
          let isAborted = false;
          socket.on('data', (chunk: Buffer) => {
            expect(isPaused).toBe(false);
            got.push(chunk);
          });
          socket.on('error', (reason) => (error = reason));
          for (const one of steps) {
            if (one.do === 'write' && one.by === 'host' && !hostEnded && socket.writable) {
              if (peerEnded) isAborted = true;
              socket.write(numbered(hostWrote, one.length));
              hostWrote += one.length;
            } else if (one.do === 'write' && one.by === 'peer' && !peerEnded && !network.isClosedByModule) {
              network.send(numbered(peerWrote, one.length));
              peerWrote += one.length;
            } else if (one.do === 'end' && one.by === 'host') {
              hostEnded = true;
              socket.end();
            } else if (one.do === 'end' && one.by === 'peer' && !peerEnded) {
              // With its end, the peer stops reading: what is still on its way to it is lost, as in TCP.
              if (network.received.length < hostWrote) isAborted = true;
              peerEnded = true;
              network.end();
            } else if (one.do === 'pause') {
              isPaused = true;
              socket.pause();
            } else if (one.do === 'resume') {
              isPaused = false;
              socket.resume();
            } else if (one.do === 'online' && !socket.destroyed) {
              socket.goOnline().catch(() => undefined);
            } else if (one.do === 'command' && !socket.destroyed) {
              socket.goToCommandMode().catch(() => undefined);
            } else if (one.do === 'destroy') {
              isAborted = true;
              socket.destroy();
            } else if (one.do === 'wait') {
              await clock.advance(one.ms);
            }
          }
          isPaused = false;
          socket.resume();
          if (!socket.destroyed && !peerEnded) {
            await until(() => network.received.length === hostWrote || socket.destroyed);
            network.end();
          }
          await until(() => socket.destroyed);
          await clock.advance(200_000);
          const received = Buffer.concat(got);
          expect(received.equals(numbered(0, received.length))).toBe(true);
          expect(received.length).toBeLessThanOrEqual(peerWrote);
          const arrived = Buffer.from(network.received);
          expect(arrived.equals(numbered(0, arrived.length))).toBe(true);
          expect(arrived.length).toBeLessThanOrEqual(hostWrote);
          if (!isAborted && error === undefined) {
            expect(received.length).toBe(peerWrote);
            expect(arrived.length).toBe(hostWrote);
          }
          // Nothing stays behind.
          expect(ipEasy.sockets).toHaveLength(0);
          expect(clock.pendingTimers).toBe(0);
          await clock.run(ipEasy.close());
        },
      ),
      { numRuns: 150 },
    );
  });
});
