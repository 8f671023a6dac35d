import { CellmuxError } from '@cellmux/port';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { requestAt } from './control-client.ts';
import { CONTROL_LINE_LIMIT_BYTES } from './control-protocol.ts';
import { ControlServer } from './control-server.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cellmux-control-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('the control socket', () => {
  it('carries a command there and its answer back', async () => {
    await using control = await ControlServer.listen(join(folder, 'new', 'socket'), (request) =>
      Promise.resolve({ lines: [`+ECHO: ${request.method === 'at' ? request.line : ''}`, 'two'], result: 'OK' }),
    );
    expect(await requestAt(control.path, { line: 'AT+CSQ' })).toMatchObject({
      lines: ['+ECHO: AT+CSQ', 'two'],
      result: 'OK',
    });
  });

  it('is for its owner only, and gone when it is closed', async () => {
    const control = await ControlServer.listen(join(folder, 'socket'), () => Promise.reject(new Error('unused')));
    expect((await stat(control.path)).mode & 0o777).toBe(0o600);
    await control.close();
    await expect(stat(control.path)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('passes errors on with their code and hint', async () => {
    await using control = await ControlServer.listen(join(folder, 'socket'), () =>
      Promise.reject(new CellmuxError('ERR_AT_CME', 'AT+X: +CME ERROR: 4', { hint: 'Do it otherwise.' })),
    );
    await expect(requestAt(control.path, { line: 'AT+X' })).rejects.toMatchObject({
      code: 'ERR_AT_CME',
      message: 'AT+X: +CME ERROR: 4 (ERR_AT_CME)',
      hint: 'Do it otherwise.',
    });
  });

  it('says so when no gateway runs, and when it ends before the answer', async () => {
    await expect(requestAt(join(folder, 'none'), { line: 'AT' })).rejects.toMatchObject({
      code: 'ERR_GATEWAY_LINE_NOT_RUNNING',
    });
    const control = await ControlServer.listen(join(folder, 'socket'), () => new Promise(() => undefined));
    const answer = requestAt(control.path, { line: 'AT' });
    answer.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await control.close();
    await expect(answer).rejects.toMatchObject({ code: 'ERR_GATEWAY_LINE_LEFT' });
  });

  it('replaces a socket that a crashed run left, and no other file, and no socket in use', async () => {
    const path = join(folder, 'socket');
    const crashed = createServer().listen(path);
    await once(crashed, 'listening');
    await expect(ControlServer.listen(path, () => new Promise(() => undefined))).rejects.toMatchObject({
      code: 'ERR_GATEWAY_LOCAL',
      message: expect.stringContaining('already in use'),
    });
    // A server that is closed removes its file; one that crashed does not.
    const { promises: fs } = await import('node:fs');
    await fs.rename(path, join(folder, 'kept'));
    crashed.close();
    await fs.rename(join(folder, 'kept'), path);
    const control = await ControlServer.listen(path, () => new Promise(() => undefined));
    await control.close();
    await writeFile(path, 'not a socket');
    await expect(ControlServer.listen(path, () => new Promise(() => undefined))).rejects.toMatchObject({
      code: 'ERR_GATEWAY_LOCAL',
    });
  });

  it('refuses what is no request, and a line without end', async () => {
    await using control = await ControlServer.listen(join(folder, 'socket'), () => new Promise(() => undefined));
    for (const text of ['nonsense\n', '{"id":1,"method":"format"}\n', 'x'.repeat(CONTROL_LINE_LIMIT_BYTES + 1)]) {
      const client = connect(control.path);
      let answer = '';
      client.on('error', () => undefined);
      client.on('data', (chunk: Buffer) => (answer += chunk.toString()));
      client.write(text);
      await once(client, 'close');
      if (text.endsWith('\n')) expect(answer).toContain('ERR_GATEWAY_CONTROL_REQUEST');
      else expect(answer).toBe('');
    }
  });

  it('tells the handler when its client leaves', async () => {
    let asked: AbortSignal | undefined;
    await using control = await ControlServer.listen(join(folder, 'socket'), (_, signal) => {
      asked = signal;
      return new Promise(() => undefined);
    });
    const leaving = new AbortController();
    const answer = requestAt(control.path, { line: 'AT' }, { signal: leaving.signal });
    answer.catch(() => undefined);
    await expect.poll(() => asked).toBeDefined();
    leaving.abort(new Error('enough'));
    await expect(answer).rejects.toThrow('enough');
    await expect.poll(() => asked?.aborted).toBe(true);
  });
});
