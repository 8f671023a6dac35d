import { expect, it } from 'vitest';
import { hasRealFtpServer, RealFtpServer } from '../../packages/he863/src/ftp/testing/real-ftp-server.ts';
import { setUpModule } from './module-setup.ts';

it.skipIf(!hasRealFtpServer && process.env['CI'] === undefined)(
  'FTP belongs to the port that opened it, until it is closed there (guide §3.2.2.6; apt-get install vsftpd)',
  async () => {
    await using server = await RealFtpServer.start();
    const { ipEasy, clients } = await setUpModule({ ports: 2, module: { hosts: { ftp: `127.0.0.1:${server.port}` } } });
    const account = { host: 'ftp', user: 'anonymous', password: 'pass' } as const;
    // Somebody else has the session, on the first port; the library takes the last one.
    await clients[0]?.command('AT#FTPOPEN="ftp","anonymous","pass",1', { timeoutMs: 30_000 });
    await expect(ipEasy.ftp(account)).rejects.toMatchObject({
      code: 'ERR_IPEASY_FTP_OTHER_PORT',
      context: { cme: 612 },
    });
    await clients[0]?.command('AT#FTPCLOSE', { timeoutMs: 30_000 });
    const session = await ipEasy.ftp(account);
    await expect(ipEasy.ftp(account)).rejects.toMatchObject({ code: 'ERR_IPEASY_FTP_ALREADY_CONNECTED' });
    await expect(clients[0]?.command('AT#FTPPWD')).rejects.toMatchObject({ context: { cme: 612 } });
    expect(await session.pwd()).toBe('/');
    await session.close();
    await (await ipEasy.ftp(account)).close();
  },
);
