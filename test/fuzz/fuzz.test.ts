import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { FUZZ_PARTS } from './fuzz-parts.ts';

const SHORT: Readonly<Record<string, number>> = { pairs: 4000, peer: 15_000, octets: 200_000 };
/** Always the same: here nothing that was mended may come back. New things are for `pnpm fuzz` to find, with any seed. */
const SEED = 27_010;

describe('a short run of pnpm fuzz', () => {
  it.each(FUZZ_PARTS.map((part) => [part.name, part] as const))('finds nothing in %s', async (name, part) => {
    const frames = SHORT[name] ?? 0;
    const result = await part.run({ seed: SEED, frames });
    expect(result.frames).toBeGreaterThanOrEqual(frames);
    expect(result.octets).toBeGreaterThan(frames);
  });

  it('is the same run for the same seed, and another for another', async () => {
    const [part] = FUZZ_PARTS.filter(({ name }) => name === 'octets');
    const runs = [];
    for (const seed of [1, 1, 2]) runs.push(await part?.run({ seed, frames: 5000 }));
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]).not.toEqual(runs[2]);
  });

  it('has shares that make a whole', () => {
    expect(FUZZ_PARTS.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
  });
});

describe('the program', () => {
  const program = async (...args: string[]): Promise<{ status: number; out: string; err: string }> => {
    const file = join(import.meta.dirname, 'run.ts');
    try {
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [
        '--conditions=@cellmux/source',
        '--import',
        'tsx',
        file,
        ...args,
      ]);
      return { status: 0, out: stdout, err: stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { status: code, out: stdout, err: stderr };
    }
  };

  it('prints figures, as JSON too, and says how to repeat them', async () => {
    const { status, out, err } = await program('--part', 'octets', '--frames', '2000', '--seed', '5', '--json');
    expect(status).toBe(0);
    const figures = JSON.parse(out) as { seed: number; all: { frames: number } };
    expect(figures.seed).toBe(5);
    expect(figures.all.frames).toBeGreaterThanOrEqual(2000);
    expect(err).toContain('nothing found');
  });

  it('refuses what it does not know', async () => {
    const { status, err } = await program('--frames', '7');
    expect(status).toBe(2);
    expect(err).toContain('--frames must be a whole number from 1000 to 1000000000, not 7');
    expect(err).toContain('Usage: pnpm fuzz');
  });
});
