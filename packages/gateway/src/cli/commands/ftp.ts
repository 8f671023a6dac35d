import { Command } from 'commander';
import { createReadStream } from 'node:fs';
import { open, rename, stat, unlink } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { readSecret } from '../../config/read-secret.ts';
import { parseFtpUrl, type FtpUrl } from '../../core/ftp-url.ts';
import { localFailure } from '../../errors/describe-error.ts';
import { askGateway, type ControlTransfer } from '../../gateway/control-client.ts';
import { defaultControlPath } from '../../gateway/control-path.ts';
import { CONTROL_CHUNK_BYTES, type FtpAction, type FtpServer } from '../../gateway/control-protocol.ts';
import type { CommandEnvironment } from '../command-environment.ts';
import type { Console } from '../console.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { FtpProgressLine } from '../ftp-progress-line.ts';
import { integer } from '../option-values.ts';
import type { OnDone } from '../program.ts';
import { refuseSecrets } from '../refuse-secrets.ts';
import { usageError } from '../usage-error.ts';

interface FtpCommandOptions {
  readonly user?: string;
  readonly passwordFile?: string;
  readonly active?: boolean;
  readonly ascii?: boolean;
  readonly resume?: boolean;
  readonly timeout: number;
  readonly control: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ cellmux ftp get ftp://me@ftp.example/firmware.bin --password-file secret
  $ cellmux ftp get ftp://ftp.example/pub/list.txt -            to stdout
  $ cellmux ftp get --resume ftp://me@ftp.example/firmware.bin  goes on with firmware.bin.part
  $ cellmux ftp put ftp://me@ftp.example/in/ readings.csv       as in/readings.csv
  $ tail -n 100 log | cellmux ftp append ftp://me@ftp.example/log -
  $ cellmux ftp list ftp://me@ftp.example/in
  $ cellmux ftp size ftp://me@ftp.example/firmware.bin --json
  $ cellmux ftp rm ftp://me@ftp.example/in/readings.csv

The module transfers on port 3 of the gateway that runs (\`cellmux up\`), one job at a time; the others wait. The password
is the first line of --password-file, or CELLMUX_FTP_PASSWORD; never part of the address. %2F in front of a path begins at
the server's root. Sizes are compared at the end; what comes in part stays in FILE.part.`;

const VERBS: readonly (readonly [verb: FtpAction['verb'], what: string, local: string | undefined])[] = [
  ['get', 'Fetch a file: to LOCAL, else under its own name here; - is stdout.', '[local]'],
  ['put', 'Send a file, in place of what is there; - is stdin.', '<local>'],
  ['append', 'Send a file behind what is there; - is stdin.', '<local>'],
  ['list', 'List a directory.', undefined],
  ['size', 'Tell the size of a file in octets.', undefined],
  ['rm', 'Delete a file.', undefined],
];

/** `cellmux ftp`: files by the module's own FTP, through a running gateway. */
export function ftpCommand(environment: CommandEnvironment, onDone: OnDone): Command {
  const command = new Command('ftp').description("Transfer files by the module's FTP, through a running gateway.");
  for (const [verb, what, local] of VERBS) {
    const sub = command.command(verb).description(what).argument('<url>', 'ftp://[USER@]HOST[:PORT]/PATH');
    if (local !== undefined) sub.argument(local, 'a file of this machine, or -');
    sub
      .option('--user <name>', 'who logs in; the one in the address, else anonymous')
      .option('--password-file <file>', "the password: the file's first line; or CELLMUX_FTP_PASSWORD")
      .option('--active', 'the server opens the data connections; else the module does (passive)')
      .option('--ascii', 'line ends are converted; else files are transferred as they are');
    refuseSecrets(sub, { password: '--password-file FILE or CELLMUX_FTP_PASSWORD' });
    if (verb === 'get') sub.option('--resume', 'go on where FILE.part ends');
    sub
      .option('--timeout <s>', 'how long the module waits for the server', integer(10, 500), 100)
      .option('--control <path>', 'socket of the gateway', defaultControlPath(environment.console.streams.env))
      .option('--json', 'one JSON object, no progress')
      .addHelpText('after', EXAMPLES)
      .action(async (...args: readonly unknown[]) => {
        const [url, given] = args as [string, string | undefined];
        const file = local === undefined ? undefined : given;
        onDone(await runFtp(verb, url, file, sub.opts<FtpCommandOptions>(), environment));
      });
  }
  return command.addHelpText('after', EXAMPLES);
}

async function runFtp(
  verb: FtpAction['verb'],
  address: string,
  file: string | undefined,
  options: FtpCommandOptions,
  { console, signal }: CommandEnvironment,
): Promise<ExitCode> {
  const url = checkUrl(address);
  const server = await serverOf(url, options, console);
  const progress = new FtpProgressLine(console, options.json === true);
  const startMs = performance.now();
  const run = async (action: FtpAction, transfer: ControlTransfer): Promise<number> => {
    try {
      const question = { method: 'ftp', server, action } as const;
      const answer = await askGateway(options.control, question, { signal, ...transfer });
      return (answer as { readonly bytes: number }).bytes;
    } finally {
      progress.end();
    }
  };
  const told = (bytes: number, more: object = {}): void => {
    const ms = Math.round(performance.now() - startMs);
    if (options.json === true) console.printJson({ verb, host: url.host, path: url.path, bytes, ms, ...more });
  };
  switch (verb) {
    case 'get':
      await get(url, file, options, { console, run, told, progress });
      break;
    case 'put':
    case 'append': {
      const local = file ?? '-';
      const path = nameThere(url, local);
      const { stream, totalBytes } = await openSource(local, console.streams.stdin);
      let bytes: number;
      try {
        bytes = await run(
          { verb, path },
          {
            source: slicesOf(stream, local),
            onTaken: (taken) => {
              progress.show(path, taken, totalBytes);
            },
          },
        );
      } finally {
        // One that has nothing more to say would keep the program.
        stream.destroy();
      }
      told(bytes, { local });
      if (options.json !== true) console.note(`${path}: ${bytes} octets sent`);
      break;
    }
    case 'list': {
      const chunks: Uint8Array[] = [];
      const onData = (bytes: Uint8Array): Promise<void> => {
        chunks.push(bytes);
        return Promise.resolve();
      };
      await run({ verb, path: url.path }, { onData });
      const lines = Buffer.concat(chunks).toString().split('\n').slice(0, -1);
      if (options.json === true) told(lines.length, { lines });
      else for (const line of lines) console.print(line);
      break;
    }
    case 'size': {
      const bytes = await run({ verb, path: named(url) }, {});
      told(bytes);
      if (options.json !== true) console.print(String(bytes));
      break;
    }
    case 'rm':
      told(await run({ verb, path: named(url) }, {}));
      break;
  }
  return EXIT.ok;
}

interface GetParts {
  readonly console: Console;
  readonly run: (action: FtpAction, transfer: ControlTransfer) => Promise<number>;
  readonly told: (bytes: number, more: object) => void;
  readonly progress: FtpProgressLine;
}

async function get(
  url: FtpUrl,
  file: string | undefined,
  { resume, json }: FtpCommandOptions,
  { console, run, told, progress }: GetParts,
): Promise<void> {
  const path = named(url);
  const local = file ?? basename(path);
  let bytes = 0;
  const count = (chunk: Uint8Array, from: number, totalBytes: number | undefined): void => {
    bytes += chunk.length;
    progress.show(path, from + bytes, totalBytes);
  };
  if (local === '-') {
    if (json === true || resume === true) {
      throw usageError('stdout takes the file: --json and --resume need a file to write to');
    }
    await run(
      { verb: 'get', path, offset: 0 },
      {
        onData: async (chunk, totalBytes) => {
          count(chunk, 0, totalBytes);
          await writeAll(console.streams.stdout, chunk);
        },
      },
    );
    return;
  }
  const part = `${local}.part`;
  const offset = resume === true ? await sizeOf(part) : 0;
  const target = await open(part, resume === true ? 'a' : 'w').catch((error: unknown) => {
    throw localFailure(`cannot write ${part}`, error);
  });
  try {
    await run(
      { verb: 'get', path, offset },
      {
        onData: async (chunk, totalBytes) => {
          await target.writeFile(chunk).catch((error: unknown) => {
            throw localFailure(`cannot write ${part}`, error);
          });
          count(chunk, offset, totalBytes);
        },
      },
    );
  } catch (error) {
    // A part of nothing helps nobody.
    if (offset + bytes === 0) await unlink(part);
    else if (json !== true) console.note(`${part} has ${offset + bytes} octets: --resume goes on there`);
    throw error;
  } finally {
    await target.close();
  }
  await rename(part, local).catch((error: unknown) => {
    throw localFailure(`cannot rename ${part} to ${local}`, error);
  });
  told(bytes, { local, offset });
  if (json !== true) console.note(`${local}: ${offset + bytes} octets`);
}

/** The address, checked; what is wrong with it is told without it where a password stands in it. */
function checkUrl(address: string): FtpUrl {
  const url = parseFtpUrl(address);
  if (url?.hasPassword === true || (url === undefined && address.includes('@'))) {
    throw usageError(
      url === undefined
        ? 'the address is not ftp://[USER@]HOST[:PORT]/PATH'
        : 'a password stands in the address, where every user of this machine can read it',
      'Give the password by --password-file FILE or CELLMUX_FTP_PASSWORD, and the address without it.',
    );
  }
  if (url !== undefined) return url;
  throw usageError(`${JSON.stringify(address)} is not ftp://[USER@]HOST[:PORT]/PATH`);
}

async function serverOf(
  { host, port, user: ofUrl }: FtpUrl,
  { user = ofUrl, passwordFile, active, ascii, timeout }: FtpCommandOptions,
  { streams: { env } }: Console,
): Promise<FtpServer> {
  const password = await readSecret({ what: 'password', file: passwordFile, variable: 'CELLMUX_FTP_PASSWORD', env });
  if (password === undefined && user !== undefined && user !== 'anonymous') {
    throw usageError(
      `${user} logs in with a password, and there is none`,
      'Give --password-file FILE or CELLMUX_FTP_PASSWORD.',
    );
  }
  return {
    host,
    port,
    user: user ?? 'anonymous',
    // What RFC 1635 asks of who logs in as anonymous is an address; servers take any.
    password: password ?? 'anonymous@',
    passive: active !== true,
    type: ascii === true ? 'ascii' : 'binary',
    timeoutMs: timeout * 1000,
  };
}

/** The path of a file; a directory is none. */
function named({ path }: FtpUrl): string {
  if (path !== '' && !path.endsWith('/')) return path;
  throw usageError('the address ends with a directory, and a file is wanted');
}

/** Where a file goes: under its own name where the address is that of a directory. */
function nameThere(url: FtpUrl, local: string): string {
  if (url.path !== '' && !url.path.endsWith('/')) return url.path;
  if (local === '-') throw usageError('what comes from stdin has no name: the address must end with one');
  return `${url.path}${basename(local)}`;
}

async function openSource(
  local: string,
  stdin: Readable,
): Promise<{ readonly stream: Readable; readonly totalBytes: number | undefined }> {
  if (local === '-') return { stream: stdin, totalBytes: undefined };
  const { size } = await stat(local).catch((error: unknown) => {
    throw localFailure(`cannot read ${local}`, error);
  });
  return { stream: createReadStream(local), totalBytes: size };
}

async function* slicesOf(stream: Readable, name: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream as AsyncIterable<Buffer | string>) {
      const bytes = Buffer.from(chunk as Buffer);
      for (let offset = 0; offset < bytes.length; offset += CONTROL_CHUNK_BYTES) {
        yield bytes.subarray(offset, offset + CONTROL_CHUNK_BYTES);
      }
    }
  } catch (error) {
    throw localFailure(`cannot read ${name === '-' ? 'stdin' : name}`, error);
  }
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0;
}

function writeAll(stream: Writable, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(bytes, (error) => {
      if (error === null || error === undefined) resolve();
      else reject(localFailure('cannot write to stdout', error));
    });
  });
}
