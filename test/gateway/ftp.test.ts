import { Gateway, type GatewayEvent, type GatewayOptions } from '@cellmux/gateway';
import { VirtualHe863 } from '@cellmux/he863';
import type { FtpOptions, FtpProgress } from '@cellmux/ipeasy';
import { CellmuxError, faultyLine, seededRandom, type FaultyLine } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EchoServer } from './gateway-traffic.ts';
import { MemoryFtpServer } from './memory-ftp-server.ts';

const SECRET = 'hunter2-sentinel';
const BAUD = 460_800;

/** A gateway on a paced line in virtual time, and an FTP server behind its module. */
class Bench implements AsyncDisposable {
  readonly clock = new VirtualClock();
  readonly module: VirtualHe863;
  readonly gateway: Gateway;
  readonly events: GatewayEvent[] = [];
  readonly account: FtpOptions;
  line!: FaultyLine;
  absentUntilMs = 0;

  constructor(server: MemoryFtpServer, options: Partial<GatewayOptions> = {}) {
    const { clock } = this;
    this.account = { host: 'ftp.example', user: 'user', password: SECRET, timeoutMs: 10_000 };
    this.module = new VirtualHe863({
      clock,
      bootMs: 3000,
      machineNames: false,
      hosts: { 'ftp.example:21': `127.0.0.1:${server.port}` },
    });
    this.gateway = new Gateway({
      line: () => {
        if (clock.now() < this.absentUntilMs) {
          return Promise.reject(new CellmuxError('ERR_PORT_NOT_FOUND', 'there is no such device'));
        }
        this.line = faultyLine({ clock, baudRate: BAUD });
        this.module.serve(this.line.dce);
        const { dte } = this.line;
        return Promise.resolve({ port: dte, close: () => dte.close() });
      },
      baudRate: BAUD,
      clock,
      recovery: { random: seededRandom(7) },
      ...options,
    });
    this.gateway.events$.subscribe((event) => this.events.push(event));
  }

  async start(): Promise<void> {
    await this.clock.run(this.gateway.start());
  }

  async until(condition: () => boolean, limitMs: number): Promise<void> {
    const startMs = this.clock.now();
    while (!condition()) {
      if (this.clock.now() - startMs > limitMs) throw new Error(`not within ${limitMs} ms of virtual time`);
      await this.clock.advance(50);
    }
  }

  put(name: string, body: Uint8Array, options: { append?: boolean; signal?: AbortSignal } = {}): Promise<void> {
    const { signal, append } = options;
    return this.gateway.ftp(
      this.account,
      (ftp) => pipeline(Readable.from(slices(body)), ftp.put(`incoming/${name}`, { append }) as Writable),
      { signal },
    );
  }

  get(name: string, onProgress?: (progress: FtpProgress) => void): Promise<Buffer> {
    return this.gateway.ftp(this.account, async (ftp) => {
      const chunks: Buffer[] = [];
      for await (const chunk of ftp.get(`incoming/${name}`, { onProgress })) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.clock.run(this.gateway.stop());
    await this.clock.run(this.module.close());
  }
}

function* slices(body: Uint8Array): Generator<Uint8Array> {
  for (let offset = 0; offset < body.length; offset += 8192) yield body.subarray(offset, offset + 8192);
}

function testBytes(length: number, seed: number): Buffer {
  const random = seededRandom(seed);
  return Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
}

/** A promise whose failure is looked at later. */
function later<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

describe('FTP jobs', () => {
  let server: MemoryFtpServer;
  beforeAll(async () => {
    server = await MemoryFtpServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it('put, append, get, list, tell sizes and delete', async () => {
    const bench = new Bench(server);
    await bench.start();
    const { clock, gateway, account, events } = bench;
    const body = testBytes(30_000, 1);
    await clock.run(bench.put('a.bin', body));
    await clock.run(bench.put('a.bin', body.subarray(0, 777), { append: true }));
    const whole = Buffer.concat([body, body.subarray(0, 777)]);
    expect(Buffer.compare(server.read('a.bin') ?? Buffer.alloc(0), whole)).toBe(0);
    const progress: FtpProgress[] = [];
    expect(Buffer.compare(await clock.run(bench.get('a.bin', (now) => progress.push(now))), whole)).toBe(0);
    expect(progress.at(-1)).toEqual({ bytes: whole.length, totalBytes: whole.length });
    const told = await clock.run(
      gateway.ftp(account, async (ftp) => {
        await ftp.cwd('incoming');
        const [list, size] = [await ftp.list(), await ftp.size('a.bin')];
        await ftp.delete('a.bin');
        return { list, size };
      }),
    );
    expect(told).toMatchObject({ list: [expect.stringContaining('a.bin')], size: whole.length });
    expect(server.read('a.bin')).toBeUndefined();
    expect(events.filter(({ type }) => type === 'ftpStarted')).toHaveLength(4);
    expect(events.filter((event) => event.type === 'ftpEnded' && event.error === undefined)).toHaveLength(4);
    expect(JSON.stringify(events)).not.toContain(SECRET);
    await bench[Symbol.asyncDispose]();
    expect(clock.pendingTimers).toBe(0);
  });

  it.each(['up', 'down'] as const)(
    'never stand in the way of AT commands, looks and sockets: a file going %s',
    async (direction) => {
      await using echo = await EchoServer.start();
      const bench = new Bench(server, { pollMs: 1000 });
      await bench.start();
      const { clock, gateway, events } = bench;
      const body = testBytes(80_000, 2);
      if (direction === 'down') server.write('b.bin', body);
      let isOver = false;
      const transfer: Promise<unknown> = direction === 'up' ? bench.put('b.bin', body) : bench.get('b.bin');
      const job = transfer.finally(() => (isOver = true));
      await bench.until(() => gateway.multiplexer.ports.get(3)?.circuits.dcd === true, 10_000);
      const before = events.filter(({ type }) => type === 'signal').length;
      const socket = await clock.run(gateway.dial({ host: '127.0.0.1', port: echo.port }));
      let back = 0;
      socket.on('data', (chunk: Buffer) => (back += chunk.length));
      socket.write(testBytes(500, 3));
      const tookMs: number[] = [];
      while (!isOver) {
        const startMs = clock.now();
        const { lines } = await clock.run(gateway.at.command('AT+CGSN'));
        expect(lines).toEqual([expect.stringMatching(/^\d{15}$/)]);
        tookMs.push(clock.now() - startMs);
        await clock.advance(150);
      }
      await clock.run(job);
      expect(Buffer.compare(server.read('b.bin') ?? Buffer.alloc(0), body)).toBe(0);
      expect(tookMs.length).toBeGreaterThan(4);
      expect(Math.max(...tookMs)).toBeLessThan(1000);
      expect(events.filter(({ type }) => type === 'signal').length).toBeGreaterThan(before);
      expect(back).toBe(500);
      expect(gateway.status.pastOutages).toEqual([]);
      socket.destroy();
      await bench[Symbol.asyncDispose]();
    },
  );

  it('run one at a time, in order; one too many is refused, and one that waits can be given up', async () => {
    const bench = new Bench(server, { ftpQueueLimit: 2 });
    await bench.start();
    const { clock, gateway, account } = bench;
    const order: string[] = [];
    const job = (name: string, signal?: AbortSignal): Promise<unknown> =>
      later(
        gateway.ftp(
          account,
          async (ftp) => {
            order.push(`${name} begins`);
            await ftp.pwd();
            order.push(`${name} ends`);
          },
          { signal },
        ),
      );
    const leaving = new AbortController();
    const [first, second, third] = [job('first'), job('second', leaving.signal), job('third')];
    await expect(job('fourth')).rejects.toMatchObject({ code: 'ERR_GATEWAY_FTP_BUSY' });
    leaving.abort(new Error('not needed any more'));
    await expect(second).rejects.toThrow('not needed any more');
    await clock.run(Promise.all([first, third]));
    expect(order).toEqual(['first begins', 'first ends', 'third begins', 'third ends']);
    await bench[Symbol.asyncDispose]();
  });

  it('end at once when they are aborted, and the next one finds the module free', async () => {
    const bench = new Bench(server);
    await bench.start();
    const { clock, gateway } = bench;
    const leaving = new AbortController();
    const body = testBytes(60_000, 4);
    const job = later(bench.put('c.bin', body, { signal: leaving.signal }));
    await bench.until(() => gateway.multiplexer.ports.get(3)?.circuits.dcd === true, 10_000);
    await clock.advance(300);
    leaving.abort(new Error('enough'));
    await expect(job).rejects.toThrow('enough');
    await clock.run(bench.put('d.bin', body.subarray(0, 5000)));
    expect(server.read('d.bin')?.length).toBe(5000);
    expect(server.read('c.bin')?.length).toBeLessThan(body.length);
    await bench[Symbol.asyncDispose]();
    expect(clock.pendingTimers).toBe(0);
  });

  it('that the server refuses, or that fail on their own, leave the module free', async () => {
    const bench = new Bench(server);
    await bench.start();
    const { clock, gateway, account, events } = bench;
    const nobody = { ...account, user: 'nobody-here' };
    await expect(clock.run(gateway.ftp(nobody, (ftp) => ftp.pwd()))).rejects.toMatchObject({
      code: 'ERR_IPEASY_FTP_REFUSED',
    });
    await expect(clock.run(gateway.ftp(account, (ftp) => ftp.size('none')))).rejects.toMatchObject({
      code: 'ERR_IPEASY_FTP_REFUSED',
    });
    await expect(clock.run(gateway.ftp(account, () => Promise.reject(new Error('own'))))).rejects.toThrow('own');
    const elsewhere = { ...account, host: 'none.example' };
    await expect(clock.run(gateway.ftp(elsewhere, (ftp) => ftp.pwd()))).rejects.toMatchObject({
      code: 'ERR_IPEASY_CANNOT_RESOLVE',
    });
    // What somebody left open on the port is closed.
    await clock.run(gateway.at.command('AT#FTPOPEN="ftp.example","user","x",1', { timeoutMs: 30_000 }));
    expect(await clock.run(gateway.ftp(account, (ftp) => ftp.pwd()))).toBe('/');
    expect(JSON.stringify(events)).not.toContain(SECRET);
    await bench[Symbol.asyncDispose]();
  });

  const outages: readonly (readonly [string, (bench: Bench) => void, RegExp])[] = [
    [
      'the line is gone, and back after 10 s',
      (bench) => {
        bench.absentUntilMs = bench.clock.now() + 10_000;
        bench.line.fail(new CellmuxError('ERR_PORT_LOST', 'unplugged'));
      },
      /^ERR_IPEASY_LINE_LOST$/,
    ],
    [
      'the module is reset',
      ({ module }) => {
        module.faults.inject({ kind: 'reset' });
      },
      /^ERR_IPEASY_(LINE_LOST|TIMEOUT)$/,
    ],
    [
      'the context is lost',
      ({ module }) => {
        module.faults.inject({ kind: 'context', cid: 2 });
      },
      /^ERR_IPEASY_(FTP_INCOMPLETE|FTP_NOT_CONNECTED)$/,
    ],
    [
      'port 3 is mute for a minute',
      ({ module }) => {
        module.faults.inject({ kind: 'silence', port: 3, forMs: 60_000 });
      },
      /^ERR_IPEASY_(LINE_LOST|TIMEOUT|FTP_INCOMPLETE)$|^ERR_GATEWAY_FTP_STALLED$/,
    ],
  ];
  describe.each(outages)('when %s', (_, strike, code) => {
    it.each(['up', 'down'] as const)('the sender of a file going %s is told, and the next job works', async (way) => {
      const bench = new Bench(server);
      await bench.start();
      const { clock, gateway } = bench;
      const body = testBytes(120_000, 5);
      if (way === 'down') server.write('e.bin', body);
      const job: Promise<unknown> = later<unknown>(way === 'up' ? bench.put('e.bin', body) : bench.get('e.bin'));
      await bench.until(() => gateway.multiplexer.ports.get(3)?.circuits.dcd === true, 10_000);
      await clock.advance(500);
      strike(bench);
      const error: unknown = await clock.run(
        job.then(
          () => undefined,
          (reason: unknown) => reason,
        ),
        400_000,
      );
      expect((error as { code?: unknown } | undefined)?.code).toMatch(code);
      // The next one waits while the gateway restores what broke.
      const next = later(bench.put('f.bin', body.subarray(0, 3000)));
      const result = await clock.run(
        next.catch((reason: unknown) => reason),
        400_000,
      );
      if (result !== undefined) {
        expect(result).toMatchObject({
          code: expect.stringMatching(/^ERR_GATEWAY_(AT|SOCKETS)_DOWN$|^ERR_IPEASY_TIMEOUT$/),
        });
        await clock.advance(60_000);
        await bench.until(() => gateway.state === 'up', 200_000);
        await clock.run(bench.put('f.bin', body.subarray(0, 3000)));
      }
      expect(Buffer.compare(server.read('f.bin') ?? Buffer.alloc(0), body.subarray(0, 3000))).toBe(0);
      await bench[Symbol.asyncDispose]();
      expect(clock.pendingTimers).toBe(0);
    });
  });

  it('that stand still for too long are given up', async () => {
    const bench = new Bench(server);
    await bench.start();
    const { clock, gateway, account } = bench;
    server.write('g.bin', testBytes(100_000, 6));
    const job = later(
      gateway.ftp(account, async (ftp) => {
        const reader = ftp.get('incoming/g.bin');
        reader.once('data', () => reader.pause());
        await new Promise((_, reject) => reader.once('error', reject));
      }),
    );
    await expect(clock.run(job, 120_000)).rejects.toMatchObject({ code: 'ERR_GATEWAY_FTP_STALLED' });
    expect(await clock.run(gateway.ftp(account, (ftp) => ftp.pwd()))).toBe('/');
    await bench[Symbol.asyncDispose]();
  });

  it('are told when the gateway stops, which still ends in order', async () => {
    const bench = new Bench(server);
    await bench.start();
    const { clock, gateway, events } = bench;
    const body = testBytes(100_000, 7);
    const [running, waiting] = [later(bench.put('h.bin', body)), later(bench.put('i.bin', body))];
    await bench.until(() => gateway.multiplexer.ports.get(3)?.circuits.dcd === true, 10_000);
    await clock.run(gateway.stop());
    for (const job of [running, waiting]) await expect(job).rejects.toMatchObject({ code: 'ERR_GATEWAY_STOPPED' });
    expect(await gateway.ended).toEqual({ error: undefined, moduleInCommandMode: true });
    expect(events.filter(({ type }) => type === 'endFailed')).toEqual([]);
    expect(events.some((event) => event.type === 'ended' && event.what === 'ftp')).toBe(true);
    await expect(bench.put('j.bin', body)).rejects.toMatchObject({ code: 'ERR_GATEWAY_STOPPED' });
    await bench[Symbol.asyncDispose]();
    expect(clock.pendingTimers).toBe(0);
  });
});

it('FTP has no port where other programs have them, and none before the start', async () => {
  const account = { host: 'ftp.example', user: 'u', password: SECRET };
  const idle = new Gateway({ line: { kind: 'virtual' } });
  await expect(idle.ftp(account, (ftp) => ftp.pwd())).rejects.toMatchObject({ code: 'ERR_GATEWAY_NOT_UP' });
  const shared = new Gateway({ line: { kind: 'virtual' }, ports: '/tmp/none' });
  await expect(shared.ftp(account, (ftp) => ftp.pwd())).rejects.toMatchObject({ code: 'ERR_OPTION_EXCLUDES' });
});
