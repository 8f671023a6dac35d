import { concatBytes, fromHex, latin1, memoryPair, toHex } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AdvancedDeframer } from './core/advanced-deframer.ts';
import { addressOf, advancedFrameLimit, encodeAdvanced } from './core/frame-encoder.ts';
import type { DlcPort } from './dlc-port.ts';
import { Multiplexer } from './multiplexer.ts';

const FLOW = [0x11, 0x13, 0x91, 0x93];

function encode(dlci: number, control: number, info: Uint8Array): Uint8Array {
  const out = new Uint8Array(advancedFrameLimit(info.length));
  return out.slice(0, encodeAdvanced(out, 0, addressOf(dlci, 1), control, info, 0, info.length, true));
}

const octet = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(...FLOW, 0x7e, 0x7d, 0x31, 0x33, 0xb1, 0xb3));
const info = fc.array(octet, { maxLength: 64 }).map((octets) => Uint8Array.from(octets));

describe('a line with XON and XOFF', () => {
  it('carries neither inside a frame, wherever in it they would stand', () => {
    // DLCI 4 with C/R = 0 has the address octet 11; some FCS octets are 11, 13, 91 or 93 as well.
    let stuffedFcs = 0;
    for (let dlci = 0; dlci <= 61; dlci++) {
      for (let value = 0; value < 256; value++) {
        const frame = encode(dlci, 0x03, Uint8Array.of(value));
        expect([...frame].some((one) => FLOW.includes(one))).toBe(false);
        if (frame[frame.length - 3] === 0x7d && FLOW.includes((frame[frame.length - 2] as number) ^ 0x20)) stuffedFcs++;
      }
    }
    expect(stuffedFcs).toBeGreaterThan(100);
    expect(toHex(encode(1, 0xef, Uint8Array.from(FLOW)), ' ')).toContain('7D 31 7D 33 7D B1 7D B3');
  });

  it('may put them anywhere: each is told, and no frame is touched', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 61 }), fc.constantFrom(0xef, 0x03), info), { maxLength: 8 }),
        fc.array(fc.tuple(fc.nat(), fc.constantFrom(...FLOW)), { maxLength: 12 }),
        fc.integer({ min: 1, max: 40 }),
        (frames, put, size) => {
          const stream = [...concatBytes(frames.map(([dlci, control, octets]) => encode(dlci, control, octets)))];
          for (const [place, flow] of put) stream.splice(place % (stream.length + 1), 0, flow);
          const got: string[] = [];
          const flows: number[] = [];
          const deframer = new AdvancedDeframer(
            {
              frame: (bytes, address, control, start, end) =>
                got.push(`${address >> 2}.${control}.${toHex(bytes.subarray(start, end))}`),
              noise: () => undefined,
            },
            { n1: 64, softwareFlow: true, onFlowOctet: (one) => flows.push(one) },
          );
          for (let at = 0; at < stream.length; at += size)
            deframer.receive(Uint8Array.from(stream.slice(at, at + size)));
          expect(got).toEqual(frames.map(([dlci, control, octets]) => `${dlci}.${control}.${toHex(octets)}`));
          expect(flows).toEqual(stream.filter((one) => FLOW.includes(one)));
        },
      ),
    );
  });

  interface Ends {
    readonly clock: VirtualClock;
    readonly host: Multiplexer;
    readonly port: DlcPort;
    readonly say: (hex: string) => Promise<void>;
    readonly heard: () => string;
  }

  async function ends(): Promise<Ends> {
    const clock = new VirtualClock();
    const pair = memoryPair();
    const options = { clock, option: 'advanced', softwareFlow: true } as const;
    const host = new Multiplexer(pair.dte, options);
    const module = new Multiplexer(pair.dce, { ...options, role: 'responder' });
    void module.start();
    await clock.run(host.start());
    const port = await clock.run(host.open(1));
    await clock.advance(10);
    let text = '';
    module.ports.get(1)?.received$.subscribe((chunk) => (text += Buffer.from(chunk).toString('latin1')));
    const say = async (hex: string): Promise<void> => {
      await pair.dce.send(fromHex(hex) as Uint8Array);
      await clock.advance(0);
    };
    return { clock, host, port, say, heard: () => text };
  }

  it.each([
    ['13', '11'],
    ['93', '91'],
  ])('is obeyed: %s stops all, %s lets it go on', async (xoff, xon) => {
    const { clock, host, port, say, heard } = await ends();
    await say(xoff);
    const sent = port.send(latin1('held'));
    const tested = host.test();
    await clock.advance(1500);
    expect(heard()).toBe('');
    expect(host.counters.lineStops).toBe(1);
    await say(xon);
    await clock.run(sent);
    // T2 has run out meanwhile, but nothing could be answered.
    await clock.run(tested);
    expect(heard()).toBe('held');
    expect(host.counters.controlRetransmissions).toBe(0);
  });

  it('does not stand still for good for an octet that only looked like XOFF', async () => {
    const { clock, port, say, heard } = await ends();
    await say('13');
    const began = clock.now();
    await clock.run(port.send(latin1('on its way')));
    expect(clock.now() - began).toBe(2000);
    await clock.advance(10);
    expect(heard()).toBe('on its way');
  });
});
