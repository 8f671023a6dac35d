import { latin1 } from '@cellmux/port';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { scriptedModule, type ScriptedHost, type ScriptedModule } from '../sockets/testing/scripted-host.ts';
import { ftpCommands } from './index.ts';
import { hasRealFtpServer, RealFtpServer } from './testing/real-ftp-server.ts';

/** All octets, line ends and what FTP or AT could take for their own among them. */
const everything = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7 + (index >> 8)) & 0xff);

describe.skipIf(!hasRealFtpServer).each([
  ['active', 0],
  ['passive', 1],
] as const)('FTP with vsftpd, %s', (_name, mode) => {
  let server: RealFtpServer;
  let module: ScriptedModule;
  let host: ScriptedHost;

  beforeAll(async () => {
    server = await RealFtpServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  beforeEach(async () => {
    module = scriptedModule({ commands: ftpCommands, hosts: { ftp: `127.0.0.1:${server.port}` } });
    host = module.host(1);
    await host.run('#SGACT', 1, 1);
    expect(await host.run('#FTPOPEN', 'ftp', 'anonymous', 'p', mode)).toBe('\r\nOK\r\n');
    expect(await host.run('#FTPCWD', 'incoming')).toBe('\r\nOK\r\n');
  });
  afterEach(async () => {
    await module.table.closeAll();
  });

  async function put(command: string, file: string, bytes: Uint8Array): Promise<void> {
    const phase = await host.online(command, file);
    for (let offset = 0; offset < bytes.length; offset += 5000) await phase.type(bytes.subarray(offset, offset + 5000));
    phase.leave();
    await host.until(() => host.text.endsWith('\r\nNO CARRIER\r\n'));
  }

  async function get(file: string): Promise<Uint8Array> {
    const phase = await host.online('#FTPGET', file);
    await host.until(() => host.text.endsWith('\r\nNO CARRIER\r\n'));
    return phase.heard;
  }

  it('stores, appends, sizes, fetches and deletes, byte for byte', async () => {
    await put('#FTPPUT', 'a.bin', everything);
    expect(server.read('a.bin')?.length).toBe(everything.length);
    expect(Buffer.compare(server.read('a.bin') ?? new Uint8Array(0), everything)).toBe(0);
    await put('#FTPAPP', 'a.bin', latin1('and more'));
    expect(await host.run('#FTPFSIZE', 'a.bin')).toBe(`\r\n#FTPFSIZE: ${everything.length + 8}\r\n\r\nOK\r\n`);
    const whole = await get('a.bin');
    expect(Buffer.compare(whole, Buffer.concat([everything, latin1('and more')]))).toBe(0);
    expect(await host.run('#FTPREST', everything.length)).toBe('\r\nOK\r\n');
    expect(new TextDecoder().decode(await get('a.bin'))).toBe('and more');
    // Once only.
    expect((await get('a.bin')).length).toBe(everything.length + 8);
    expect(await host.run('#FTPDELE', 'a.bin')).toBe('\r\nOK\r\n');
    expect(server.read('a.bin')).toBeUndefined();
  });

  it('lists, and says where it is and what the server said', async () => {
    server.write('seen.txt', latin1('x'));
    const phase = await host.online('#FTPLIST');
    await host.until(() => host.text.endsWith('\r\nNO CARRIER\r\n'));
    expect(new TextDecoder().decode(phase.heard)).toContain('seen.txt');
    expect(await host.run('#FTPPWD')).toBe('\r\n#FTPPWD: 257 "/incoming" is the current directory\r\n\r\nOK\r\n');
    expect(await host.run('#FTPMSG')).toBe('\r\n#FTPMSG: 257 "/incoming" is the current directory\r\n\r\nOK\r\n');
    expect(await host.run('#FTPTYPE', 1)).toBe('\r\nOK\r\n');
    expect(await host.run('#FTPTYPE')).toBe('\r\n#FTPTYPE: 1\r\n\r\nOK\r\n');
  });

  it('fetches in command mode, piece by piece', async () => {
    server.write('packet.bin', everything);
    expect(await host.run('#FTPGETPKT', 'packet.bin', 0)).toBe('\r\nOK\r\n');
    expect(await host.run('#FTPPWD')).toBe('\r\n+CME ERROR: 601\r\n');
    const parts: Uint8Array[] = [];
    for (;;) {
      const text = await host.run('#FTPRECV', 3000);
      const [header, size = ''] = /^\r\n#FTPRECV: (\d+)\r\n/.exec(text) ?? [''];
      parts.push(Buffer.from(text.slice(header.length, header.length + Number(size)), 'latin1'));
      if (Number(size) > 0) continue;
      if ((await host.read('#FTPGETPKT')).includes('packet.bin,0,1')) break;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(Buffer.compare(Buffer.concat(parts), everything)).toBe(0);
    expect(await host.run('#FTPPWD')).toContain('257');
  });

  it('says NO CARRIER to what the server refuses, and goes on', async () => {
    expect(await host.run('#FTPPUT', '/no/such/dir/f')).toBe('\r\nNO CARRIER\r\n');
    expect(await host.run('#FTPGET', 'nothing-here')).toBe('\r\nNO CARRIER\r\n');
    expect(await host.run('#FTPMSG')).toContain('#FTPMSG: 550 ');
    expect(await host.run('#FTPFSIZE', 'nothing-here')).toBe('\r\n+CME ERROR: 606\r\n');
    expect(await host.run('#FTPCWD', 'nothing-here')).toBe('\r\n+CME ERROR: 606\r\n');
  });

  it('breaks a download off when the host escapes, and goes on', async () => {
    server.write('long.bin', new Uint8Array(20_000_000));
    const phase = await host.online('#FTPGET', 'long.bin');
    await host.until(() => phase.heard.length > 0);
    phase.stopFlow(true);
    phase.leave();
    await host.until(() => host.text.endsWith('\r\nNO CARRIER\r\n'));
    expect(await host.run('#FTPPWD')).toContain('257');
  });

  it('is one session, of the port that opened it', async () => {
    const other = module.host(2);
    expect(await other.run('#FTPOPEN', 'ftp', 'anonymous', 'p', mode)).toBe('\r\n+CME ERROR: 612\r\n');
    expect(await other.run('#FTPPWD')).toBe('\r\n+CME ERROR: 612\r\n');
    expect(await other.run('#FTPCLOSE')).toBe('\r\n+CME ERROR: 612\r\n');
    expect(await host.run('#FTPOPEN', 'ftp', 'anonymous', 'p', mode)).toBe('\r\n+CME ERROR: 608\r\n');
    expect(await host.run('#FTPCLOSE')).toBe('\r\nOK\r\n');
    expect(await host.run('#FTPCLOSE')).toBe('\r\n+CME ERROR: 607\r\n');
    expect(await host.run('#FTPGET', 'a')).toBe('\r\n+CME ERROR: 607\r\n');
    expect(await other.run('#FTPOPEN', 'ftp', 'anonymous', 'p', mode)).toBe('\r\nOK\r\n');
    other.vanish();
    expect(await host.run('#FTPOPEN', 'ftp', 'anonymous', 'p', mode)).toBe('\r\nOK\r\n');
  });

  it('ends with its context', async () => {
    server.write('long.bin', new Uint8Array(20_000_000));
    const phase = await host.online('#FTPGET', 'long.bin');
    await host.until(() => phase.heard.length > 0);
    module.table.contextLost(1);
    await host.until(() => host.text.endsWith('\r\nNO CARRIER\r\n'));
    expect(await host.run('#FTPPWD')).toBe('\r\n+CME ERROR: 607\r\n');
    expect(await host.run('#FTPOPEN', 'ftp', 'anonymous', 'p', mode)).toBe('\r\n+CME ERROR: 602\r\n');
  });

  it('says why it cannot begin', async () => {
    await host.run('#FTPCLOSE');
    expect(await host.run('#FTPOPEN', 'ftp', 'root', 'wrong', mode)).toBe('\r\n+CME ERROR: 606\r\n');
    expect(await host.run('#FTPOPEN', 'nowhere', 'a', 'b', mode)).toBe('\r\n+CME ERROR: 603\r\n');
    expect(await host.run('#FTPOPEN', '127.0.0.1:1', 'a', 'b', mode)).toBe('\r\n+CME ERROR: 605\r\n');
    expect(await host.run('#FTPOPEN', 'ftp', 'a\nDELE x', 'b', mode)).toBe('\r\n+CME ERROR: 601\r\n');
  });
});
