import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { setUpModule, testBytes } from './module-setup.ts';

const step = fc.oneof(
  fc.record({
    do: fc.constantFrom('hostWrites' as const, 'peerWrites' as const),
    length: fc.integer({ min: 1, max: 30_000 }),
  }),
  fc.record({
    do: fc.constantFrom('hostPauses' as const, 'hostResumes' as const, 'peerPauses' as const, 'peerResumes' as const),
  }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 15 }) }),
);
const end = fc.constantFrom('peerEnds' as const, 'hostEnds' as const, 'hostDestroys' as const, 'peerDestroys' as const);

it(
  'any order of writes, pauses and ends gives each side a prefix of what the other sent',
  { timeout: 60_000 },
  async () => {
    const arrivals: ((socket: Socket) => void)[] = [];
    const server = createServer({ allowHalfOpen: true }, (socket) => arrivals.shift()?.(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const { ipEasy } = await setUpModule({ ipEasy: { halfCloseMs: 200 } });
    const fromHost = testBytes(1_000_000, 1);
    const fromPeer = testBytes(1_000_000, 2);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), end, async (steps, last) => {
        const arriving = new Promise<Socket>((resolve) => arrivals.push(resolve));
        const socket = await ipEasy.connect({ host: '127.0.0.1', port });
        const peer = await arriving;
        const got = { host: [] as Buffer[], peer: [] as Buffer[] };
        let written = { host: 0, peer: 0 };
        let error: unknown;
        socket.on('data', (chunk: Buffer) => got.host.push(chunk)).on('error', (reason) => (error = reason));
        peer.on('data', (chunk: Buffer) => got.peer.push(chunk)).on('error', () => undefined);
        for (const one of steps) {
          if (one.do === 'hostWrites') {
            socket.write(fromHost.subarray(written.host, written.host + one.length));
            written = { ...written, host: written.host + one.length };
          } else if (one.do === 'peerWrites') {
            peer.write(fromPeer.subarray(written.peer, written.peer + one.length));
            written = { ...written, peer: written.peer + one.length };
          } else if (one.do === 'hostPauses') socket.pause();
          else if (one.do === 'hostResumes') socket.resume();
          else if (one.do === 'peerPauses') peer.pause();
          else if (one.do === 'peerResumes') peer.resume();
          else if (one.do === 'wait') await sleep(one.ms);
        }
        socket.resume();
        peer.resume();
        peer.once('end', () => peer.end());
        if (last === 'peerEnds') {
          // An orderly end: the peer has read what was sent to it.
          while (got.peer.reduce((sum, { length }) => sum + length, 0) < written.host) await sleep(2);
          peer.end();
        } else if (last === 'hostEnds') socket.end();
        else if (last === 'hostDestroys') socket.destroy();
        else peer.destroy();
        const closed = [once(socket, 'close'), once(peer, 'close')];
        await Promise.all(closed.map((promise) => promise.catch(() => undefined)));
        const atHost = Buffer.concat(got.host);
        const atPeer = Buffer.concat(got.peer);
        expect(atHost.equals(fromPeer.subarray(0, atHost.length))).toBe(true);
        expect(atPeer.equals(fromHost.subarray(0, atPeer.length))).toBe(true);
        if (last === 'peerEnds' || last === 'hostEnds') {
          expect(error).toBeUndefined();
          expect([atHost.length, atPeer.length]).toEqual([written.peer, written.host]);
        }
      }),
      { numRuns: 25 },
    );
    expect(ipEasy.sockets).toHaveLength(0);
    while ((await ipEasy.status()).some(({ state }) => state !== 'closed')) await sleep(5);
  },
);
