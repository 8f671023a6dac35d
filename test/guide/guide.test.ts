import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GUIDE_PROGRAMS, hasRealWebServer } from './programs.ts';

const isCi = process.env['CI'] !== undefined;

describe('the scenarios of the IP Easy User Guide', () => {
  for (const { name, clause, title, missing, load } of GUIDE_PROGRAMS) {
    const why = missing === undefined ? '' : ` (skipped: ${missing})`;
    it.skipIf(missing !== undefined && !isCi)(`${clause} ${title}${why}`, { timeout: 60_000 }, async () => {
      expect(missing).toBeUndefined();
      const said: string[] = [];
      const { run } = await load();
      await run((line) => said.push(line));
      expect(said.length).toBeGreaterThan(0);
      if (isCi && name === 'http-client') expect(hasRealWebServer, 'apt-get install nginx-light').toBe(true);
    });
  }
});

interface Exit {
  readonly status: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

function guide(...names: string[]): Promise<Exit> {
  const program = join(import.meta.dirname, 'run.ts');
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--conditions=@cellmux/source', '--import', 'tsx', program, ...names],
      { cwd: join(import.meta.dirname, '..') },
      (error, stdout, stderr) => {
        resolve({ status: error === null ? 0 : error.code, stdout, stderr });
      },
    );
  });
}

describe('pnpm guide', () => {
  it('runs a scenario and ends by itself', async () => {
    const { status, stdout, stderr } = await guide('http-client');
    expect(stderr).toBe('');
    expect(stdout).toContain('HTTP/1.1 200 OK');
    expect(stdout).toMatch(/ {2}done\n$/);
    expect(status).toBe(0);
  });

  it('lists what there is, and says so for a name that there is not', async () => {
    const listed = await guide();
    for (const { name } of GUIDE_PROGRAMS) expect(listed.stdout).toContain(name);
    expect(listed.status).toBe(0);
    const wrong = await guide('no-such');
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toContain('"no-such"');
    expect(wrong.stderr).toContain('http-client');
  });
});
