import { memoryPair } from '@cellmux/port';
import { median, pseudoRandom, steadyCpuSeconds, type BenchRow } from '../../port/bench/index.ts';
import { PppLink } from '../src/index.ts';

/** Two links over memory: both ends on one core, packets one way. */
export async function linkRow(packetBytes: number, totalBytes: number): Promise<BenchRow> {
  const { dte, dce } = memoryPair({ backlogLimitBytes: 2 ** 24 });
  const near = new PppLink(dte, { sendQueuePackets: 4096, batchBytes: 16_384 });
  const far = new PppLink(dce, { role: 'server', peerAddress: '10.0.0.2' });
  await Promise.all([near.open(), far.open()]);
  let heard = 0;
  far.packets$.subscribe(() => heard++);
  const packets = Array.from({ length: 64 }, (_, seed) => pseudoRandom(packetBytes, seed + 1).fill(0x45, 0, 1));
  const count = Math.ceil(totalBytes / packetBytes);
  const send = async (): Promise<void> => {
    for (let sent = 0; sent < count;) {
      const burst: Promise<void>[] = [];
      for (; burst.length < 256 && sent < count; sent++) burst.push(near.send(packets[sent & 63] as Uint8Array));
      await Promise.all(burst);
    }
  };
  const seconds = await steadyCpuSeconds(async () => {
    heard = 0;
    await send();
    if (heard !== count) throw new Error(`${heard} packets arrived of ${count}`);
  });
  await near.close();
  await far.ended;
  const isLarge = packetBytes > 100;
  return {
    package: 'ppp',
    name: `link to link over memory, ${packetBytes} octets`,
    value: isLarge ? totalBytes / seconds / 1e6 : count / seconds,
    unit: isLarge ? 'MB/s per core' : 'packets/s per core',
    against: '',
    ratio: null,
    target: { of: 'value', atLeast: isLarge ? 50 : 200_000 },
  };
}

/** LCP, PAP and IPCP from nothing to an address. */
export async function establishmentRow(rounds: number): Promise<BenchRow> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { dte, dce } = memoryPair();
    const near = new PppLink(dte, { user: 'u', password: 'p' });
    const far = new PppLink(dce, { role: 'server', auth: 'pap', verify: () => 'p', peerAddress: '10.0.0.2' });
    const startMs = performance.now();
    void far.open();
    await near.open();
    times.push(performance.now() - startMs);
    await near.close();
    await far.close({ signal: AbortSignal.abort() });
  }
  return {
    package: 'ppp',
    name: 'establishment with PAP over memory',
    value: median(times),
    unit: 'ms',
    against: '',
    ratio: null,
    target: { of: 'value', atMost: 5 },
  };
}
