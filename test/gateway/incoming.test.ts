import { HE863_AT_PROFILE } from '@cellmux/at';
import { Gateway, type GatewayEvent, type GatewayOptions } from '@cellmux/gateway';
import { VirtualHe863 } from '@cellmux/he863';
import { CellmuxError, memoryPair, type MemoryPair } from '@cellmux/port';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';

/** The port of the module; the machine listens on another one for it. */
const PORT = 8080;
const LOOPBACK_ONLY = { address: '127.0.0.1', mask: '255.255.255.255' };
const LIMIT = { timeout: 20_000, interval: 10 };

interface Site {
  readonly gateway: Gateway;
  readonly module: VirtualHe863;
  readonly events: GatewayEvent[];
  /** What the local server has accepted, in order. */
  readonly accepted: Socket[];
  /** Where the network reaches the module's port. */
  readonly entrance: number;
  readonly line: () => MemoryPair;
}

/** A gateway that lets connections in, and a local server that sends back what it gets. */
async function setUp(options: Partial<GatewayOptions>): Promise<Site> {
  const accepted: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted.push(socket);
    socket.on('error', () => undefined);
    socket.pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const entrance = await freePort();
  const module = new VirtualHe863({ machineNames: false, listenPorts: { [PORT]: entrance }, bootMs: 10 });
  let line: MemoryPair;
  const gateway = new Gateway({
    line: () => {
      line = memoryPair();
      module.serve(line.dce);
      return Promise.resolve({ port: line.dte, close: () => line.dte.close() });
    },
    atProfile: { ...HE863_AT_PROFILE, resultGapMs: 0 },
    incoming: [{ port: PORT, to: { host: '127.0.0.1', port } }],
    recovery: { firstPauseMs: 10 },
    ...options,
  });
  const events: GatewayEvent[] = [];
  gateway.events$.subscribe((event) => events.push(event));
  onTestFinished(async () => {
    await gateway.stop();
    await module.close();
    for (const socket of accepted) socket.destroy();
    server.close();
  });
  await gateway.start();
  return { gateway, module, events, accepted, entrance, line: () => line };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** The module listens: whoever connects now is asked about. */
async function isArmed({ gateway }: Site): Promise<void> {
  await expect
    .poll(
      async () => (await gateway.sockets.status().catch(() => [])).filter(({ state }) => state === 'listening').length,
      LIMIT,
    )
    .toBe(1);
}

/** Somebody on the network. */
function visitor({ entrance }: Site, localAddress = '127.0.0.1'): Socket {
  const socket = connect({ port: entrance, host: '127.0.0.1', localAddress, allowHalfOpen: true });
  onTestFinished(() => {
    socket.destroy();
  });
  return socket;
}

/** Sends octets, ends, and gives what came back up to the end. */
async function exchange(socket: Socket, bytes: Buffer): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.write(bytes);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    if (chunks.reduce((sum, { length }) => sum + length, 0) >= bytes.length) socket.end();
  }
  return Buffer.concat(chunks);
}

/** How a connection ended: its error's code, or that it ended in order. */
async function endOf(socket: Socket): Promise<string> {
  let code = 'in order';
  socket.on('error', (error: NodeJS.ErrnoException) => (code = error.code ?? 'error'));
  socket.resume();
  socket.once('end', () => socket.end());
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
  return code;
}

describe('incoming connections (--listen, --firewall)', () => {
  it('go on to the local server octet for octet, one after the other', { timeout: 60_000 }, async () => {
    const site = await setUp({ firewall: [LOOPBACK_ONLY] });
    expect(site.events).toContainEqual({ type: 'listening', what: 'incoming', where: 'port 8080 of the module' });
    expect(site.events.filter(({ type }) => type === 'warning')).toEqual([]);
    for (let count = 0; count < 3; count++) {
      await isArmed(site);
      const bytes = randomBytes(40_000);
      const back = await exchange(visitor(site), bytes);
      expect(Buffer.compare(back, bytes)).toBe(0);
    }
    const connected = site.events.filter(({ type }) => type === 'incomingConnected');
    expect(connected).toHaveLength(3);
    expect(connected[0]).toMatchObject({ port: PORT, from: expect.stringMatching(/^127\.0\.0\.1:\d+$/) });
  });

  it('are open at the same time, up to five, and the rest of the gateway works meanwhile', async () => {
    const site = await setUp({ firewall: [LOOPBACK_ONLY] });
    const guests: Socket[] = [];
    for (let count = 0; count < 5; count++) {
      await isArmed(site);
      const guest = visitor(site);
      guests.push(guest);
      await expect.poll(() => site.accepted.length, LIMIT).toBe(count + 1);
    }
    expect((await site.gateway.at.command('AT+CSQ')).result).toBe('OK');
    const bodies = guests.map(() => randomBytes(5000));
    const back = await Promise.all(guests.map((guest, index) => exchange(guest, bodies[index] ?? Buffer.alloc(0))));
    expect(back.map((bytes, index) => bytes.equals(bodies[index] ?? Buffer.alloc(0)))).toEqual(Array(5).fill(true));
    await isArmed(site);
  });

  it('from an address without a rule are refused, and the port listens on', async () => {
    const site = await setUp({ firewall: [LOOPBACK_ONLY] });
    await isArmed(site);
    const stranger = visitor(site, '127.0.0.2');
    stranger.write('let me in');
    expect(await endOf(stranger)).toBe('ECONNRESET');
    expect(site.accepted).toHaveLength(0);
    await isArmed(site);
    const bytes = randomBytes(100);
    expect(Buffer.compare(await exchange(visitor(site), bytes), bytes)).toBe(0);
  });

  it('cannot come at all without a rule, and that is said', async () => {
    const site = await setUp({});
    await expect
      .poll(() => site.events.filter((event) => event.type === 'warning').map(({ code }) => code), LIMIT)
      .toEqual(['WARN_IPEASY_NO_FIREWALL_RULE']);
    await isArmed(site);
    expect(await endOf(visitor(site))).toBe('ECONNRESET');
    expect(site.accepted).toHaveLength(0);
  });

  it('find nobody where the local server is gone: their peer is let go, and that is told', async () => {
    const nobody = await freePort();
    const site = await setUp({
      firewall: [LOOPBACK_ONLY],
      incoming: [{ port: PORT, to: { host: '127.0.0.1', port: nobody } }],
    });
    await isArmed(site);
    await endOf(visitor(site));
    await expect
      .poll(() => site.events.find(({ type }) => type === 'incomingFailed'), LIMIT)
      .toMatchObject({ port: PORT, target: `127.0.0.1:${nobody}`, error: { code: 'ECONNREFUSED' } });
    await isArmed(site);
  });

  it.each([
    [
      'the context is lost',
      ({ module }: Site) => {
        module.faults.inject({ kind: 'context', cid: 2 });
      },
    ],
    [
      'the module is reset, and has forgotten the firewall',
      ({ module }: Site) => {
        module.faults.inject({ kind: 'reset' });
      },
    ],
    [
      'the line is gone',
      ({ line }: Site) => {
        line().fail(new CellmuxError('ERR_PORT_LOST', 'unplugged'));
      },
    ],
  ])('after an outage come again: %s', { timeout: 60_000 }, async (_, strike) => {
    const site = await setUp({ firewall: [LOOPBACK_ONLY], keepAliveMs: 500 });
    await isArmed(site);
    const before = visitor(site);
    before.on('error', () => undefined);
    before.write('under way');
    await expect.poll(() => site.accepted.length, LIMIT).toBe(1);
    const near = site.accepted[0];
    if (near === undefined) throw new Error('nobody came');
    const ended = endOf(near);
    strike(site);
    await expect.poll(() => site.gateway.status.pastOutages.length, LIMIT).toBeGreaterThan(0);
    // What was under way is no end in order for the local server.
    expect(await ended).toBe('ECONNRESET');
    await expect.poll(() => site.gateway.state, LIMIT).toBe('up');
    await isArmed(site);
    const bytes = randomBytes(5000);
    expect(Buffer.compare(await exchange(visitor(site), bytes), bytes)).toBe(0);
    const stranger = visitor(site, '127.0.0.2');
    await isArmed(site);
    expect(await endOf(stranger)).toBe('ECONNRESET');
  });
});
