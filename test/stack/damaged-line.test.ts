import { Multiplexer, type DlcPort } from '@cellmux/cmux';
import { concatBytes, faultyLine, memoryPair, type Port } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const DLCIS = [1, 2, 3] as const;

interface Ends {
  readonly clock: VirtualClock;
  readonly host: Multiplexer;
  readonly hostPorts: Map<number, DlcPort>;
  readonly modulePorts: Map<number, DlcPort>;
}

/** Two multiplexers on a line, three DLCs open, and what each port has delivered so far. */
async function open(clock: VirtualClock, hostLine: Port, moduleLine: Port): Promise<Ends> {
  const host = new Multiplexer(hostLine, { clock, n1: 127 });
  const module = new Multiplexer(moduleLine, { clock, role: 'responder', n1: 127 });
  const modulePorts = new Map<number, DlcPort>();
  module.incoming$.subscribe((port) => modulePorts.set(port.dlci, port));
  await clock.run(Promise.all([host.start(), module.start()]));
  const hostPorts = new Map<number, DlcPort>();
  for (const dlci of DLCIS) hostPorts.set(dlci, await clock.run(host.open(dlci)));
  await clock.advance(1000);
  return { clock, host, hostPorts, modulePorts };
}

function collect(ports: Map<number, DlcPort>): Map<number, Uint8Array[]> {
  const got = new Map<number, Uint8Array[]>();
  for (const [dlci, port] of ports) {
    const chunks: Uint8Array[] = [];
    got.set(dlci, chunks);
    port.received$.subscribe((chunk) => chunks.push(chunk));
  }
  return got;
}

const payload = fc.uint8Array({ minLength: 1, maxLength: 700 });
const traffic = fc.array(fc.record({ dlci: fc.constantFrom(...DLCIS), up: fc.boolean(), bytes: payload }), {
  minLength: 1,
  maxLength: 12,
});

describe('three ports on one line', () => {
  it('deliver the same bytes however the line cuts them', async () => {
    await fc.assert(
      fc.asyncProperty(traffic, fc.integer({ min: 1, max: 2 ** 31 - 1 }), async (messages, seed) => {
        const clock = new VirtualClock();
        const line = faultyLine({ clock, seed, baudRate: 921_600, faults: { rechunk: true } });
        const { hostPorts, modulePorts } = await open(clock, line.dte, line.dce);
        const [atHost, atModule] = [collect(hostPorts), collect(modulePorts)];
        const sends = messages.map(({ dlci, up, bytes }) => (up ? hostPorts : modulePorts).get(dlci)!.send(bytes));
        await clock.run(Promise.all(sends));
        await clock.advance(2000);
        for (const dlci of DLCIS) {
          const sent = (up: boolean): Uint8Array =>
            concatBytes(
              messages.filter((message) => message.dlci === dlci && message.up === up).map(({ bytes }) => bytes),
            );
          expect(concatBytes(atModule.get(dlci)!)).toEqual(sent(true));
          expect(concatBytes(atHost.get(dlci)!)).toEqual(sent(false));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('all go on after any one octet of the line was flipped, lost or doubled', async () => {
    const damage = fc.record({
      up: fc.boolean(),
      at: fc.integer({ min: 0, max: 2500 }),
      kind: fc.constantFrom('flip', 'drop', 'double', 'insert' as const),
      octet: fc.integer({ min: 1, max: 255 }),
    });
    await fc.assert(
      fc.asyncProperty(traffic, damage, async (messages, { up, at, kind, octet }) => {
        const clock = new VirtualClock();
        const [hostSide, moduleSide] = [memoryPair(), memoryPair()];
        let passed = -Infinity;
        const relay = (from: Port, to: Port, isDamaged: boolean): void => {
          from.received$.subscribe((chunk) => {
            const index = at - passed;
            passed += isDamaged ? chunk.length : 0;
            if (!isDamaged || !(index >= 0 && index < chunk.length)) {
              void to.send(chunk);
              return;
            }
            const there = chunk[index]!;
            const instead = { flip: [there ^ octet], drop: [], double: [there, there], insert: [octet, there] }[kind];
            void to.send(concatBytes([chunk.subarray(0, index), Uint8Array.from(instead), chunk.subarray(index + 1)]));
          });
        };
        relay(hostSide.dce, moduleSide.dte, up);
        relay(moduleSide.dte, hostSide.dce, !up);
        const { hostPorts, modulePorts } = await open(clock, hostSide.dte, moduleSide.dce);
        const [atHost, atModule] = [collect(hostPorts), collect(modulePorts)];
        passed = 0;
        const sends = messages.map((message) =>
          (message.up ? hostPorts : modulePorts).get(message.dlci)!.send(message.bytes),
        );
        await clock.run(Promise.all(sends));
        await clock.advance(10_000);
        const marker = Uint8Array.from({ length: 300 }, (_, index) => index);
        for (const got of [atHost, atModule]) for (const chunks of got.values()) chunks.length = 0;
        for (const ports of [hostPorts, modulePorts]) {
          for (const dlci of DLCIS) await clock.run(ports.get(dlci)!.send(marker));
        }
        await clock.advance(10_000);
        // Short traffic meets its damage only in this marker; the next one has to arrive whole.
        passed = Infinity;
        for (const got of [atHost, atModule]) for (const chunks of got.values()) chunks.length = 0;
        for (const ports of [hostPorts, modulePorts]) {
          for (const dlci of DLCIS) await clock.run(ports.get(dlci)!.send(marker));
        }
        await clock.advance(10_000);
        for (const got of [atHost, atModule]) {
          for (const dlci of DLCIS) expect(concatBytes(got.get(dlci)!), `DLCI ${dlci}`).toEqual(marker);
        }
      }),
      { numRuns: 150 },
    );
  });
});
