import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import * as at from './index.ts';

const folder = join(import.meta.dirname, '..');
const readme = readFileSync(join(folder, 'README.md'), 'utf8');
const examples = [...readme.matchAll(/```ts\n([^]*?)```/g)].map(([, example]) => example as string);

/** Runs a program as one who has installed the package would. */
async function run(source: string): Promise<string[]> {
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
  });
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@cellmux/source', '--import', 'tsx', '--input-type=module', '--eval', outputText],
    { cwd: folder },
  );
  return stdout.trim().split('\n');
}

describe('the README', () => {
  test.each(examples.map((example, index) => [index === 0 ? 'client' : 'server', example]))(
    'has an example of a %s that runs and prints what it says',
    async (_, example) => {
      const said = [...example.matchAll(/console\.log\(.*\);? \/\/ (.*)/g)].map(([, text]) => text);
      expect(said.length).toBeGreaterThan(5);
      expect((await run(example)).sort()).toEqual(said.sort());
    },
  );

  test('has both', () => {
    expect(examples).toHaveLength(2);
  });

  test('names every error code there is, and no other', () => {
    const sources = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'))
      .join();
    const codes = (text: string): string[] => [...new Set(text.match(/ERR_AT_[A-Z_]+[A-Z]/g))].sort();
    const table = readme.slice(readme.indexOf('## Errors'), readme.indexOf('## Limits'));
    expect(codes(table)).toEqual(codes(sources));
  });

  test('states the bounds as they are', () => {
    const bounds = Object.entries(at).filter(
      (entry): entry is [string, number] =>
        typeof entry[1] === 'number' && /_(BYTES|COMMANDS|LIMIT|COUNT)$/.test(entry[0]),
    );
    expect(bounds.length).toBeGreaterThan(8);
    for (const [name, value] of bounds) {
      const shown = value % 1024 === 0 && value > 8192 ? `${value / 1024} KiB` : String(value);
      expect(readme.replaceAll(/\s+/g, ' '), name).toMatch(new RegExp(`\`${name}\` (\\| |\\()${shown}\\b`));
    }
  });
});

test('the main entry exports this and nothing else', () => {
  expect(Object.keys(at).sort()).toMatchInlineSnapshot(`
    [
      "AtClient",
      "AtServer",
      "CALL_RESULTS",
      "CME_ERRORS",
      "CMS_ERRORS",
      "DATA_BACKLOG_LIMIT_BYTES",
      "DATA_END_TAIL_LIMIT_BYTES",
      "DataEndScanner",
      "EscapeAvoidance",
      "GENERIC_AT_PROFILE",
      "HE863_AT_PROFILE",
      "LINE_LIMIT_BYTES",
      "LineReader",
      "NUMERIC_RESULTS",
      "OUTPUT_HIGH_WATER_BYTES",
      "PAYLOAD_LIMIT_BYTES",
      "PLAIN_RESULTS",
      "QUEUE_LIMIT_COMMANDS",
      "RESPONSE_LIMIT_BYTES",
      "RESPONSE_LINE_LIMIT",
      "ResponseParser",
      "STANDARD_URCS",
      "Settings",
      "TYPE_AHEAD_LIMIT_BYTES",
      "UNSOLICITED_LIMIT_COUNT",
      "UrcTable",
      "V250_SETTINGS",
      "atString",
      "callResult",
      "cmeCode",
      "cmsCode",
      "commandLineFacts",
      "connectText",
      "errorTextKey",
      "integerOf",
      "listAllows",
      "memoryProfiles",
      "parseCommandLine",
      "parseInformation",
      "parseValues",
      "plainResult",
      "responseBefore",
      "textFault",
      "textOf",
      "verboseOf",
    ]
  `);
});
