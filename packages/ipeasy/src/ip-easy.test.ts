import { latin1 } from '@cellmux/port';
import { describe, expect, it } from 'vitest';
import { setUp } from '../test/set-up.ts';
import type { Peer } from '../test/scripted-module.ts';
import type { IpEasySocket } from './ip-easy-socket.ts';

function pattern(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let index = 0; index < length; index++) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    bytes[index] = state >> 16;
  }
  return bytes;
}

function collect(socket: IpEasySocket): {
  bytes: () => Buffer;
  ended: () => boolean;
  closed: () => boolean;
  error: () => unknown;
} {
  const chunks: Buffer[] = [];
  let ended = false;
  let closed = false;
  let error: unknown;
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('end', () => (ended = true));
  socket.on('close', () => (closed = true));
  socket.on('error', (reason) => (error = reason));
  return { bytes: () => Buffer.concat(chunks), ended: () => ended, closed: () => closed, error: () => error };
}

describe('IpEasy in command mode', () => {
  it('configures the six sockets once, and only what differs', async () => {
    const { clock, module, ipEasy } = setUp({ module: { sendTest: '(1-6),(1-1500)' } });
    await clock.run(ipEasy.prepare());
    expect(module.count('AT#SCFG=')).toBe(6);
    expect(module.count('AT#SCFGEXT=')).toBe(6);
    expect(module.scfg.get(4)).toBe('4,1,1420,0,600,1');
    expect(module.scfgext.get(4)).toBe('4,1,0,0');
    await clock.run(ipEasy.prepare());
    expect(module.count('AT#SCFG=')).toBe(6);
    expect(module.count('AT#SCFGEXT=')).toBe(6);
  });

  it('fetches a body, sends what was written, and ends with the peer', async () => {
    const body = pattern(100_000);
    let peer: Peer | undefined;
    const { clock, module, ipEasy, until } = setUp({
      module: {
        sendTest: '(1-6),(1-1500)',
        onConnect: (connected) => {
          peer = connected;
        },
      },
    });
    const socket = await clock.run(ipEasy.connect({ host: 'example.org', port: 80 }));
    const got = collect(socket);
    socket.write('GET / HTTP/1.0\r\n\r\n');
    await until(() => (peer?.received.length ?? 0) > 0);
    expect(Buffer.from(peer?.received ?? []).toString()).toBe('GET / HTTP/1.0\r\n\r\n');
    peer?.send(body);
    peer?.end();
    await until(got.closed);
    expect(got.error()).toBeUndefined();
    expect(got.bytes().equals(body)).toBe(true);
    expect(socket.bytesRead).toBe(100_000);
    expect(socket.bytesWritten).toBe(18);
    expect(socket.remotePort).toBe(80);
    expect(socket.localPort).toBe(40_001);
    // 67 reads carry it; one more may meet an empty buffer.
    expect(module.count('AT#SRECV')).toBeLessThanOrEqual(69);
    // When prepared, for the addresses, and to learn who closed.
    expect(module.lines.filter((line) => /^AT#SS(=|$)/.test(line))).toEqual(['AT#SS', 'AT#SS=1', 'AT#SS=1']);
    expect(module.count('AT#SH')).toBe(0);
    expect(ipEasy.sockets).toHaveLength(0);
  });

  it('leaves unread data in the module', async () => {
    let peer: Peer | undefined;
    const { clock, module, ipEasy, until } = setUp({
      module: {
        onConnect: (connected) => {
          peer = connected;
        },
      },
      ipEasy: { highWaterMarkBytes: 3000 },
    });
    const socket = await clock.run(ipEasy.connect({ host: '192.0.2.1', port: 7 }));
    const body = pattern(50_000);
    peer?.send(body);
    peer?.end();
    await clock.advance(10_000);
    const reads = module.count('AT#SRECV');
    expect(reads).toBeLessThanOrEqual(3);
    expect(peer?.buffer.length).toBe(8192);
    const got = collect(socket);
    await until(got.closed);
    expect(got.bytes().equals(body)).toBe(true);
  });

  it('serves two sockets in turn on one port', async () => {
    const peers: Peer[] = [];
    const { clock, module, ipEasy, until } = setUp({ module: { onConnect: (peer) => void peers.push(peer) } });
    const sockets = [
      await clock.run(ipEasy.connect({ host: 'a.example', port: 80 })),
      await clock.run(ipEasy.connect({ host: 'b.example', port: 80 })),
    ];
    const bodies = [pattern(60_000, 3), pattern(60_000, 4)];
    const got = sockets.map(collect);
    peers.forEach((peer, index) => {
      peer.send(bodies[index] as Buffer);
      peer.end();
    });
    await until(() => got.every((one) => one.closed()));
    got.forEach((one, index) => expect(one.bytes().equals(bodies[index] as Buffer)).toBe(true));
    const order = module.lines.filter((line) => line.startsWith('AT#SRECV')).map((line) => line[9]);
    // While both have data, no one reads twice in a row.
    const middle = order.slice(4, 70);
    expect(middle.every((connId, index) => index === 0 || connId !== middle[index - 1])).toBe(true);
  });

  it('sends in chunks within the limit and joins small writes', async () => {
    let peer: Peer | undefined;
    const { clock, module, ipEasy, until } = setUp({
      module: {
        onConnect: (connected) => {
          peer = connected;
        },
      },
    });
    const socket = await clock.run(ipEasy.connect({ host: 'example.org', port: 80 }));
    const body = pattern(20_000);
    for (let offset = 0; offset < body.length; offset += 10) socket.write(body.subarray(offset, offset + 10));
    socket.end();
    await until(() => peer?.received.length === body.length);
    expect(Buffer.from(peer?.received ?? []).equals(body)).toBe(true);
    // 1020 where the module does not say; the first write went alone.
    expect(module.count('AT#SSENDEXT=1,1020')).toBe(19);
    expect(module.count('AT#SSENDEXT=1,')).toBe(21);
    peer?.end();
    await until(() => socket.destroyed);
  });

  it('reads and writes in turn', async () => {
    let peer: Peer | undefined;
    const { clock, module, ipEasy, until } = setUp({
      module: {
        onConnect: (connected) => {
          peer = connected;
        },
      },
    });
    const socket = await clock.run(ipEasy.connect({ host: 'example.org', port: 80 }));
    const got = collect(socket);
    socket.write(pattern(40_000));
    peer?.send(pattern(60_000));
    await until(() => got.bytes().length === 60_000 && peer?.received.length === 40_000);
    const order = module.lines.filter((line) => /^AT#(SRECV|SSENDEXT)=1/.test(line)).map((line) => line[4]);
    // While both wait, no direction comes twice in a row.
    const middle = order.slice(2, 60);
    expect(middle.every((letter, index) => index === 0 || letter !== middle[index - 1])).toBe(true);
  });

  it('closes after end() when the peer stays silent, and delivers what comes before', async () => {
    let peer: Peer | undefined;
    const { clock, module, ipEasy, until } = setUp({
      module: {
        onConnect: (connected) => {
          peer = connected;
        },
      },
    });
    const socket = await clock.run(ipEasy.connect({ host: 'example.org', port: 80 }));
    const got = collect(socket);
    socket.end('bye');
    await clock.advance(4000);
    peer?.send('late');
    await clock.advance(4000);
    expect(got.closed()).toBe(false);
    await until(got.closed);
    expect(got.bytes().toString()).toBe('late');
    expect(got.ended()).toBe(true);
    expect(got.error()).toBeUndefined();
    expect(peer?.isClosedByModule).toBe(true);
    expect(module.count('AT#SH=1')).toBe(1);
  });

  it('does not close while data of the peer waits for a reader', async () => {
    let peer: Peer | undefined;
    const { clock, ipEasy, until } = setUp({
      module: {
        onConnect: (connected) => {
          peer = connected;
        },
      },
      ipEasy: { highWaterMarkBytes: 100 },
    });
    const socket = await clock.run(ipEasy.connect({ host: 'example.org', port: 80 }));
    const body = pattern(20_000);
    peer?.send(body);
    socket.end('bye');
    await clock.advance(120_000);
    expect(peer?.isClosedByModule).toBe(false);
    const got = collect(socket);
    await until(got.closed);
    expect(got.bytes().equals(body)).toBe(true);
  });

  it('reads what a module still has that has closed already', async () => {
    let peer: Peer | undefined;
    const { clock, ipEasy, until } = setUp({
      module: {
        closesEarly: true,
        onConnect: (connected) => {
          peer = connected;
        },
      },
      ipEasy: { highWaterMarkBytes: 100 },
    });
    const socket = await clock.run(ipEasy.connect({ host: 'example.org', port: 80 }));
    const body = pattern(8000);
    peer?.send(body);
    peer?.end();
    await clock.advance(30_000);
    const got = collect(socket);
    await until(got.closed);
    expect(got.bytes().equals(body)).toBe(true);
    expect(got.error()).toBeUndefined();
  });

  it('ends every refusal of a dial with its own code and gives the connId back', async () => {
    let cme = 558;
    const { clock, ipEasy } = setUp({ module: { onDial: () => ({ cme }) } });
    for (const [code, name] of [
      [558, 'ERR_IPEASY_CANNOT_RESOLVE'],
      [559, 'ERR_IPEASY_CONNECT_TIMEOUT'],
      [560, 'ERR_IPEASY_REFUSED'],
      [561, 'ERR_IPEASY_REFUSED'],
      [562, 'ERR_IPEASY_REFUSED'],
      [556, 'ERR_IPEASY_CONTEXT_NOT_ACTIVE'],
      [557, 'ERR_IPEASY_NO_SOCKET'],
    ] as const) {
      cme = code;
      await expect(clock.run(ipEasy.connect({ host: 'example.org', port: 80 }))).rejects.toMatchObject({
        code: name,
        context: { cme: code },
      });
    }
    expect(ipEasy.sockets).toHaveLength(0);
  });

  it('refuses hosts that would break out of the line or exceed it', async () => {
    const { module, ipEasy } = setUp();
    for (const host of ['', 'a"b', 'a,b', 'a\rAT', 'a;b', 'a b', '::1', 'é.example', '"']) {
      await expect(ipEasy.connect({ host, port: 80 })).rejects.toMatchObject({ code: 'ERR_IPEASY_HOST' });
    }
    await expect(ipEasy.connect({ host: `${'a'.repeat(70)}.example`, port: 80 })).rejects.toMatchObject({
      code: 'ERR_IPEASY_HOST_TOO_LONG',
    });
    await expect(ipEasy.connect({ host: 'a', port: 0 })).rejects.toMatchObject({ code: 'ERR_OPTION_RANGE' });
    expect(module.lines).toEqual([]);
  });

  it('keeps a seventh waiting until one is free, or refuses it', async () => {
    const peers: Peer[] = [];
    const { clock, ipEasy, until } = setUp({ module: { onConnect: (peer) => void peers.push(peer) } });
    const open: IpEasySocket[] = [];
    for (let index = 0; index < 6; index++) {
      const socket = await clock.run(ipEasy.connect({ host: 'example.org', port: 80 + index }));
      socket.resume();
      open.push(socket);
    }
    await expect(clock.run(ipEasy.connect({ host: 'example.org', port: 99, whenFull: 'fail' }))).rejects.toMatchObject({
      code: 'ERR_IPEASY_NO_FREE_SOCKET',
    });
    let seventh: IpEasySocket | undefined;
    void ipEasy.connect({ host: 'example.org', port: 90 }).then((socket) => (seventh = socket));
    await clock.advance(1000);
    expect(seventh).toBeUndefined();
    peers[2]?.end();
    await until(() => seventh !== undefined);
    expect(seventh?.connId).toBe(3);
  });

  it('is let go of a dial at once and closes what the dial opens later', async () => {
    const { clock, module, ipEasy } = setUp({ module: { onDial: () => 'never' } });
    await clock.run(ipEasy.prepare());
    const abort = new AbortController();
    const connecting = ipEasy.connect({ host: 'example.org', port: 80, signal: abort.signal });
    connecting.catch(() => undefined);
    await clock.advance(100);
    abort.abort(new Error('enough'));
    await expect(connecting).rejects.toThrow('enough');
    expect(module.count('AT#SD')).toBe(1);
  });

  it('ends every socket with a typed error when the line is lost', async () => {
    const { clock, ipEasy, fail, until } = setUp();
    const socket = await clock.run(ipEasy.connect({ host: 'example.org', port: 80 }));
    const got = collect(socket);
    fail(new Error('unplugged'));
    await until(got.closed);
    expect(got.error()).toMatchObject({ code: 'ERR_IPEASY_LINE_LOST' });
  });

  it('activates a context, also one that is active already', async () => {
    const { clock, module, ipEasy } = setUp();
    await clock.run(ipEasy.defineContext({ cid: 2, apn: 'internet' }));
    expect(module.lines).toContain('AT+CGDCONT=2,"IP","internet","0.0.0.0",0,0');
    expect(await clock.run(ipEasy.activate({ cid: 2, user: 'u', password: 'p' }))).toEqual({ address: '10.0.0.2' });
    expect(module.lines).toContain('AT#SGACT=2,1,"u","p"');
    expect(await clock.run(ipEasy.activate({ cid: 1 }))).toEqual({ address: '10.0.0.1' });
  });
});

describe('IpEasy online', () => {
  it('carries both directions without commands, and ends with NO CARRIER', async () => {
    let peer: Peer | undefined;
    const { clock, module, ipEasy, until } = setUp({
      module: {
        onConnect: (connected) => {
          peer = connected;
        },
      },
    });
    const socket = await clock.run(ipEasy.connect({ host: 'example.org', port: 80, mode: 'online' }));
    expect(socket.mode).toBe('online');
    const got = collect(socket);
    const body = pattern(30_000);
    socket.write(body);
    await until(() => peer?.received.length === body.length);
    expect(Buffer.from(peer?.received ?? []).equals(body)).toBe(true);
    peer?.send(body);
    await until(() => got.bytes().length === body.length);
    peer?.end();
    await until(got.closed);
    expect(got.bytes().equals(body)).toBe(true);
    expect(got.error()).toBeUndefined();
    expect(module.count('AT#SRECV=1')).toBe(0);
  });

  it('suspends only after data that looks like the escape sequence has gone out', async () => {
    let peer: Peer | undefined;
    const { clock, ipEasy, until } = setUp({
      module: {
        onConnect: (connected) => {
          peer = connected;
        },
      },
    });
    const socket = await clock.run(ipEasy.connect({ host: 'example.org', port: 80, mode: 'online' }));
    const got = collect(socket);
    await clock.advance(5000);
    socket.write('+++');
    socket.write('more');
    await clock.run(socket.goToCommandMode());
    await until(() => peer?.received.length === 7);
    expect(Buffer.from(peer?.received ?? []).toString()).toBe('+++more');
    expect(got.error()).toBeUndefined();
  });

  it('closes although nothing that was sent gets through, and the port is used again once it does', async () => {
    const { clock, module, ipEasy, until } = setUp();
    const socket = await clock.run(ipEasy.connect({ host: 'example.org', port: 80, mode: 'online' }));
    module.holdLine(true);
    let written: unknown;
    socket.write(pattern(500_000), (error) => (written = error ?? null));
    await clock.advance(60_000);
    expect([written, socket.writableNeedDrain]).toEqual([undefined, true]);
    let isClosed = false;
    socket.on('error', () => undefined).on('close', () => (isClosed = true));
    socket.destroy();
    await until(() => isClosed);
    expect(written).toMatchObject({ code: expect.stringMatching(/^ERR_/) as unknown });
    await clock.advance(120_000);
    module.holdLine(false);
    await clock.advance(60_000);
    const again = await clock.run(ipEasy.connect({ host: 'example.org', port: 81 }), 600_000);
    expect(again.mode).toBe('command');
    module.holdLine(true);
    again.write('never');
    await clock.run(ipEasy.close(), 600_000);
  });

  it('asks for what came unannounced while it was suspended', async () => {
    let peer: Peer | undefined;
    const { clock, ipEasy } = setUp({
      module: {
        onConnect: (connected) => {
          peer = connected;
        },
      },
      ipEasy: { watchMs: Infinity },
    });
    const socket = await clock.run(ipEasy.connect({ host: 'example.org', port: 80, mode: 'online' }));
    const got = collect(socket);
    const moving = socket.goToCommandMode();
    // The guard time before the sequence, and most of that behind it.
    await clock.advance(700);
    peer?.send('x');
    await clock.run(moving);
    await clock.advance(1000);
    expect(got.bytes().toString()).toBe('x');
  });

  it('moves to command mode and back without losing a byte', async () => {
    let peer: Peer | undefined;
    const { clock, ipEasy, until } = setUp({
      module: {
        onConnect: (connected) => {
          peer = connected;
        },
      },
    });
    const socket = await clock.run(ipEasy.connect({ host: 'example.org', port: 80, mode: 'online' }));
    const got = collect(socket);
    const sent: Buffer[] = [];
    const say = (text: string): void => {
      sent.push(Buffer.from(text));
      peer?.send(latin1(text));
    };
    say('one ');
    await until(() => got.bytes().length === 4);
    await clock.run(socket.goToCommandMode());
    expect(socket.mode).toBe('command');
    say('two ');
    socket.write('A');
    await until(() => got.bytes().length === 8 && peer?.received.length === 1);
    await clock.run(socket.goOnline());
    say('three');
    socket.write('B');
    await until(() => got.bytes().length === 13 && peer?.received.length === 2);
    expect(got.bytes().toString()).toBe('one two three');
    expect(Buffer.from(peer?.received ?? []).toString()).toBe('AB');
  });
});
