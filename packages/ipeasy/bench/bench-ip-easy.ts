import { AtClient, HE863_AT_PROFILE } from '@cellmux/at';
import { pacedLine, type Clock, type Port } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import type { BenchRow } from '../../port/bench/index.ts';
import { IpEasy, type IpEasySocket } from '../src/index.ts';
import { ScriptedModule, type Peer } from '../test/scripted-module.ts';

/** What lies between the AT client and the line. */
export interface Transport {
  readonly name: string;
  /** Octets on the line for one piece of so many octets. */
  readonly lineOctets: (octets: number) => number;
  /** The two ends that AT is spoken on. */
  readonly open: (
    line: { readonly dte: Port; readonly dce: Port },
    clock: Clock,
    baudRate: number,
  ) => Promise<{ host: Port; module: Port }>;
}

/** AT on the line itself. */
export const BARE_LINE: Transport = {
  name: 'bare line',
  lineOctets: (octets) => octets,
  open: ({ dte, dce }) => Promise.resolve({ host: dte, module: dce }),
};

/** One thing to measure. */
export interface GoodputCase {
  readonly baudRate: number;
  readonly mode: 'command' | 'online';
  readonly sockets: 1 | 6;
  readonly direction: 'down' | 'up';
}

/** The best possible, and how it comes about. */
export interface Allowed {
  readonly bytesPerSecond: number;
  readonly arithmetic: string;
}

/** 8N1. */
const BITS_PER_OCTET = 10;
/** What one command moves. */
const PIECE_BYTES = 1500;
/** What the sockets move together; and each of six streams that have the port in turn, so that dialling weighs little. */
const TOTAL_BYTES = 120_000;
const STREAM_BYTES = 120_000;
const BAUD_RATES: readonly number[] = [115_200, 460_800, 921_600];
const HOST = '192.0.2.1';

/**
 * Goodput of IP Easy sockets over a paced line, in virtual time, beside what the commands and the line allow. A target is
 * 95 % of that; the rest would be ours.
 */
export async function* benchIpEasy(
  transport: Transport = BARE_LINE,
  baudRates: readonly number[] = BAUD_RATES,
): AsyncGenerator<BenchRow> {
  for (const baudRate of baudRates) {
    for (const mode of ['command', 'online'] as const) {
      for (const sockets of [1, 6] as const) {
        for (const direction of ['down', 'up'] as const) {
          yield await goodputRow(transport, { baudRate, mode, sockets, direction });
        }
      }
    }
  }
}

async function goodputRow(transport: Transport, goodputCase: GoodputCase): Promise<BenchRow> {
  const { baudRate, mode, sockets, direction } = goodputCase;
  const goodput = await measure(transport, goodputCase);
  const { bytesPerSecond, arithmetic } = allowed(transport, goodputCase);
  const share = ((goodput * BITS_PER_OCTET * 100) / baudRate).toFixed(1);
  const together = sockets === 1 ? '1 socket' : mode === 'online' ? '6 sockets in turn' : '6 sockets';
  return {
    package: 'ipeasy',
    name: `${direction}, ${mode} mode, ${together}, ${baudRate} Bd, ${transport.name}: ${share} % of the line`,
    value: goodput,
    unit: 'B/s',
    against: `${Math.round(bytesPerSecond)} B/s allowed: ${arithmetic}`,
    ratio: goodput / bytesPerSecond,
    target: { of: 'ratio', atLeast: 0.95 },
  };
}

/** Octets a second, from the first moment something could move to the last octet. */
async function measure(transport: Transport, goodputCase: GoodputCase): Promise<number> {
  const { baudRate, mode, sockets, direction } = goodputCase;
  const clock = new VirtualClock();
  const line = pacedLine({ clock, baudRate });
  const { host, module: moduleEnd } = await clock.run(transport.open(line, clock, baudRate));
  const share = shareOf(goodputCase);
  const total = share * sockets;
  let moved = 0;
  let endMs = 0;
  const arrived = (octets: number): void => {
    moved += octets;
    endMs = clock.now();
  };
  const peers: Peer[] = [];
  new ScriptedModule(moduleEnd, {
    clock,
    windowBytes: 16_384,
    sendTest: '(1-6),(1-1500)',
    onConnect: (peer) => {
      peers.push(peer);
      let taken = 0;
      peer.onReceived = (bytes) => {
        arrived(bytes.length);
        taken += bytes.length;
        if (taken === share) peer.end();
      };
    },
    more: (command, io) => {
      const probe = HE863_AT_PROFILE.probes.find((one) => one.line === command);
      if (probe !== undefined) io.answer([probe.answer]);
      return probe !== undefined;
    },
  });
  const at = new AtClient(host, { clock, profile: HE863_AT_PROFILE });
  const ipEasy = new IpEasy([at], { clock, watchMs: Infinity, askAddresses: false });
  await clock.run(ipEasy.prepare());
  const connect = (): Promise<IpEasySocket> => ipEasy.connect({ host: HOST, port: 80, mode });
  const begin = (socket: IpEasySocket, peer: Peer): void => {
    socket.on('data', (chunk: Buffer) => void arrived(chunk.length));
    if (direction === 'up') socket.end(Buffer.alloc(share, 0x55));
    else {
      // Who has the port online frees it for the next one by ending.
      socket.on('end', () => void socket.end());
      peer.send(Buffer.alloc(share, 0x55));
      peer.end();
    }
  };
  let startMs = clock.now();
  if (areInTurn(goodputCase)) {
    for (let index = 0; index < sockets; index++) {
      void connect().then((socket) => {
        begin(socket, peers.at(-1) as Peer);
      });
    }
  } else {
    const open = await clock.run(Promise.all(Array.from({ length: sockets }, connect)));
    startMs = clock.now();
    for (const [index, socket] of open.entries()) begin(socket, peers[index] as Peer);
  }
  while (moved < total) await clock.advance(5);
  await clock.run(ipEasy.close());
  await clock.run(Promise.all([at.close(), host.close()]));
  return (total * 1000) / (endMs - startMs);
}

/** One port carries one stream at a time: six dial on it one after another, so that the dials are part of the time. */
function areInTurn({ mode, sockets }: GoodputCase): boolean {
  return mode === 'online' && sockets > 1;
}

/** Octets that each socket moves. */
function shareOf(goodputCase: GoodputCase): number {
  return areInTurn(goodputCase) ? STREAM_BYTES : TOTAL_BYTES / goodputCase.sockets;
}

/**
 * The best possible: commands, answers and data one after the other, the pause that AT asks for behind a result, and
 * nothing else. Online, a stream is its data and nothing else; six in turn dial each, and wait for the end of the one
 * before.
 */
export function allowed({ lineOctets }: Transport, goodputCase: GoodputCase): Allowed {
  const { baudRate, mode, direction } = goodputCase;
  const octetUs = (BITS_PER_OCTET * 1e6) / baudRate;
  const isStream = mode === 'online';
  const payload = isStream ? shareOf(goodputCase) : PIECE_BYTES;
  const dial = [`AT#SD=1,0,80,"${HOST}"\r`.length, '\r\nCONNECT\r\n'.length, '\r\nNO CARRIER\r\n'.length];
  const read = ['AT#SRECV=1,1500\r'.length, '\r\n#SRECV: 1,1500\r\n'.length + payload + '\r\n\r\nOK\r\n'.length];
  const write = ['AT#SSENDEXT=1,1500\r'.length, '\r\n> '.length, payload, '\r\nOK\r\n'.length];
  const pieces = isStream ? [payload, ...(areInTurn(goodputCase) ? dial : [])] : direction === 'down' ? read : write;
  const octets = pieces.reduce((sum, piece) => sum + lineOctets(piece), 0);
  const gapMs = isStream && !areInTurn(goodputCase) ? 0 : HE863_AT_PROFILE.resultGapMs;
  const gap = gapMs === 0 ? '' : ` + ${gapMs} ms`;
  return {
    bytesPerSecond: (payload * 1e6) / (octets * octetUs + gapMs * 1000),
    arithmetic: `${payload} B ÷ (${octets} octets × ${octetUs.toFixed(2)} µs${gap})`,
  };
}
