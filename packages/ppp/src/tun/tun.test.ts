import { execFile } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { memoryPair } from '@cellmux/port';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PppLink } from '../index.ts';
import { carryPackets, openTun } from './index.ts';

const run = promisify(execFile);
const sh = async (command: string): Promise<string> => (await run('sh', ['-c', command])).stdout;

/** TUN needs root, the device, and namespaces, so that nothing here touches the machine's own network. */
async function whyNot(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'not root';
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
    await run('ip', ['netns', 'add', `cmxprobe${process.pid}`]);
    await run('ip', ['netns', 'del', `cmxprobe${process.pid}`]);
    return undefined;
  } catch (error) {
    return String(error);
  }
}
const reason = await whyNot();
const [ONE, TWO] = [`cmxa${process.pid}`, `cmxb${process.pid}`];

describe.skipIf(reason !== undefined)(`a TUN device${reason === undefined ? '' : ` (${reason})`}`, () => {
  beforeAll(async () => {
    await sh(
      `ip netns add ${ONE} && ip netns add ${TWO} && ip -n ${ONE} link set lo up && ip -n ${TWO} link set lo up`,
    );
  });
  afterAll(async () => {
    await sh(`ip netns del ${ONE}; ip netns del ${TWO}; true`);
  });

  it('has the addresses, MTU and routes asked for, and is gone after close', async () => {
    const tun = await openTun({
      name: 'cmx%d',
      netns: ONE,
      localAddress: '10.99.0.1',
      peerAddress: '10.99.0.2',
      ipv6Address: 'fe80::1/64',
      mtu: 1400,
      routes: ['default', '192.0.2.0/24', '2001:db8::/32'],
      routeMetric: 77,
    });
    const shown = await sh(`ip -n ${ONE} addr show ${tun.name}; ip -n ${ONE} route; ip -n ${ONE} -6 route`);
    expect(shown).toContain('mtu 1400');
    expect(shown).toContain('inet 10.99.0.1 peer 10.99.0.2/32');
    expect(shown).toContain('inet6 fe80::1/64');
    expect(shown).toMatch(new RegExp(`default dev ${tun.name}.*metric 77`));
    expect(shown).toContain('192.0.2.0/24');
    expect(shown).toContain('2001:db8::/32');
    await Promise.all([tun.close(), tun.close()]);
    expect(await sh(`ip -n ${ONE} link`)).not.toContain(tun.name);
    expect(tun.write(new Uint8Array(20))).toBe(false);
  });

  it('answers pings in user space', async () => {
    const tun = await openTun({ netns: ONE, localAddress: '10.99.0.1', peerAddress: '10.99.0.2' });
    tun.packets$.subscribe((packet) => {
      // ICMP echo: addresses swapped, type 0, checksum adjusted by the 8 that went.
      if (packet[0] !== 0x45 || packet[9] !== 1 || packet[20] !== 8) return;
      const answer = packet.slice();
      answer.copyWithin(12, 16, 20);
      answer.set(packet.subarray(12, 16), 16);
      answer[20] = 0;
      const view = new DataView(answer.buffer);
      const sum = view.getUint16(22) + 0x0800;
      view.setUint16(22, (sum & 0xffff) + (sum >>> 16));
      tun.write(answer);
    });
    const shown = await sh(`ip netns exec ${ONE} ping -c 20 -i 0.01 -W 2 10.99.0.2`);
    expect(shown).toContain('20 received');
    await tun.close();
  });

  it('carries TCP and IPv6 between two kernels over PPP', async () => {
    const { dte, dce } = memoryPair({ backlogLimitBytes: 2 ** 24 });
    const client = new PppLink(dte, { user: 'u', password: 'p', ipv6: true });
    const server = new PppLink(dce, {
      role: 'server',
      auth: 'chap-md5',
      verify: () => 'p',
      localAddress: '10.98.0.1',
      peerAddress: '10.98.0.2',
      ipv6: true,
    });
    const [network, far] = await Promise.all([client.open(), server.open()]);
    const near = await openTun({ netns: ONE, network });
    const distant = await openTun({ netns: TWO, network: far });
    const carriers = [carryPackets(near, client), carryPackets(distant, server)];
    const file = join(mkdtempSync(join(tmpdir(), 'cmx-')), 'received');
    const server_ = sh(`ip netns exec ${TWO} timeout 15 socat -u TCP-LISTEN:7777,bind=10.98.0.1 CREATE:${file}`);
    await sh(
      `sleep 0.3; head -c 3000000 /dev/urandom > ${file}.sent; ip netns exec ${ONE} timeout 15 socat -u FILE:${file}.sent TCP:10.98.0.1:7777`,
    );
    await server_;
    expect(readFileSync(file).equals(readFileSync(`${file}.sent`))).toBe(true);
    const six = await sh(`ip netns exec ${ONE} ping -6 -c 3 -i 0.05 -W 2 ${far.ipv6?.localAddress}%${near.name}`);
    expect(six).toContain('3 received');
    expect(near.counters.packetsRead).toBeGreaterThan(1000);
    for (const carrier of carriers) carrier.close();
    await Promise.all([near.close(), distant.close(), client.close()]);
    await server.ended;
    rmSync(join(file, '..'), { recursive: true });
  });

  it('says so when somebody removes the interface', async () => {
    const tun = await openTun({ netns: ONE, localAddress: '10.97.0.1' });
    const gone = new Promise((resolve) => tun.packets$.subscribe({ error: resolve }));
    await sh(`ip -n ${ONE} link del ${tun.name}`);
    expect(await gone).toMatchObject({ code: 'ERR_PPP_TUN_GONE' });
    await tun.close();
  });

  it('survives the interface going down and up', async () => {
    const tun = await openTun({ netns: ONE, localAddress: '10.97.0.1', peerAddress: '10.97.0.2' });
    await sh(`ip -n ${ONE} link set ${tun.name} down; sleep 0.3; ip -n ${ONE} link set ${tun.name} up`);
    expect(tun.write(Uint8Array.of(0x45, 0, 0, 20, 0, 0, 0, 0, 64, 1, 0, 0, 10, 97, 0, 2, 10, 97, 0, 1))).toBe(true);
    const heard = new Promise((resolve) => tun.packets$.subscribe(resolve));
    await sh(`ip netns exec ${ONE} ping -c 1 -W 1 10.97.0.2 || true`);
    await heard;
    await tun.close();
  });

  it('writes name servers and puts back what was there', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'cmx-')), 'resolv.conf');
    writeFileSync(path, 'nameserver 127.0.0.1\n');
    const network = {
      localAddress: '10.96.0.1',
      peerAddress: '10.96.0.2',
      isPeerAddressInvented: false,
      dns: ['1.1.1.1', '9.9.9.9'],
      mtu: 1500,
    };
    const tun = await openTun({ netns: ONE, network, resolvConf: path });
    expect(readFileSync(path, 'utf8')).toMatch(/^#.*\nnameserver 1.1.1.1\nnameserver 9.9.9.9\n$/);
    await tun.close();
    expect(readFileSync(path, 'utf8')).toBe('nameserver 127.0.0.1\n');
  });

  it('tells what does not work', async () => {
    const tun = await openTun({ netns: ONE, name: 'cmxsame', localAddress: '10.95.0.1' });
    await expect(openTun({ netns: ONE, name: 'cmxsame', localAddress: '10.95.0.1' })).rejects.toMatchObject({
      code: 'ERR_PPP_TUN_FAILED',
    });
    await tun.close();
    await expect(openTun({ netns: 'cmx-nowhere' })).rejects.toMatchObject({ code: 'ERR_PPP_TUN_FAILED' });
    await expect(openTun({ netns: ONE, localAddress: '10.95.0.1', routes: ['10.0.0.1/8'] })).rejects.toMatchObject({
      code: 'ERR_PPP_TUN_FAILED',
    });
    for (const options of [
      { name: 'a name' },
      { name: 'x'.repeat(16) },
      { localAddress: 'x' },
      { mtu: 1 },
      { routes: ['; rm'] },
      { netns: '../x' },
      { ipv6Address: '::1' },
    ])
      await expect(openTun(options)).rejects.toMatchObject({ code: 'ERR_OPTION_RANGE' });
    expect(await sh('ip link')).not.toContain('cmx');
  });

  it.each([
    [
      'without any right to the device',
      ['--reuid=65534', '--regid=65534', '--clear-groups'],
      'ERR_PPP_TUN_NOT_PERMITTED',
    ],
    ['with the device and no capability', ['--inh-caps=-all', '--bounding-set=-all'], 'ERR_PPP_TUN_NOT_PERMITTED'],
    ['with CAP_NET_ADMIN alone', ['--inh-caps=-all', '--bounding-set=-all,+net_admin'], 'made cmxcap'],
  ])('a process %s', async (_what, rights, expected) => {
    const script = `
      import { openTun } from '@cellmux/ppp/tun';
      openTun({ name: 'cmxcap', localAddress: '10.94.0.1', routes: ['192.0.2.0/24'] }).then(
        async (tun) => { console.log('made', tun.name); await tun.close(); },
        (error) => console.log(error.code, error.hint),
      );
    `;
    const node = [
      process.execPath,
      '--conditions=@cellmux/source',
      '--import',
      'tsx',
      '--input-type=module',
      '-e',
      script,
    ];
    // In a network namespace of its own, which goes with it.
    const { stdout } = await run('unshare', ['--net', 'setpriv', ...rights, ...node], {
      cwd: new URL('../..', import.meta.url).pathname,
    });
    expect(stdout).toContain(expected);
    if (expected.startsWith('ERR')) expect(stdout).toContain('CAP_NET_ADMIN');
  });
});
