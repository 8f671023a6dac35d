import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as port from './index.ts';

const folder = join(import.meta.dirname, '..');
const readme = readFileSync(join(folder, 'README.md'), 'utf8');

test('the example runs and says what it is to say', () => {
  const [, example] = /```ts\n(.*?)```/s.exec(readme) as unknown as [string, string];
  const output = execFileSync(
    process.execPath,
    ['--conditions=@cellmux/source', '--import', 'tsx', '--input-type=module', '--eval', example],
    { cwd: folder, encoding: 'utf8' },
  );
  expect(output).toBe('"\\r\\nOK\\r\\n"\n3\n');
});

test('the table of errors has every code of the sources, and no other', () => {
  const sources = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('.test.') && !name.startsWith('testing'))
    .map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'));
  const codes = (text: string, pattern: RegExp): string[] =>
    [...new Set([...text.matchAll(pattern)].map(([, code]) => String(code)))].sort();
  expect(codes(readme, /`(ERR_[A-Z_]+)` +\|/g)).toEqual(codes(sources.join('\n'), /'(ERR_[A-Z_]+)'/g));
});

test('the main entry exports this and nothing else', () => {
  expect(Object.keys(port).sort()).toMatchInlineSnapshot(`
    [
      "BACKLOG_LIMIT_BYTES",
      "CAPTURE_INTERFACE_LIMIT",
      "CLOSE_LINGER_MS",
      "Capture",
      "CellmuxError",
      "CircuitCable",
      "DRIVEN_CIRCUITS",
      "DrivenPort",
      "IDLE_CIRCUITS",
      "PortView",
      "ReceiveStream",
      "checkInteger",
      "checkOneOf",
      "concatBytes",
      "diagnosticsChannel",
      "faultyLine",
      "fromHex",
      "fromLatin1",
      "hasCode",
      "latin1",
      "memoryPair",
      "pacedLine",
      "portClosedError",
      "portLostError",
      "prepend",
      "seededRandom",
      "systemClock",
      "tapPort",
      "toHex",
    ]
  `);
});
