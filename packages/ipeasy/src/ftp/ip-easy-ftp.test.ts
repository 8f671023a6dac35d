import { finished } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ScriptedFtp } from '../../test/scripted-ftp.ts';
import { setUp, type Setup } from '../../test/set-up.ts';
import type { IpEasyFtp } from './ip-easy-ftp.ts';
import type { FtpProgress } from './ftp-options.ts';
import { openFtp } from './open-ftp.ts';

const SERVER = { host: 'ftp.example.org', user: 'user', password: 'pass' } as const;

async function open(ftp = new ScriptedFtp()): Promise<Setup & { ftp: ScriptedFtp; session: IpEasyFtp }> {
  const setup = setUp({ module: { more: ftp.commands } });
  const session = await setup.clock.run(setup.ipEasy.ftp(SERVER));
  return { ...setup, ftp, session };
}

async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const body = Buffer.from(Array.from({ length: 20_000 }, (_, index) => (index * 7) % 256));

describe('FTP of the module', () => {
  it('opens, works with directories and files, and closes', async () => {
    const { clock, module, session, ftp } = await open();
    expect(module.lines).toContain('AT#FTPOPEN="ftp.example.org","user","pass",1');
    ftp.files.set('a.txt', body);
    await clock.run(session.cwd('incoming'));
    expect(await clock.run(session.pwd())).toBe('/home/gw');
    expect(await clock.run(session.size('a.txt'))).toBe(body.length);
    expect(await clock.run(session.list())).toEqual(['-rw-r--r-- 1 gw gw a.txt']);
    expect(await clock.run(session.lastMessage())).toBe('226 Transfer complete.');
    await clock.run(session.delete('a.txt'));
    await expect(clock.run(session.size('a.txt'))).rejects.toMatchObject({ code: 'ERR_IPEASY_FTP_REFUSED' });
    await clock.run(session.close());
    expect(ftp.isOpen).toBe(false);
    await expect(session.cwd('x')).rejects.toMatchObject({ code: 'ERR_IPEASY_FTP_NOT_CONNECTED' });
  });

  it('puts, appends and gets, with progress', async () => {
    const { clock, session, ftp } = await open();
    const progress: FtpProgress[] = [];
    const upload = session.put('up.bin', { onProgress: (now) => progress.push(now) });
    upload.end(body);
    await clock.run(finished(upload));
    expect(Buffer.from(ftp.files.get('up.bin') ?? []).equals(body)).toBe(true);
    expect(progress.at(-1)?.bytes).toBe(body.length);
    const more = session.put('up.bin', { append: true });
    more.end('+++');
    await clock.run(finished(more));
    const whole = Buffer.concat([body, Buffer.from('+++')]);
    expect(Buffer.from(ftp.files.get('up.bin') ?? []).equals(whole)).toBe(true);
    expect((await clock.run(readAll(session.get('up.bin')))).equals(whole)).toBe(true);
    const rest = await clock.run(readAll(session.get('up.bin', { offset: 15_000 })));
    expect(rest.equals(whole.subarray(15_000))).toBe(true);
  });

  it('says when a transfer was cut', async () => {
    const { clock, session, ftp } = await open();
    ftp.files.set('a', body);
    ftp.cutAfterBytes = 5000;
    await expect(clock.run(readAll(session.get('a')))).rejects.toMatchObject({
      code: 'ERR_IPEASY_FTP_INCOMPLETE',
      context: { expectedBytes: 20_000, bytes: 5000 },
    });
    const upload = session.put('b');
    upload.end(body);
    await expect(clock.run(finished(upload))).rejects.toMatchObject({ code: 'ERR_IPEASY_FTP_INCOMPLETE' });
  });

  it.each([true, false])('gets in blocks where the firmware can (%s), else as a stream', async (blocks) => {
    const { clock, module, session, ftp } = await open(new ScriptedFtp({ blocks }));
    ftp.files.set('a', body);
    expect((await clock.run(readAll(session.get('a', { mode: 'command' })))).equals(body)).toBe(true);
    expect(module.count('AT#FTPRECV') > 0).toBe(blocks);
    expect(module.count('AT#FTPGET="a"') > 0).toBe(!blocks);
    expect(
      (await clock.run(readAll(session.get('a', { mode: 'command', offset: 10_000 })))).equals(body.subarray(10_000)),
    ).toBe(true);
  });

  it.each(['online', 'command'] as const)('does without what the firmware lacks: %s', async (mode) => {
    const { clock, module, session, ftp } = await open(
      new ScriptedFtp({ blocks: true, lacks: ['FTPTO', 'FTPREST', 'FTPFSIZE', 'FTPMSG'] }),
    );
    ftp.files.set('a', body);
    const progress: FtpProgress[] = [];
    for (const offset of [1, 2999, 3000, 3001, 12_345, body.length]) {
      const rest = await clock.run(
        readAll(session.get('a', { mode, offset, onProgress: (now) => progress.push(now) })),
      );
      expect(rest.equals(body.subarray(offset)), `${offset}`).toBe(true);
    }
    expect(module.count('AT#FTPREST')).toBe(6);
    expect(progress.some(({ bytes }) => bytes === 0)).toBe(false);
    expect(progress.at(-1)).toEqual({ bytes: body.length - 12_345, totalBytes: undefined });
    const upload = session.put('b');
    upload.end(body);
    await clock.run(finished(upload));
    expect(Buffer.from(ftp.files.get('b') ?? []).equals(body)).toBe(true);
    expect(await clock.run(session.lastMessage())).toBe('');
    await expect(clock.run(session.size('a'))).rejects.toMatchObject({ code: 'ERR_IPEASY_MODULE_ERROR' });
  });

  it('converts line ends only when told to, and restarts in binary type alone', async () => {
    const { clock, module, session, ftp } = await open();
    ftp.files.set('a', body);
    expect(session.type).toBe('binary');
    await clock.run(session.setType('ascii'));
    expect([session.type, module.lines.at(-1)]).toEqual(['ascii', 'AT#FTPTYPE=1']);
    await expect(clock.run(readAll(session.get('a', { offset: 5 })))).rejects.toMatchObject({
      code: 'ERR_IPEASY_FTP_RESTART',
    });
    expect(() => session.get('a', { offset: -1 })).toThrow(expect.objectContaining({ code: 'ERR_OPTION_RANGE' }));
    await expect(session.setType('text' as 'ascii')).rejects.toMatchObject({ code: 'ERR_OPTION_RANGE' });
    // Sizes say nothing about converted text.
    ftp.cutAfterBytes = 5000;
    expect(await clock.run(readAll(session.get('a')))).toHaveLength(5000);
  });

  it('believes an end without a size only where the server said that it was one', async () => {
    const { clock, session, ftp } = await open(new ScriptedFtp({ lacks: ['FTPFSIZE'] }));
    ftp.files.set('a', body);
    ftp.lastReply = '426 Failure writing network stream.';
    const cut = { code: 'ERR_IPEASY_FTP_INCOMPLETE', context: { reply: ftp.lastReply } };
    await expect(clock.run(readAll(session.get('a')))).rejects.toMatchObject(cut);
    await expect(clock.run(session.list())).rejects.toMatchObject(cut);
    const upload = session.put('b');
    upload.end(body);
    await expect(clock.run(finished(upload))).rejects.toMatchObject(cut);
    ftp.lastReply = '250 Done.';
    expect((await clock.run(readAll(session.get('a')))).equals(body)).toBe(true);
  });

  it('asks what the server said of an upload before it asks for a size that this server does not tell', async () => {
    const { clock, session, ftp } = await open();
    ftp.lacksSize = true;
    for (const append of [false, true]) {
      const upload = session.put('b', { append });
      upload.end(body);
      await clock.run(finished(upload));
    }
    expect(ftp.files.get('b')).toHaveLength(2 * body.length);
  });

  it.each(['online', 'command'] as const)('does not go on behind the end of a file: %s', async (mode) => {
    const { clock, session, ftp } = await open(new ScriptedFtp({ blocks: true }));
    ftp.files.set('a', body);
    expect(await clock.run(readAll(session.get('a', { mode, offset: body.length })))).toHaveLength(0);
    await expect(clock.run(readAll(session.get('a', { mode, offset: body.length + 1 })))).rejects.toMatchObject({
      code: 'ERR_IPEASY_FTP_OFFSET',
      context: { offset: body.length + 1, totalBytes: body.length },
    });
  });

  it('does not take the loss of its session for a server that tells no size', async () => {
    const { clock, session, ftp } = await open();
    const upload = session.put('b');
    upload.write(body);
    upload.on('error', () => undefined);
    await clock.advance(5000);
    ftp.isOpen = false;
    upload.end();
    await expect(clock.run(finished(upload))).rejects.toMatchObject({ code: 'ERR_IPEASY_FTP_NOT_CONNECTED' });
  });

  it('reads names in UTF-8, and in ISO 8859-1 where they are no UTF-8; and not without end', async () => {
    const { clock, session, ftp } = await open();
    ftp.files.set(Buffer.from('grün €').toString('latin1'), body);
    expect(await clock.run(session.list())).toEqual(['-rw-r--r-- 1 gw gw grün €']);
    ftp.files.clear();
    ftp.files.set('grün', body);
    expect(await clock.run(session.list())).toEqual(['-rw-r--r-- 1 gw gw grün']);
    const long = 'x'.repeat(4000);
    for (let count = 0; count < 300; count++) ftp.files.set(`${long} ${count}`, body);
    await expect(clock.run(session.list())).rejects.toMatchObject({ code: 'ERR_IPEASY_FTP_LIST_TOO_LONG' });
    await clock.run(session.cwd('incoming'));
  });

  it('has a port of its own, beside sockets on others, and says while a transfer has it', async () => {
    const ftp = new ScriptedFtp();
    const { clock, at, module, fail, until } = setUp({ module: { more: ftp.commands } });
    const session = await clock.run(openFtp(at, { ...SERVER, clock }));
    expect(module.lines.filter((line) => !line.startsWith('AT#FTP'))).toEqual([]);
    expect(session.hasPort).toBe(false);
    ftp.files.set('a', body);
    const slow = session.get('a');
    slow.once('data', () => slow.pause());
    await until(() => session.hasPort);
    slow.destroy();
    await until(() => !session.hasPort);
    expect((await clock.run(at.command('ATE0'))).result).toBe('OK');
    const lost = readAll(session.get('a'));
    lost.catch(() => undefined);
    fail(new Error('unplugged'));
    await expect(clock.run(lost)).rejects.toMatchObject({ code: 'ERR_IPEASY_LINE_LOST' });
    await expect(clock.run(session.size('a'))).rejects.toMatchObject({ code: 'ERR_IPEASY_LINE_LOST' });
    await expect(openFtp(at, { ...SERVER, clock })).rejects.toMatchObject({ code: 'ERR_IPEASY_LINE_LOST' });
  });

  it('keeps what is not read on the server', async () => {
    const { clock, session, ftp } = await open(new ScriptedFtp({ blocks: true }));
    ftp.files.set('a', Buffer.alloc(1_000_000, 7));
    const slow = session.get('a', { mode: 'command' });
    slow.on('data', () => slow.pause());
    await clock.advance(60_000);
    // One block was read; the stream has asked for what it keeps, and not for more.
    expect(slow.readableLength).toBeLessThanOrEqual(slow.readableHighWaterMark + 3000);
    slow.destroy();
    await clock.run(session.cwd('incoming'));
  });

  it('does one thing after the other, and lets sockets of the same port wait', async () => {
    const { clock, ipEasy, session, ftp } = await open();
    ftp.files.set('a', body);
    const both = [readAll(session.get('a')), readAll(session.get('a')), session.size('a')] as const;
    const connecting = ipEasy.connect({ host: 'example.org', port: 80 });
    const [first, second, size] = await clock.run(Promise.all(both));
    expect([first.equals(body), second.equals(body), size]).toEqual([true, true, body.length]);
    (await clock.run(connecting)).destroy();
  });

  it('ends a transfer that is not wanted any more, and goes on', async () => {
    const { clock, session, ftp, until } = await open();
    const abort = new AbortController();
    const upload = session.put('half', { signal: abort.signal });
    upload.write(body);
    upload.on('error', () => undefined);
    await until(() => upload.bytesWritten > 0);
    abort.abort(new Error('enough'));
    await expect(clock.run(finished(upload))).rejects.toThrow('enough');
    await clock.run(session.cwd('incoming'));
    expect(ftp.files.has('half')).toBe(true);
  });

  it('is refused with the reason, and a second session as well', async () => {
    const ftp = new ScriptedFtp();
    const { clock, ipEasy } = setUp({ module: { more: ftp.commands } });
    await expect(clock.run(ipEasy.ftp({ ...SERVER, password: 'wrong' }))).rejects.toMatchObject({
      code: 'ERR_IPEASY_FTP_REFUSED',
    });
    await clock.run(ipEasy.ftp(SERVER));
    await expect(clock.run(ipEasy.ftp(SERVER))).rejects.toMatchObject({ code: 'ERR_IPEASY_FTP_ALREADY_CONNECTED' });
    await clock.run(ipEasy.close());
    expect(ftp.isOpen).toBe(false);
  });

  it('shows no password in an error', async () => {
    const { clock, ipEasy } = setUp({
      module: { refuse: (line) => (line.includes('FTPOPEN') ? 606 : undefined), more: new ScriptedFtp().commands },
    });
    const error: unknown = await clock.run(
      ipEasy.ftp({ ...SERVER, password: 'sentinel-7' }).catch((reason: unknown) => reason),
    );
    const seen: unknown[] = [];
    for (let current = error; current instanceof Error; current = current.cause) {
      seen.push(current.message, (current as { context?: unknown }).context, (current as { hint?: unknown }).hint);
    }
    expect(JSON.stringify(seen)).not.toContain('sentinel-7');
  });
});
