import type { FtpOptions, FtpProgress, IpEasyFtp } from '@cellmux/ipeasy';
import type { AbortOptions } from '@cellmux/port';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ControlExchange } from './control-exchange.ts';
import type { ControlRequest } from './control-protocol.ts';
import type { FtpWork } from './ftp-service.ts';

/** Runs an FTP job: `Gateway.ftp`. */
export type FtpRunner = <T>(server: FtpOptions, work: FtpWork<T>, options: AbortOptions) => Promise<T>;

/** A longer path is given to the module in two parts: its command line has 80 characters. */
const LONG_PATH = 50;

/** Carries out an FTP job of the control socket; the value of its answer is `{ bytes }`. */
export function carryOutFtp(
  ftp: FtpRunner,
  { server, action }: Extract<ControlRequest, { method: 'ftp' }>,
  signal: AbortSignal,
  exchange: ControlExchange,
): Promise<{ readonly bytes: number }> {
  return ftp(
    server,
    async (session, { signal: either }) => {
      const path = await approach(session, action.path, either);
      switch (action.verb) {
        case 'get': {
          let progress: FtpProgress = { bytes: 0, totalBytes: undefined };
          const options = { offset: action.offset, signal: either, onProgress: (now: FtpProgress) => (progress = now) };
          let bytes = 0;
          for await (const chunk of session.get(path, options)) {
            bytes += (chunk as Buffer).length;
            await exchange.send(chunk as Buffer, progress.totalBytes);
          }
          return { bytes };
        }
        case 'put':
        case 'append': {
          const upload = session.put(path, { append: action.verb === 'append', signal: either });
          const over = new AbortController();
          upload.once('close', () => {
            over.abort();
          });
          await pipeline(Readable.from(exchange.received(() => upload.bytesWritten, over.signal)), upload);
          return { bytes: upload.bytesWritten };
        }
        case 'list': {
          const lines = await session.list(path === '' ? undefined : path, { signal: either });
          await exchange.send(Buffer.from(lines.map((line) => `${line}\n`).join('')));
          return { bytes: lines.length };
        }
        case 'size':
          return { bytes: await session.size(path, { signal: either }) };
        case 'rm':
          await session.delete(path, { signal: either });
          return { bytes: 0 };
      }
    },
    { signal },
  );
}

/** Goes to the directory of a path that is long; gives what is left of it. */
async function approach(session: IpEasyFtp, path: string, signal: AbortSignal): Promise<string> {
  const slash = path.lastIndexOf('/');
  if (path.length <= LONG_PATH || slash < 1) return path;
  await session.cwd(path.slice(0, slash), { signal });
  return path.slice(slash + 1);
}
