import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const folder = join(import.meta.dirname, '..');
const readme = readFileSync(join(folder, 'README.md'), 'utf8');

describe('the README', () => {
  it('has an example that runs and prints what it says', async () => {
    const example = /```ts\n([^]*?)```/.exec(readme)?.[1] ?? '';
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--conditions=@cellmux/source', '--import', 'tsx', '--input-type=module', '-e', example],
      { cwd: folder },
    );
    const said = example.matchAll(/console\.log\(.*\); \/\/ (.*)/g);
    expect(stdout.trim().split('\n').sort()).toEqual([...said].map(([, text]) => text).sort());
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
