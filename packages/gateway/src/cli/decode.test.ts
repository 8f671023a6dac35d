import { addressOf, CONTROL, encodeBasicFrame, Multiplexer } from '@cellmux/cmux';
import { Capture, concatBytes, memoryPair } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { main } from './main.ts';

const folder = mkdtempSync(join(tmpdir(), 'cellmux-decode-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const path = (name: string): string => join(folder, name);

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function decode(args: readonly string[], stdin: readonly string[] = []): Promise<Run> {
  const written = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr'): Writable =>
    new Writable({
      write(chunk: Buffer, _, done) {
        written[name] += chunk.toString();
        done();
      },
    });
  const streams = { stdin: Readable.from(stdin), stdout: sink('stdout'), stderr: sink('stderr'), env: {} };
  const code = await main(['decode', ...args], streams, new AbortController().signal);
  return { code, ...written };
}

/** Each frame of the standard's vectors, as a line of its own. */
const FRAMES: readonly (readonly [hex: string, words: string])[] = [
  ['F9033F011CF9', 'DLCI 0 C/R=1 SABM P/F=1 FCS 1C'],
  ['F9037301D7F9', 'DLCI 0 C/R=1 UA P/F=1 FCS D7'],
  ['F90F1F01B1F9', 'DLCI 3 C/R=1 DM P/F=1 FCS B1'],
  ['F90753013FF9', 'DLCI 1 C/R=1 DISC P/F=1 FCS 3F'],
  ['F903EF05C301F2F9', 'DLCI 0 C/R=1 UIH P/F=0 FCS F2: CLD command'],
  ['F907EF0541 5430F9', 'DLCI 1 C/R=1 UIH P/F=0 FCS 30: 2 octets 41 54 "AT"'],
];

describe('cellmux decode', () => {
  it('takes digits in any cut: as arguments, on stdin in chunks, with and without what stands between them', async () => {
    const words = FRAMES.map(([, line]) => `${line}\n`).join('');
    const digits = FRAMES.map(([hex]) => hex.replaceAll(' ', '')).join('');
    expect(await decode([digits])).toEqual({ code: 0, stdout: words, stderr: '' });
    for (const size of [1, 2, 3, 7, 64]) {
      const pieces = digits.match(new RegExp(`.{1,${size}}`, 'g')) ?? [];
      expect((await decode([], pieces)).stdout).toBe(words);
      expect((await decode(pieces)).stdout).toBe(words);
      expect((await decode([], [pieces.join(size % 2 === 0 ? ' 0x' : '\n')])).stdout).toBe(words);
    }
  });

  it('names every field of every message of the control channel', async () => {
    const { stdout } = await decode([
      'F903EF0BE307078C1318F9',
      'F903EF1583110100070A4000 0302EEF9',
      'F903EF159311070303001113 7F3FEEF9',
    ]);
    const [msc, pn, rpn] = stdout.split('\n');
    expect(msc).toMatch(/MSC command DLCI 1: FC=0 RTC=1 RTR=1 IC=0 DV=1 .*200 ms/);
    expect(pn).toMatch(/PN command DLCI 1: .*UIH.*/);
    for (const word of ['priority', 'T1', '100 ms', 'N1', '64', 'N2', 'k']) expect(pn).toContain(word);
    for (const word of ['RPN command DLCI 1', '9600', '8']) expect(rpn).toContain(word);
  });

  it('reads the advanced option, and says so in JSON as well', async () => {
    const { stdout } = await decode(['--option', 'advanced', '--json', '7E07EF1234567D5E787D5D057E']);
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'frame', dlci: 1, type: 'UIH', info: '1234567E787D' });
    expect((await decode(['7E07EF1234567D5E787D5D057E'])).stdout).toContain('octets of no frame');
  });

  it('says why a frame is none, and goes on behind it', async () => {
    const { code, stdout } = await decode(['F9033F011DF9', 'F9033F011CF9']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^a damaged frame: FCS is 1D, should be 1C: .*\nDLCI 0 C\/R=1 SABM P\/F=1 FCS 1C\n$/);
    expect((await decode(['F9033F'])).stdout).toMatch(/^the beginning of a frame that does not end: /);
  });

  it.each(['basic', 'advanced'] as const)(
    'shows a capture of a real exchange, %s option, as tshark does',
    async (option) => {
      const clock = new VirtualClock();
      const blocks: Uint8Array[] = [];
      const capture = new Capture({
        clock,
        startedAtMs: 1_700_000_000_000,
        sink: (block) => {
          blocks.push(block);
          return true;
        },
      });
      const tap = capture.tap('cmux');
      const line = memoryPair();
      const host = new Multiplexer(line.dte, { clock, option });
      const module = new Multiplexer(line.dce, { clock, option, role: 'responder' });
      host.onFrame = (direction, frame) => {
        tap[direction](frame);
      };
      void module.start();
      await clock.run(host.start());
      const port = await clock.run(host.open(2));
      await clock.advance(1500);
      await clock.run(port.send(Uint8Array.of(0x41, 0x54, 0x0d)));
      await clock.run(host.close());
      const file = path(`${option}.pcapng`);
      writeFileSync(file, concatBytes(blocks));

      const { code, stdout, stderr } = await decode(['--file', file]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const lines = stdout.trimEnd().split('\n');
      expect(lines[0]).toMatch(/^ {4}0\.000000 {2}→ {2}DLCI 0 C\/R=1 SABM P\/F=1 FCS 1C$/);
      expect(lines[1]).toMatch(/^ {4}0\.000000 {2}← {2}DLCI 0 C\/R=1 UA P\/F=1 FCS D7$/);
      expect(stdout).toMatch(/ {4}1\.500000 {2}→ {2}DLCI 2 C\/R=1 UIH P\/F=0 FCS .*: 3 octets 41 54 0D "AT/);
      const json = (await decode(['--file', file, '--json'])).stdout.trimEnd().split('\n');
      const objects = json.map((one) => JSON.parse(one) as { dlci: number; fcs: number; to: string; timeS: number });
      expect(objects).toHaveLength(capture.recorded);
      expect(objects[0]).toMatchObject({ kind: 'frame', dlci: 0, type: 'SABM', to: 'module', timeS: 1_700_000_000 });

      let dissected: string;
      try {
        const fields = ['mux27010.address.dlciaddress', 'mux27010.checksum', 'mux27010.direction'];
        dissected = execFileSync('tshark', ['-r', file, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])], {
          stdio: ['ignore', 'pipe', 'ignore'],
        }).toString();
      } catch (error) {
        if (process.env['CI'] !== undefined) throw error;
        return;
      }
      const theirs = dissected
        .trimEnd()
        .split('\n')
        .map((one) => one.split('\t').map(Number));
      expect(objects.map(({ dlci, fcs, to }) => [dlci, fcs, to === 'module' ? 0 : 1])).toEqual(theirs);
    },
  );

  it('shows what is whole of a capture that is cut short, and says that it is', async () => {
    const blocks: Uint8Array[] = [];
    const capture = new Capture({ sink: (block) => (blocks.push(block), true) });
    const tap = capture.tap('cmux');
    tap.sent(encodeBasicFrame(addressOf(1, 1), CONTROL.UIH, Uint8Array.of(1)));
    tap.sent(encodeBasicFrame(addressOf(1, 1), CONTROL.UIH, Uint8Array.of(2)));
    writeFileSync(path('cut.pcapng'), concatBytes(blocks).subarray(0, -3));
    const { code, stdout, stderr } = await decode(['--file', path('cut.pcapng')]);
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).toContain('is not read to its end: it ends within a block');
  });

  it('says that a capture holds no CMUX, with status 1', async () => {
    const blocks: Uint8Array[] = [];
    new Capture({ sink: (block) => (blocks.push(block), true) }).tap('at').sent(Uint8Array.of(0x41));
    writeFileSync(path('at.pcapng'), concatBytes(blocks));
    const { code, stdout, stderr } = await decode(['--file', path('at.pcapng')]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('holds no CMUX frames');
  });

  it('reads a file of the octets themselves', async () => {
    writeFileSync(path('line.bin'), Buffer.from('F9033F011CF9', 'hex'));
    expect((await decode(['--file', path('line.bin')])).stdout).toBe('DLCI 0 C/R=1 SABM P/F=1 FCS 1C\n');
    expect(readFileSync(path('line.bin'))).toHaveLength(6);
  });

  it.each([
    ['half an octet', ['F9 0'], [], 2, 'whole octets'],
    ['words', ['hello'], [], 2, 'whole octets'],
    ['nothing on stdin', [], [''], 2, 'no octets'],
    ['digits and a file', ['F9', '--file', path('line.bin')], [], 2, 'not both'],
    ['no such file', ['--file', path('none')], [], 1, 'cannot read'],
    ['a folder', ['--file', folder], [], 1, 'cannot read'],
    ['an option that is none', ['--option', 'extended', 'F9'], [], 2, '--option'],
  ] as const)('%s is one sentence with its status', async (_, args, stdin, status, word) => {
    writeFileSync(path('line.bin'), Buffer.from('F9033F011CF9', 'hex'));
    const { code, stdout, stderr } = await decode(args, stdin);
    expect({ code, stdout }).toEqual({ code: status, stdout: '' });
    expect(stderr).toMatch(/^cellmux: .+ \(ERR_[A-Z0-9_]+\)\. .+\.\n$/);
    expect(stderr).toContain(word);
  });

  it('says how to convert a pcap file', async () => {
    writeFileSync(path('old.pcap'), Buffer.from('d4c3b2a1020004000000000000000000ffff0000ec000000', 'hex'));
    const { code, stderr } = await decode(['--file', path('old.pcap')]);
    expect(code).toBe(1);
    expect(stderr).toContain('editcap -F pcapng');
  });
});
