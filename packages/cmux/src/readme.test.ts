import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { memoryPair } from '@cellmux/port';
import { Multiplexer } from './multiplexer.ts';

const folder = join(import.meta.dirname, '..');
const readme = readFileSync(join(folder, 'README.md'), 'utf8');
const sources = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'))
  .join('\n');
const section = (title: string): string => readme.slice(readme.indexOf(`## ${title}`)).split('\n## ')[0] ?? '';
const unique = (found: Iterable<string | undefined>): (string | undefined)[] => [...new Set(found)].sort();

describe('the README', () => {
  it('has an example that runs and prints what it says', async () => {
    const example = /```ts\n([^]*?)```/.exec(readme)?.[1] ?? '';
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--conditions=@cellmux/source', '--import', 'tsx', '--input-type=module', '-e', example],
      { cwd: folder },
    );
    expect(stdout.trim().split('\n').sort()).toEqual(['DLCI 1 HELLO', 'DLCI 3 ATI', 'closed closedByPeer']);
    for (const said of stdout.trim().split('\n')) expect(example).toContain(`// ${said}`);
  });

  it('names every error code there is, and no other', () => {
    const codes = (text: string, pattern: RegExp): (string | undefined)[] =>
      unique([...text.matchAll(pattern)].map(([, code]) => code));
    const named = codes(section('Errors'), /`(ERR_CMUX_[A-Z_]+)` +\|/g);
    expect(named).toEqual(codes(sources, /'(ERR_CMUX_[A-Z_]+)'/g));
  });

  it('names every option there is, and no other', () => {
    const options = /interface MultiplexerOptions \{([^]*?)\n\}/.exec(sources)?.[1] ?? '';
    const declared = unique([...options.matchAll(/readonly (\w+)\?/g)].map(([, name]) => name));
    expect(declared.length).toBeGreaterThan(15);
    expect(unique([...section('Options').matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name))).toEqual(declared);
  });

  it('names only methods that there are', () => {
    const multiplexer = new Multiplexer(memoryPair().dte);
    const methods = [...section('The multiplexer').matchAll(/`(\w+)\([^)]*\)`/g)].map(([, name]) => name ?? '');
    for (const name of methods.filter((one) => one !== 'pause')) expect(multiplexer).toHaveProperty(name);
  });
});
