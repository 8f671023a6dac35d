import { once } from 'node:events';
import { connect as netConnect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { IpEasySocket } from '@cellmux/ipeasy';
import { setUpModule, testBytes } from './module-setup.ts';

/** What the two kinds of socket have in common. */
type AnySocket = Socket | IpEasySocket;

const NAME = 'localhost';
const EVENTS = ['lookup', 'connect', 'ready', 'timeout', 'drain', 'data', 'end', 'finish', 'error', 'close'] as const;

const over = new WeakSet<AnySocket>();

/** Events in order, with what the socket says of itself at that time; several `data` count as one. */
function trace(socket: AnySocket): string[] {
  const seen: string[] = [];
  socket.once('close', () => over.add(socket));
  for (const event of EVENTS) {
    socket.on(event, (argument: unknown) => {
      const detail = event === 'error' ? 'error' : event === 'close' ? String(argument) : '';
      const line = [event, detail, socket.connecting, socket.readyState, socket.destroyed].join(' ');
      if (event !== 'data' || seen.at(-1) !== line) seen.push(line);
    });
  }
  return seen;
}

async function closed(socket: AnySocket): Promise<void> {
  if (!over.has(socket)) await new Promise((resolve) => socket.once('close', resolve));
}

/** A server that does what it is told in one word. */
const server = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    const text = chunk.toString('latin1');
    if (text.startsWith('give')) socket.end(testBytes(30_000));
    if (text.startsWith('bye')) socket.end('bye');
    if (text.startsWith('hello')) socket.write('hello');
  });
});
let port = 0;
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => {
  server.close();
});

const SCENARIOS: Readonly<Record<string, (socket: AnySocket) => Promise<unknown>>> = {
  'a body until the end': async (socket) => {
    let length = 0;
    socket.on('data', (chunk: Buffer) => (length += chunk.length));
    socket.write('give');
    await closed(socket);
    return [length, socket.bytesRead, socket.bytesWritten];
  },
  'an end from here that the peer answers': async (socket) => {
    socket.end('bye');
    await closed(socket);
    return [socket.bytesRead, socket.bytesWritten, socket.writableFinished, socket.readableEnded];
  },
  'destroy before there is a connection': async (socket) => {
    socket.destroy();
    await closed(socket);
    return [socket.pending, socket.readyState, socket.address()];
  },
  'destroy with an error': async (socket) => {
    await once(socket, 'ready');
    socket.destroy(new Error('enough'));
    await closed(socket);
    return socket.pending;
  },
  'destroySoon with something written': async (socket) => {
    await once(socket, 'ready');
    socket.write('hello');
    socket.destroySoon();
    await closed(socket);
    return socket.bytesWritten;
  },
  'destroySoon before there is a connection': async (socket) => {
    socket.write('hello');
    socket.destroySoon();
    await closed(socket);
    return socket.bytesWritten;
  },
  resetAndDestroy: async (socket) => {
    await once(socket, 'ready');
    expect(socket.resetAndDestroy()).toBe(socket);
    await closed(socket);
    return socket.destroyed;
  },
  'many small writes while corked': async (socket) => {
    await once(socket, 'ready');
    socket.cork();
    for (const letter of 'give') socket.write(letter);
    expect(socket.writableLength).toBe(4);
    socket.uncork();
    await closed(socket);
    return [socket.bytesRead, socket.bytesWritten];
  },
  setEncoding: async (socket) => {
    socket.setEncoding('latin1');
    socket.write('bye');
    const texts: unknown[] = [];
    socket.on('data', (text: unknown) => texts.push(text));
    await closed(socket);
    return texts;
  },
  'setTimeout, off again, and with a callback': async (socket) => {
    expect(socket.timeout).toBeUndefined();
    let calls = 0;
    const never = (): void => void calls++;
    expect(socket.setTimeout(60_000, never)).toBe(socket);
    expect(socket.timeout).toBe(60_000);
    socket.setTimeout(0, never);
    expect([socket.timeout, socket.listenerCount('timeout')]).toEqual([0, 1]);
    await once(socket, 'ready');
    await new Promise<void>((resolve) => socket.setTimeout(20.5, resolve));
    expect([calls, socket.destroyed, socket.timeout]).toEqual([0, false, 20.5]);
    expect(() => socket.setTimeout(-1)).toThrow();
    expect(() => socket.setTimeout(NaN)).toThrow();
    socket.destroy();
    await closed(socket);
    return undefined;
  },
  'what changes nothing can be chained': async (socket) => {
    expect(socket.setNoDelay(true).setKeepAlive(true, 1000).ref().unref().ref()).toBe(socket);
    await once(socket, 'ready');
    expect(socket.remotePort).toBe(port);
    socket.destroy();
    await closed(socket);
    return undefined;
  },
};

describe('an IP Easy socket does what a net.Socket does, event for event', () => {
  for (const [title, scenario] of Object.entries(SCENARIOS)) {
    it(title, async () => {
      const { ipEasy } = await setUpModule({ module: { hosts: { [NAME]: '127.0.0.1' } } });
      const real = netConnect({ host: NAME, port, family: 4 });
      const expected = { seen: trace(real), result: await scenario(real) };
      for (const mode of ['command', 'online'] as const) {
        const socket = ipEasy.createConnection({ host: NAME, port, mode });
        const seen = trace(socket);
        const result = await scenario(socket);
        // Online there is nobody whom to ask for the address that a name has. And whether a net.Socket that is destroyed
        // tells of a lookup that was under way hangs on which of two threads is faster.
        const events = expected.seen.filter(
          (line) => !line.startsWith('lookup') || (mode === 'command' && !line.endsWith('true')),
        );
        expect({ seen, result }, mode).toEqual({ seen: events, result: expected.result });
      }
    });
  }

  it('addresses of both ends', async () => {
    const { ipEasy } = await setUpModule({ module: { hosts: { [NAME]: '127.0.0.1' } } });
    const socket = await ipEasy.connect({ host: NAME, port: String(port) });
    expect([socket.remoteAddress, socket.remotePort, socket.remoteFamily]).toEqual(['127.0.0.1', port, 'IPv4']);
    expect(socket.localFamily).toBe('IPv4');
    expect(socket.address()).toEqual({ address: socket.localAddress, port: socket.localPort, family: 'IPv4' });
    // The address of the context, and a port that the module has chosen.
    expect(socket.localAddress).toBe((await ipEasy.contexts()).find(({ cid }) => cid === 1)?.address);
    expect(socket.localPort).toBeGreaterThan(0);
    const online = await ipEasy.connect({ host: '127.0.0.1', port, mode: 'online' });
    expect([online.remoteAddress, online.remotePort]).toEqual(['127.0.0.1', port]);
    expect(online.address()).toEqual({});
    socket.destroy();
    online.destroy();
  });

  it('refusals and unknown names are an error event, and never thrown', async () => {
    const { ipEasy } = await setUpModule({ module: { hosts: { [NAME]: '127.0.0.1' } } });
    const nobody = createServer().listen(0, '127.0.0.1');
    await once(nobody, 'listening');
    const { port: closedPort } = nobody.address() as AddressInfo;
    nobody.close();
    await once(nobody, 'close');
    const real = netConnect({ host: NAME, port: closedPort, family: 4 });
    const expected = trace(real);
    await closed(real);
    const refused = ipEasy.createConnection({ host: NAME, port: closedPort });
    const seen = trace(refused);
    await closed(refused);
    // The module tells no address of a connection that has not come about.
    expect(seen).toEqual(expected.filter((line) => !line.startsWith('lookup')));

    const unknown = ipEasy.createConnection({ host: 'no.such.name', port: 80 });
    const lookups: unknown[] = [];
    unknown.on('lookup', (error: { code?: string } | null, address, family, host) =>
      lookups.push([error?.code, address, family, host]),
    );
    const trouble = trace(unknown);
    await closed(unknown);
    expect(lookups).toEqual([['ERR_IPEASY_CANNOT_RESOLVE', undefined, undefined, 'no.such.name']]);
    expect(trouble.map((line) => line.split(' ')[0])).toEqual(['lookup', 'error', 'close']);

    for (const host of ['::1', 'a b', '', undefined, null, `${'a'.repeat(80)}.example`]) {
      const impossible = ipEasy.createConnection({ host, port: 80 });
      const [error] = (await once(impossible, 'error')) as [unknown];
      expect(error, String(host)).toMatchObject({ code: expect.stringMatching(/^ERR_IPEASY_HOST/) as unknown });
    }
    expect(ipEasy.sockets).toHaveLength(0);
    for (const wrong of [0, 65_536, 'http', '', null, undefined, '1e3']) {
      expect(() => ipEasy.createConnection({ host: NAME, port: wrong })).toThrow(
        expect.objectContaining({ code: 'ERR_OPTION_RANGE' }),
      );
    }
    expect(ipEasy.sockets).toHaveLength(0);
  });
});
