import { AtClient, HE863_AT_PROFILE } from '@cellmux/at';
import { pacedLine, type Clock, type Port } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { IpEasy } from '../src/index.ts';
import { ScriptedModule, type Peer } from '../test/scripted-module.ts';

/** One row of the table of benches. */
export interface BenchRow {
  readonly package: 'ipeasy';
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What the value is compared with. */
  readonly against: string;
  /** The value as a share of it. */
  readonly ratio: number;
}

/** What lies between the AT client and the line. */
export interface Transport {
  readonly name: string;
  /** Octets on the line for one piece of so many octets. */
  readonly lineOctets: (octets: number) => number;
  /** The two ends that AT is spoken on. */
  readonly open: (line: { readonly dte: Port; readonly dce: Port }, clock: Clock) => Promise<{ host: Port; module: Port }>;
}

/** AT on the line itself. */
export const BARE_LINE: Transport = {
  name: 'bare line',
  lineOctets: (octets) => octets,
  open: ({ dte, dce }) => Promise.resolve({ host: dte, module: dce }),
};

const BITS_PER_OCTET = 10;
const READ_BYTES = 1500;
const TOTAL_BYTES = 120_000;

/**
 * Goodput of IP Easy sockets over a paced line, in virtual time, beside what the commands and the line allow:
 * for each 1500 octets, `AT#SRECV=1,1500` up, header, data and OK down, and the pause behind a result; online, data and
 * nothing else.
 */
export async function benchIpEasy(
  transport: Transport = BARE_LINE,
  baudRates: readonly number[] = [115_200, 460_800, 921_600],
): Promise<readonly BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const baudRate of baudRates) {
    for (const [mode, sockets] of [
      ['command', 1],
      ['command', 6],
      ['online', 1],
    ] as const) {
      for (const direction of ['down', 'up'] as const) {
        rows.push(await measure(transport, baudRate, mode, sockets, direction));
      }
    }
  }
  return rows;
}

async function measure(
  transport: Transport,
  baudRate: number,
  mode: 'command' | 'online',
  sockets: number,
  direction: 'down' | 'up',
): Promise<BenchRow> {
  const clock = new VirtualClock();
  const line = pacedLine({ clock, baudRate });
  const opening = transport.open(line, clock);
  const { host, module: moduleEnd } = await clock.run(opening);
  const peers: Peer[] = [];
  new ScriptedModule(moduleEnd, {
    clock,
    windowBytes: 16_384,
    sendTest: '(1-6),(1-1500)',
    onConnect: (peer) => void peers.push(peer),
  });
  const at = new AtClient(host, { clock, profile: HE863_AT_PROFILE });
  const ipEasy = new IpEasy([at], { clock, watchMs: Infinity });
  const open = [];
  for (let index = 0; index < sockets; index++) {
    open.push(await clock.run(ipEasy.connect({ host: '192.0.2.1', port: 80, mode })));
  }
  const share = TOTAL_BYTES / sockets;
  const startMs = clock.now();
  let moved = 0;
  let endMs = startMs;
  const arrived = (octets: number): void => {
    moved += octets;
    endMs = clock.now();
  };
  for (const [index, socket] of open.entries()) {
    const peer = peers[index] as Peer;
    if (direction === 'down') {
      socket.on('data', (chunk: Buffer) => {
        arrived(chunk.length);
      });
      peer.send(Buffer.alloc(share, 0x55));
    } else {
      peer.onReceived = (bytes) => {
        arrived(bytes.length);
      };
      socket.write(Buffer.alloc(share, 0x55));
    }
  }
  while (moved < TOTAL_BYTES) await clock.advance(5);
  const goodput = (TOTAL_BYTES * 1000) / (endMs - startMs);
  const allowed = allowedBytesPerSecond(transport, baudRate, mode, direction);
  await clock.run(ipEasy.close());
  await clock.run(Promise.all([at.close(), host.close()]));
  const lineShare = (goodput * BITS_PER_OCTET * 100) / baudRate;
  return {
    package: 'ipeasy',
    name: `${direction}, ${mode} mode, ${sockets} ${sockets === 1 ? 'socket' : 'sockets'}, ${baudRate} Bd, ${transport.name} (${lineShare.toFixed(1)} % of the line)`,
    value: Math.round(goodput),
    unit: 'B/s',
    against: `${Math.round(allowed)} B/s that the commands allow`,
    ratio: Number((goodput / allowed).toFixed(4)),
  };
}

/** The arithmetic of the best possible: commands, answers and data one after the other, nothing else. */
export function allowedBytesPerSecond(
  { lineOctets }: Transport,
  baudRate: number,
  mode: 'command' | 'online',
  direction: 'down' | 'up',
): number {
  const perOctetMs = (BITS_PER_OCTET * 1000) / baudRate;
  if (mode === 'online') return (READ_BYTES * 1000) / (lineOctets(READ_BYTES) * perOctetMs);
  const exchange =
    direction === 'down'
      ? ['AT#SRECV=1,1500\r'.length, '\r\n#SRECV: 1,1500\r\n'.length + READ_BYTES + '\r\n\r\nOK\r\n'.length]
      : ['AT#SSENDEXT=1,1500\r'.length, '\r\n> '.length, READ_BYTES, '\r\nOK\r\n'.length];
  const octets = exchange.reduce((sum, piece) => sum + lineOctets(piece), 0);
  return (READ_BYTES * 1000) / (octets * perOctetMs + HE863_AT_PROFILE.resultGapMs);
}
