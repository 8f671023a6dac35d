import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import vectors from '../vectors/cmux-frames.json' with { type: 'json' };
import { Capture, CAPTURE_INTERFACE_LIMIT, tapPort } from './capture.ts';
import { concatBytes, fromHex, latin1 } from './core/bytes.ts';
import { utf8 } from './core/utf8.ts';
import { captureToFile } from './file/index.ts';
import { memoryPair } from './memory-pair.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

const directory = mkdtempSync(join(tmpdir(), 'cellmux-capture-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

// In CI a missing tshark is a failure, not a skip.
const hasTshark = spawnSync('tshark', ['--version']).status === 0;
if (!hasTshark) process.stdout.write('tshark is missing: apt-get install tshark, for the tests of captures\n');

const hex = (text: string): Uint8Array => fromHex(text) as Uint8Array;

/** The blocks of a file: type and body, after a check of both lengths. */
function blocksOf(file: Uint8Array): { type: number; body: Uint8Array }[] {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const blocks = [];
  for (let at = 0; at < file.length;) {
    const length = view.getUint32(at + 4, true);
    expect(length % 4).toBe(0);
    expect(view.getUint32(at + length - 4, true)).toBe(length);
    blocks.push({ type: view.getUint32(at, true), body: file.subarray(at + 8, at + length - 4) });
    at += length;
  }
  return blocks;
}

function inMemory(options: { clock?: VirtualClock; takes?: (block: Uint8Array) => boolean } = {}) {
  const blocks: Uint8Array[] = [];
  const capture = new Capture({
    clock: options.clock ?? new VirtualClock(),
    startedAtMs: 1_700_000_000_000,
    sink: (block) => {
      if (options.takes?.(block) === false) return false;
      blocks.push(block);
      return true;
    },
  });
  return { capture, file: () => concatBytes(blocks) };
}

describe('Capture', () => {
  test('any records make whole blocks, in order, each packet with its octets', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('cmux', 'ppp', 'at'), fc.boolean(), fc.uint8Array(), fc.option(fc.string()))),
        (records) => {
          const { capture, file } = inMemory();
          const taps = { cmux: capture.tap('cmux'), ppp: capture.tap('ppp'), at: capture.tap('at') };
          for (const [layer, isSent, octets, comment] of records)
            (isSent ? taps[layer as 'at'].sent : taps[layer as 'at'].received)(octets, comment ?? undefined);
          const packets = blocksOf(file()).filter(({ type }) => type === 6);
          expect(packets).toHaveLength(records.length);
          packets.forEach(({ body }, index) => {
            const [, , octets] = records[index] as (typeof records)[number];
            const length = new DataView(body.buffer, body.byteOffset).getUint32(12, true);
            const packet = body.subarray(20, 20 + length);
            expect(packet.subarray(packet.length - octets.length)).toEqual(octets);
          });
          expect(capture).toMatchObject({ recorded: records.length, dropped: 0 });
        },
      ),
    );
  });

  test('what the sink refuses is counted, and the next record and the end say so', () => {
    let room = 2;
    const { capture, file } = inMemory({ takes: (block) => block[0] !== 6 || room-- > 0 });
    const line = capture.tap('at', { name: 'line' });
    for (const text of ['one', 'two', 'three', 'four']) line.sent(latin1(text));
    room = 1;
    line.received(latin1('five'), 'late');
    capture.end();
    expect(capture).toMatchObject({ recorded: 3, dropped: 2 });
    const text = Buffer.from(file()).toString();
    expect(text).toContain('2 records are missing before this one. late');
    const statistics = blocksOf(file()).find(({ type }) => type === 5);
    expect(statistics?.body.subarray(12, 24)).toEqual(hex('0500 0800 0200000000000000'));
  });

  test('has a bound on interfaces', () => {
    const { capture } = inMemory();
    for (let index = 0; index < CAPTURE_INTERFACE_LIMIT; index++) capture.tap('at');
    expect(() => capture.tap('at')).toThrow(/ERR_CAPTURE_FULL/);
  });

  test('a tapped port records what passes', async () => {
    const { capture, file } = inMemory();
    const { dte, dce } = memoryPair();
    const port = tapPort(dte, capture.tap('at'));
    port.received$.subscribe();
    await port.send(latin1('AT\r'));
    await dce.send(latin1('\r\nOK\r\n'));
    await port.close();
    expect(capture.recorded).toBe(2);
    expect(Buffer.from(file()).includes('\r\nOK\r\n')).toBe(true);
  });

  test('UTF-8 is that of the platform', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(Buffer.from(text).equals(utf8(text))).toBe(true);
      }),
    );
    expect(Buffer.from(utf8('a\ud800b'))).toEqual(Buffer.from('a\ufffdb'));
  });
});

describe('captureToFile', () => {
  test('writes what was recorded, for the owner only', async () => {
    const path = join(directory, 'a.pcapng');
    const capture = await captureToFile(path);
    const line = capture.capture.tap('cmux', { name: 'line' });
    for (let index = 0; index < 1000; index++) line.sent(hex('F9 03 3F 01 1C F9'));
    await capture.close();
    await capture.close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(blocksOf(readFileSync(path)).filter(({ type }) => type === 6)).toHaveLength(1000);
    line.sent(hex('F9'));
    expect(capture.capture.dropped).toBe(1);
  });

  test('keeps no more than its bound, of memory and of the file', async () => {
    const path = join(directory, 'b.pcapng');
    await using capture = await captureToFile(path, { pendingLimitBytes: 8192, fileLimitBytes: 20_000 });
    const line = capture.capture.tap('at');
    for (let index = 0; index < 100; index++) line.sent(new Uint8Array(1000));
    expect(capture.capture.recorded).toBe(7);
    for (let round = 0; round < 30; round++) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      line.sent(new Uint8Array(1000));
    }
    await capture.close();
    expect(statSync(path).size).toBeLessThan(20_200);
    expect(capture.capture.recorded).toBeGreaterThan(15);
    const written = blocksOf(readFileSync(path)).filter(({ type }) => type === 6).length;
    expect(capture.capture).toMatchObject({ recorded: written, dropped: 130 - written });
  });

  test('says why a file cannot be made or written', async () => {
    await expect(captureToFile(join(directory, 'no', 'c.pcapng'))).rejects.toMatchObject({ code: 'ERR_CAPTURE_FILE' });
    await expect(captureToFile(join(directory, 'c'), { pendingLimitBytes: 1 })).rejects.toMatchObject({
      code: 'ERR_OPTION_RANGE',
    });
    const full = await captureToFile('/dev/full');
    full.capture.tap('at').sent(latin1('AT'));
    await expect(full.close()).rejects.toMatchObject({ code: 'ERR_CAPTURE_FILE', context: { reason: 'ENOSPC' } });
  });
});

describe.runIf(hasTshark || process.env['CI'] !== undefined)('tshark', () => {
  const show = (path: string, ...fields: string[]): string[][] =>
    execFileSync('tshark', ['-r', path, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .toString()
      .replace(/\n$/, '')
      .split('\n')
      .map((line) => line.split('\t'));

  test('reads every frame of 27.010 with its fields, and finds the FCS good', () => {
    const { capture, file } = inMemory();
    const line = capture.tap('cmux', { name: 'line' });
    for (const frame of vectors.frames) line.sent(hex(frame.hex));
    line.received(hex('F9 03 3F 01 1D F9'));
    const path = join(directory, 'frames.pcapng');
    writeFileSync(path, file());
    const shown = show(path, 'mux27010.address.dlciaddress', 'mux27010.direction', 'mux27010.checksum_correct');
    const frames = shown.map(([dlci, direction, good]) => [Number(dlci), Number(direction), good === '1' ? 1 : 0]);
    expect(frames).toEqual([...vectors.frames.map(({ dlci }) => [dlci, 0, 1]), [0, 1, 0]]);
  });

  test('reads PPP with directions, AT text, names, times and comments', async () => {
    const clock = new VirtualClock();
    const { capture, file } = inMemory({ clock });
    const ppp = capture.tap('ppp', { name: 'DLCI 1' });
    const at = capture.tap('at', { name: 'DLCI 3' });
    const module = capture.tap('cmux', { name: 'module', role: 'dce' });
    ppp.sent(hex('FF 03 C0 21 01 01 00 08 01 04 05 DC'), 'a Configure-Request, ü');
    await clock.advance(1.5);
    ppp.received(hex('FF 03 C0 21 02 01 00 08 01 04 05 DC'));
    at.sent(latin1('AT+CSQ\r'));
    module.sent(hex('F9 03 73 01 D7 F9'));
    const path = join(directory, 'layers.pcapng');
    writeFileSync(path, file());
    const shown = show(
      path,
      'frame.interface_name',
      'frame.time_epoch',
      'frame.packet_flags_direction',
      'frame.comment',
      'ppp.direction',
      'ppp.identifier',
      'ppp.fcs.status',
      'mux27010.direction',
      'frame.protocols',
    );
    expect(shown.map((fields) => fields.slice(0, 9))).toEqual([
      ['DLCI 1', '1700000000.000000000', '0x00000002', 'a Configure-Request, ü', '0', '1', '', '', 'ppp:lcp'],
      ['DLCI 1', '1700000000.001500000', '0x00000001', '', '1', '1', '', '', 'ppp:lcp'],
      ['DLCI 3', '1700000000.001500000', '0x00000002', '', '', '', '', '', 'user_dlt:data'],
      ['module', '1700000000.001500000', '0x00000002', '', '', '', '', '0x01', 'mux27010'],
    ]);
  });
});
