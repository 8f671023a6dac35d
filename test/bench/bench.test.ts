import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify, stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inTurns, isMet, type BenchRow } from '../../packages/port/bench/index.ts';
import { parseBenchArguments } from './bench-arguments.ts';
import { benchTable, formatTarget, formatValue } from './bench-table.ts';

const run = promisify(execFile);
const BENCH = fileURLToPath(new URL('bench.ts', import.meta.url));
const NODE = ['--conditions=@cellmux/source', '--import', 'tsx', BENCH];

const row: BenchRow = {
  package: 'cmux',
  name: 'deframer',
  value: 1234.5,
  unit: 'MB/s',
  against: 'plain: 61 MB/s',
  ratio: 20.2,
};

describe('a target', () => {
  it.each<[BenchRow['target'], boolean | undefined]>([
    [undefined, undefined],
    [{ of: 'ratio', atLeast: 20.2 }, true],
    [{ of: 'ratio', atLeast: 20.3 }, false],
    [{ of: 'value', atLeast: 1234.5 }, true],
    [{ of: 'value', atMost: 1234.4 }, false],
  ])('%j is met: %s', (target, met) => {
    expect(isMet({ ...row, ...(target === undefined ? {} : { target }) })).toBe(met);
  });

  it('of a ratio is missed where there is none', () => {
    expect(isMet({ ...row, ratio: null, target: { of: 'ratio', atLeast: 0 } })).toBe(false);
  });
});

describe('the table', () => {
  it('shows figures, references, and which targets are met and missed', () => {
    const text = benchTable(
      [
        { ...row, target: { of: 'ratio', atLeast: 20 } },
        { ...row, name: 'encoder', target: { of: 'value', atLeast: 200_000 } },
        { package: 'cmux', name: 'TUN', skipped: 'not here' },
      ],
      true,
    );
    const lines = stripVTControlCharacters(text).split('\n');
    const line = (part: string): string => lines.find((one) => one.includes(part)) ?? '';
    expect(line('deframer')).toMatch(/1 235 MB\/s │ +20\.2 × │ +≥ 20 × │ met/);
    expect(line('encoder')).toMatch(/≥ 200 000 │ MISSED/);
    expect(line('TUN')).toContain('not measured: not here');
    expect(text).toContain('against plain: 61 MB/s');
  });

  it('has colours only where they are wanted', () => {
    expect(benchTable([{ ...row, target: { of: 'ratio', atLeast: 20 } }], false)).not.toContain('\x1b');
  });

  it('rounds to what is no noise', () => {
    expect([0.12345, 12.345, 123.45, 1234.5, 1234567].map(formatValue)).toEqual([
      '0.12',
      '12.3',
      '123',
      '1 235',
      '1 234 567',
    ]);
    expect(formatTarget({ of: 'value', atMost: 5 })).toBe('≤ 5');
  });
});

describe('the arguments', () => {
  it('choose packages, in the order of the suites', () => {
    expect(parseBenchArguments(['-p', 'ppp', '--package', 'at'], ['at', 'cmux', 'ppp']).packages).toEqual([
      'at',
      'ppp',
    ]);
    expect(parseBenchArguments([], ['at', 'cmux']).packages).toEqual(['at', 'cmux']);
  });

  it.each([[['--package', 'serial']], [['--fast']], [['cmux']]])('%j are refused', (argv) => {
    expect(() => parseBenchArguments(argv, ['cmux'])).toThrow();
  });
});

describe('tasks in turns', () => {
  it('that do nothing are refused', () => {
    expect(() => inTurns(1, [() => 0])).toThrow('did nothing');
  });
});

describe('pnpm bench', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cellmux-bench-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('measures a package in a process of its own and gives its rows', { timeout: 120_000 }, async () => {
    const output = join(folder, 'deep', 'results.json');
    // In virtual time: what it measures does not depend on the machine.
    const { stdout, stderr } = await run(process.execPath, [
      ...NODE,
      '-p',
      'ipeasy',
      '--quick',
      '--json',
      '--strict',
      '-o',
      output,
    ]);
    const rows = JSON.parse(stdout) as (BenchRow & { met: boolean | null })[];
    expect(JSON.parse(await readFile(output, 'utf8'))).toEqual(rows);
    expect(rows).toHaveLength(16);
    for (const one of rows) {
      expect(one).toMatchObject({ package: 'ipeasy', unit: 'B/s', met: true });
      expect(one.ratio).toBeGreaterThanOrEqual(0.95);
    }
    expect(stderr).toContain('16 targets met, 0 missed');
  });

  it('says what is wrong with its arguments', async () => {
    await expect(run(process.execPath, [...NODE, '--package', 'serial'])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        'There is no package serial to measure; there are cmux, at, ppp, ipeasy, stack, lines.',
      ),
    });
  });
});
