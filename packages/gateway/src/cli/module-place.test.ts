import type { Port } from '@cellmux/port';
import { connectTcp } from '@cellmux/port/tcp';
import { mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReplaySubject, firstValueFrom, skip, take, toArray } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openModulePlace, type ModulePlace } from './module-place.ts';

function lines(place: ModulePlace): ReplaySubject<Port> {
  onTestFinished(() => place[Symbol.asyncDispose]());
  const served = new ReplaySubject<Port>();
  place.start((line) => {
    served.next(line);
  });
  return served;
}

function temporaryLink(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cellmux-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return join(folder, 'modem');
}

describe('a module on a pty', () => {
  it('has another pty under the same link when the module has lost its line', async () => {
    const link = temporaryLink();
    const place = await openModulePlace({ pty: link });
    const served = lines(place);
    const first = await firstValueFrom(served);
    const firstPath = readlinkSync(link);
    await first.close();
    expect(() => readlinkSync(link)).toThrow();
    place.linesLost(0);
    const second = await firstValueFrom(served.pipe(skip(1)));
    expect(second.isClosed).toBe(false);
    expect(readlinkSync(link)).toMatch(/^\/dev\/pts\/\d+$/);
    expect(firstPath).toMatch(/^\/dev\/pts\/\d+$/);
  });

  it('is over for good when it is disposed of, also while it is about to have another', async () => {
    const link = temporaryLink();
    const place = await openModulePlace({ pty: link });
    const served = lines(place);
    await (await firstValueFrom(served)).close();
    place.linesLost(0);
    await place[Symbol.asyncDispose]();
    expect(() => readlinkSync(link)).toThrow();
  });

  it('fails when there can be no other', async () => {
    const link = temporaryLink();
    const place = await openModulePlace({ pty: link });
    const served = lines(place);
    await (await firstValueFrom(served)).close();
    rmSync(join(link, '..'), { recursive: true });
    place.linesLost(0);
    await expect(place.failed).rejects.toMatchObject({ code: 'ERR_PORT_NOT_FOUND' });
  });
});

describe('a module on TCP', () => {
  it('takes one connection after the other, and closes them with itself', async () => {
    const place = await openModulePlace({ tcp: { host: '127.0.0.1', port: 0 } });
    const served = lines(place);
    const port = Number(place.where['tcp']?.split(':')[1]);
    const hosts = [await connectTcp({ host: '127.0.0.1', port }), await connectTcp({ host: '127.0.0.1', port })];
    await firstValueFrom(served.pipe(take(2), toArray()));
    await place[Symbol.asyncDispose]();
    for (const host of hosts) {
      await new Promise<void>((resolve) => {
        host.received$.subscribe({ complete: resolve, error: resolve });
      });
    }
  });
});
