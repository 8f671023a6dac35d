import { AtClient, HE863_AT_PROFILE } from '@cellmux/at';
import { Multiplexer, type MultiplexerOptions } from '@cellmux/cmux';
import { IpEasy, type IpEasySocket } from '@cellmux/ipeasy';
import { faultyLine, type LineFaults } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { ScriptedModule, type Peer } from '../../packages/ipeasy/test/scripted-module.ts';
import { encodeRecord, RECORD_PAYLOAD_BYTES, RecordReader } from './checked-record.ts';
import { testBytes } from './module-setup.ts';

const SOCKETS = 6;
const BYTES = 1 << 20;
const FIRST_PORT = 80;

/** One end of an exchange: what it sends, and what of the other's it has, record by record, each checked. */
class End {
  readonly #outgoing: Buffer;
  readonly received = Buffer.alloc(BYTES);
  arrived = 0;

  constructor(outgoing: Buffer) {
    this.#outgoing = outgoing;
  }

  get isComplete(): boolean {
    return this.arrived === BYTES;
  }

  /** Says from where on the other side is to send. */
  hello(): Buffer {
    return encodeRecord({ kind: 0, offset: this.arrived, payload: Buffer.alloc(0) });
  }

  /**
   * Takes what came; a hello is answered with everything from there on.
   *
   * @throws DamagedRecord, or Error for a record that belongs elsewhere.
   */
  take(reader: RecordReader, chunk: Uint8Array, send: (bytes: Buffer) => void): void {
    for (const { kind, offset, payload } of reader.read(chunk)) {
      if (kind === 1) {
        if (offset !== this.arrived) throw new Error(`a record for ${offset} at ${this.arrived}`);
        payload.copy(this.received, offset);
        this.arrived += payload.length;
        continue;
      }
      for (let from = offset; from < BYTES; from += RECORD_PAYLOAD_BYTES) {
        const part = this.#outgoing.subarray(from, from + RECORD_PAYLOAD_BYTES);
        send(encodeRecord({ kind: 1, offset: from, payload: part }));
      }
    }
  }
}

interface Outcome {
  /** Why connections ended before everything was there, as the program was told. */
  readonly reasons: readonly string[];
  readonly connections: number;
  /** Octets of the line that were flipped or dropped. */
  readonly damagedOctets: number;
}

/** Six sockets on virtual port 2; whatever ends before its end is opened again and goes on where it was. */
async function exchange(
  options: MultiplexerOptions,
  open: NonNullable<Parameters<Multiplexer['open']>[1]>,
  faults: Partial<LineFaults>,
  seed: number,
): Promise<Outcome> {
  const clock = new VirtualClock();
  const line = faultyLine({ clock, baudRate: 8_000_000, seed });
  const host = new Multiplexer(line.dte, { ...options, clock });
  const responder = new Multiplexer(line.dce, { ...options, clock, role: 'responder' });
  const incoming = firstValueFrom(responder.incoming$);
  await clock.run(Promise.all([responder.start(), host.start()]));
  const port = await clock.run(host.open(2, open));

  const bodies = Array.from({ length: SOCKETS }, (_, index) => [
    testBytes(BYTES, 2 * index),
    testBytes(BYTES, 2 * index + 1),
  ]);
  const near = bodies.map(([up]) => new End(up as Buffer));
  const far = bodies.map(([, down]) => new End(down as Buffer));
  const reasons: string[] = [];
  let connections = 0;

  const serve = (peer: Peer): void => {
    connections++;
    const end = far[peer.port - FIRST_PORT] as End;
    const reader = new RecordReader();
    let isOver = false;
    peer.send(end.hello());
    peer.onReceived = (bytes) => {
      if (isOver) return;
      try {
        end.take(reader, bytes, (record) => {
          peer.send(record);
        });
      } catch (error) {
        isOver = true;
        reasons.push(`server: ${(error as Error).message}`);
        peer.end();
      }
    };
  };
  new ScriptedModule(await incoming, { clock, windowBytes: 16_384, sendTest: '(1-6),(1-1500)', onConnect: serve });
  const at = new AtClient(port, { clock, profile: { ...HE863_AT_PROFILE, resultGapMs: 0 } });
  const ipEasy = new IpEasy([at], { clock });
  await clock.run(ipEasy.prepare());
  line.setFaults(faults);

  /** One connection, as far as it gets. */
  const attempt = async (index: number, socket: IpEasySocket): Promise<void> => {
    const [client, server] = [near[index] as End, far[index] as End];
    const reader = new RecordReader();
    let error: unknown;
    socket.write(client.hello());
    socket.on('error', (reason) => (error = reason));
    socket.on('data', (chunk: Buffer) => {
      try {
        client.take(reader, chunk, (record) => void socket.write(record));
      } catch (reason) {
        socket.destroy(reason as Error);
      }
    });
    const closed = new Promise<void>((resolve) =>
      socket.once('close', () => {
        resolve();
      }),
    );
    while (!socket.destroyed && !(client.isComplete && server.isComplete)) {
      await Promise.race([closed, new Promise<void>((resolve) => void clock.after(1000, resolve))]);
    }
    socket.destroy();
    await closed;
    if (error !== undefined) reasons.push(String((error as { code?: string }).code ?? (error as Error).message));
    // Without an error here, it was the server that found something, and said it.
    else if (!(client.isComplete && server.isComplete))
      expect(reasons.some((reason) => reason.startsWith('server'))).toBe(true);
  };
  await clock.run(
    Promise.all(
      near.map(async (client, index) => {
        while (!client.isComplete || far[index]?.isComplete !== true) {
          try {
            await attempt(index, await ipEasy.connect({ host: 'files.example', port: FIRST_PORT + index }));
          } catch (error) {
            const { code = '' } = error as { code?: string };
            if (!code.startsWith('ERR_IPEASY_')) throw error;
            reasons.push(code);
          }
        }
      }),
    ),
    10 * 3_600_000,
  );
  for (const [index, [up, down]] of bodies.entries()) {
    expect(far[index]?.received.equals(up as Buffer), `socket ${index}, to the peer`).toBe(true);
    expect(near[index]?.received.equals(down as Buffer), `socket ${index}, from the peer`).toBe(true);
  }
  line.setFaults({ dropRate: 0, flipRate: 0 });
  await clock.run(ipEasy.close());
  const { dteToDce, dceToDte } = line.stats;
  const damagedOctets = dteToDce.flipped + dteToDce.dropped + dceToDte.flipped + dceToDte.dropped;
  return { reasons, connections, damagedOctets };
}

describe('six sockets at once, 1 MiB each way, every octet compared, on a line that drops and flips', () => {
  it(
    'basic option: what its check does not cover is found at the end, and nothing is silent',
    { timeout: 180_000 },
    async () => {
      const outcome = await exchange({ n1: 127 }, {}, { dropRate: 5e-7, flipRate: 1e-6 }, 3);
      expect(outcome.damagedOctets).toBeGreaterThan(5);
      expect(outcome.connections).toBeGreaterThan(SOCKETS);
      // Both by whoever checks, and by the library where octets are missing.
      expect(outcome.reasons.some((reason) => reason.includes('check value'))).toBe(true);
      expect(outcome.reasons.some((reason) => reason.startsWith('ERR_IPEASY_'))).toBe(true);
    },
  );

  it('error-recovery mode: the multiplexer repeats it, and no socket hears of it', { timeout: 180_000 }, async () => {
    const options = { option: 'advanced', n1: 1024, n2: 50, baudRate: 8_000_000 } as const;
    const outcome = await exchange(options, { frameType: 'I', k: 7 }, { dropRate: 2e-6, flipRate: 2e-6 }, 3);
    expect(outcome.damagedOctets).toBeGreaterThan(20);
    expect([outcome.connections, outcome.reasons]).toEqual([SOCKETS, []]);
  });
});
