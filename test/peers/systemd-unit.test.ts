import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RunningProgram } from '../gateway/running-program.ts';
import { describeWithPeers } from './peer-programs.ts';

const UNIT = fileURLToPath(new URL('../../packages/gateway/systemd/cellmux.service', import.meta.url));
/** What `systemd-analyze security` may say at most, in tenths: 20 is its "OK". It says 2.0 of this unit today. */
const EXPOSURE_LIMIT = 20;

interface Outcome {
  readonly code: number;
  readonly output: string;
}

function analyze(...words: readonly string[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    execFile('systemd-analyze', [...words], (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') reject(error);
      else resolve({ code: Number(error?.code ?? 0), output: stdout + stderr });
    });
  });
}

/** The last value that the unit gives to a key. */
function valueOf(unit: string, key: string): string {
  const lines = unit.split('\n').filter((line) => line.startsWith(`${key}=`));
  const last = lines.at(-1);
  if (last === undefined) throw new Error(`the unit says nothing of ${key}`);
  return last.slice(key.length + 1);
}

describeWithPeers('the systemd unit', ['systemd-analyze'], () => {
  let folder = '';
  let unit = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cellmux-unit-'));
    unit = await readFile(UNIT, 'utf8');
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is understood by systemd to the last word', async () => {
    // The program that it starts is not installed here: systemd looks whether it is there, and no more.
    const [program = ''] = valueOf(unit, 'ExecStart').split(' ');
    const standIn = join(folder, 'cellmux');
    await writeFile(standIn, '#!/bin/sh\n');
    await chmod(standIn, 0o755);
    const path = join(folder, 'cellmux.service');
    await writeFile(path, unit.replace(program, standIn));
    // A word that it does not know is a warning, and no error.
    expect(await analyze('verify', path)).toEqual({ code: 0, output: '' });
  });

  it('exposes no more than it must', async () => {
    const { code, output } = await analyze('security', '--offline=true', `--threshold=${EXPOSURE_LIMIT}`, UNIT);
    expect(output.split('\n').at(-2)).toMatch(/Overall exposure level for cellmux.service: \d\.\d OK/);
    expect(code).toBe(0);
  });

  /** What the unit starts, with its folders in the test's. */
  function started(): RunningProgram {
    const [, ...words] = valueOf(unit, 'ExecStart').split(' ');
    return RunningProgram.cellmux(
      words.map((word) => (word.startsWith('/') ? join(folder, word.replaceAll('/', '-')) : word)),
    );
  }
  const writeSettings = (text: string): Promise<void> => writeFile(join(folder, '-etc-cellmux-cellmux.yaml'), text);

  it('starts a program that takes its words, and whose end by its signal systemd takes for a success', async () => {
    await writeSettings('line: virtual\n');
    await using program = started();
    await program.says(/three ports work/);
    const { code } = await program.stop(valueOf(unit, 'KillSignal') as NodeJS.Signals);
    expect(valueOf(unit, 'SuccessExitStatus').split(' ')).toContain(String(code));
  });

  it('does not start it again where its settings are wrong', async () => {
    await writeSettings('line: virtual\nprxy: 8080\n');
    await using program = started();
    const { code, stderr } = await program.exit();
    expect(stderr).toContain('prxy');
    expect(valueOf(unit, 'RestartPreventExitStatus').split(' ')).toContain(String(code));
  });
});
