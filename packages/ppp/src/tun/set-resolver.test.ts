import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { setResolver } from './set-resolver.ts';

let folder = '';
let path = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cellmux-resolver-'));
  path = join(folder, 'resolv.conf');
});
afterEach(() => rm(folder, { recursive: true }));

const text = (): Promise<string> => readFile(path, 'utf8');

it('puts back what was there, or that nothing was', async () => {
  await writeFile(path, 'nameserver 192.0.2.1\n');
  const { ino } = await stat(path);
  const undo = await setResolver(path, ['10.0.0.1', '10.0.0.2']);
  expect((await text()).split('\n').slice(1)).toEqual(['nameserver 10.0.0.1', 'nameserver 10.0.0.2', '']);
  expect((await stat(path)).ino).toBe(ino);
  await undo();
  expect(await text()).toBe('nameserver 192.0.2.1\n');
  await rm(path);
  await (
    await setResolver(path, ['10.0.0.1'])
  )();
  expect(await readdir(folder)).toEqual([]);
});

it.each(['nameserver 192.0.2.1\n', undefined])('puts it back after a run that crashed: %j', async (before) => {
  if (before !== undefined) await writeFile(path, before);
  await setResolver(path, ['10.0.0.1']);
  await setResolver(path, ['10.0.0.2']);
  const undo = await setResolver(path, ['10.0.0.3']);
  expect(await text()).toContain('nameserver 10.0.0.3\n');
  await undo();
  expect(await readdir(folder)).toEqual(before === undefined ? [] : ['resolv.conf']);
  if (before !== undefined) expect(await text()).toBe(before);
});

it('leaves alone what somebody else has written meanwhile', async () => {
  await writeFile(path, 'nameserver 192.0.2.1\n');
  const undo = await setResolver(path, ['10.0.0.1']);
  await writeFile(path, 'nameserver 192.0.2.2\n');
  await undo();
  expect(await text()).toBe('nameserver 192.0.2.2\n');
  expect(await readdir(folder)).toEqual(['resolv.conf']);
});

it('says that it cannot write', async () => {
  await expect(setResolver(join(folder, 'none', 'resolv.conf'), ['10.0.0.1'])).rejects.toMatchObject({
    code: 'ERR_PPP_TUN_FAILED',
  });
});
