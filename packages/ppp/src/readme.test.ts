import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const folder = join(import.meta.dirname, '..');
const readme = readFileSync(join(folder, 'README.md'), 'utf8');

describe('the README', () => {
  const examples = [...readme.matchAll(/```ts\n([^]*?)```/g)].map(([, example = '']) => example);
  const isRoot = process.getuid?.() === 0 && existsSync('/dev/net/tun');
  /** Whole programs; what has an ellipsis is a part of one. */
  const programs = examples.filter((example) => !example.includes('…'));

  it.each(programs)('has an example that runs and prints what it says: %#', async (example) => {
    const usesTun = example.includes('openTun');
    // What may make interfaces makes them in a network namespace that goes with it.
    const [command, words] = usesTun ? ['unshare', ['--net', process.execPath]] : [process.execPath, []];
    if (usesTun && !isRoot) return;
    const node = ['--conditions=@cellmux/source', '--import', 'tsx', '--input-type=module', '-e', example];
    const { stdout } = await promisify(execFile)(command, [...words, ...node], { cwd: folder });
    const said = [...example.matchAll(/console\.log\(.*\); \/\/ (.*)/g)].map(([, text]) => text);
    expect(said.length).toBeGreaterThan(0);
    expect(stdout.trim().split('\n').sort()).toEqual(said.sort());
  });

  it('has a program for the link and one for TUN', () => {
    expect(programs).toHaveLength(2);
  });

  it('names every error code there is, and no other', () => {
    const sources = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'))
      .join();
    const codes = (text: string): string[] => [...new Set(text.match(/ERR_PPP_[A-Z_]+[A-Z]/g))].sort();
    const table = readme.slice(readme.indexOf('## Errors'));
    expect(codes(table)).toEqual(codes(sources));
  });
});
