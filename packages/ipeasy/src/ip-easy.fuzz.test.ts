import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { setUp } from '../test/set-up.ts';
import type { IpEasySocket } from './ip-easy-socket.ts';

/** What a module that has lost its senses may print. */
const noise = fc.oneof(
  fc.constantFrom(
    '\r\nOK\r\n',
    '\r\nERROR\r\n',
    '\r\n+CME ERROR: 555\r\n',
    '\r\n+CME ERROR: 99999999999\r\n',
    '\r\nNO CARRIER\r\n',
    '\r\nNO CARRIER:1\r\n',
    '\r\nCONNECT\r\n',
    '\r\nSRING: 1\r\n',
    '\r\nSRING: 1,1500\r\n',
    '\r\nSRING: 7,1\r\n',
    '\r\nSRING: 1,99999999999999999999\r\n',
    '\r\n#SRECV: 1,10\r\n0123456789\r\n\r\nOK\r\n',
    '\r\n#SRECV: 1,1500\r\n',
    '\r\n#SRECV: 1,4294967296\r\n',
    '\r\n#SS: 1,0\r\n',
    '\r\n#SS: 1,4\r\n#SS: 1,5\r\n#SS: 99,99\r\n\r\nOK\r\n',
    '\r\n#SGACT: 1,0\r\n\r\nOK\r\n',
    '\r\n> ',
    '\r\n#SL: ABORTED\r\n',
    '\r',
  ),
  fc.string({ unit: 'binary-ascii', maxLength: 60 }),
);

describe('a module that says anything', () => {
  it('breaks nothing: every call and socket comes to an end, and so does close()', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ noise, swallow: fc.boolean(), after: fc.integer({ min: 0, max: 3 }) }), { maxLength: 25 }),
        fc.integer({ min: 0, max: 60 }),
        async (surprises, quietLines) => {
          let line = 0;
          let next = 0;
          let countdown = 0;
          const { clock, ipEasy } = setUp({
            module: {
              sendTest: '(1-6),(1-1500)',
              onConnect: (peer) => {
                peer.send(new Uint8Array(4000));
              },
              more: (_, io) => {
                if (line++ < quietLines) return false;
                if (countdown-- > 0) return false;
                const surprise = surprises[next++];
                if (surprise === undefined) return false;
                countdown = surprise.after;
                io.raw(surprise.noise);
                return surprise.swallow;
              },
            },
            ipEasy: { timeoutMs: 1000, sockets: { connectTimeoutMs: 1000 } },
          });
          const sockets: IpEasySocket[] = [];
          const calls: Promise<unknown>[] = [ipEasy.prepare(), ipEasy.activate({ cid: 1 })];
          for (const mode of ['command', 'command', 'online'] as const) {
            const socket = ipEasy.createConnection({ host: 'example.org', port: 80, mode });
            socket.on('error', () => undefined).resume();
            socket.write('hello');
            sockets.push(socket);
          }
          calls.push(ipEasy.status(), ipEasy.info(), ipEasy.contexts());
          for (const call of calls) call.catch(() => undefined);
          await clock.advance(60_000);
          for (const socket of sockets) socket.end();
          await clock.run(Promise.allSettled(calls), 3_600_000);
          const closing = ipEasy.close();
          await clock.run(closing, 3_600_000);
          expect(sockets.every((socket) => socket.destroyed)).toBe(true);
          expect(ipEasy.sockets).toHaveLength(0);
        },
      ),
      { numRuns: 200 },
    );
  });
});
