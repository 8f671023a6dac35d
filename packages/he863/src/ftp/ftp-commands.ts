import type { CommandResult } from '@cellmux/at';
import { latin1, toHex } from '@cellmux/port';
import { integer, numberAt, string, textAt, type Context, type Declaration } from '../sockets/commands/arguments.ts';
import type { Transport } from '../sockets/transport.ts';
import { FTP_ERRORS, FtpFailure, ftpErrorOf } from './ftp-failure.ts';
import { ftpServiceOf, type FtpService } from './ftp-service.ts';
import type { FtpSession } from './ftp-session.ts';
import { transferOnline } from './online-transfer.ts';
import { PacketDownload } from './packet-download.ts';

const NAME_LENGTH = 200;
const CREDENTIAL_LENGTH = 100;
/** A value that was left out: `#FTPTO=` and `#FTPTYPE=` are read forms (guide §3.3, §3.3.2). */
const LEFT_OUT = -1;
/** The largest `<blocksize>` of #FTPRECV. */
const BLOCK_BYTES = 3000;

const fileName = string('filename', NAME_LENGTH);

/** The FTP commands (guide §3.3): a session, transfers in online mode, and downloads in command mode. */
export const ftpCommands: readonly Declaration[] = [
  {
    name: '#FTPTO',
    parameters: [integer('tout', 100, 5000, LEFT_OUT)],
    set: (context, args) => {
      if (numberAt(args, 0) === LEFT_OUT) return showTimeout(context);
      serviceOf(context).timeout = numberAt(args, 0);
      return 'OK';
    },
    execute: showTimeout,
    read: showTimeout,
  },
  {
    name: '#FTPOPEN',
    parameters: [
      string('server:port', NAME_LENGTH),
      string('username', CREDENTIAL_LENGTH, ''),
      string('password', CREDENTIAL_LENGTH, ''),
      integer('mode', 0, 1, 0),
    ],
    set: (context, args) =>
      answered(async () => {
        const [server, user, password] = [0, 1, 2].map((index) => plain(textAt(args, index))) as [
          string,
          string,
          string,
        ];
        const { session, signal } = context;
        const passive = numberAt(args, 3) === 1;
        await serviceOf(context).open(session, { server, user, password, passive, signal });
      }),
    test: '',
  },
  {
    name: '#FTPCLOSE',
    execute: (context) => answered(() => serviceOf(context).close(context.session)),
    test: '',
  },
  {
    name: '#FTPTYPE',
    parameters: [integer('type', 0, 1, LEFT_OUT)],
    set: (context, args) =>
      numberAt(args, 0) === LEFT_OUT
        ? showType(context)
        : withSession(context, (session) => session.setType(numberAt(args, 0))),
    execute: showType,
    read: showType,
  },
  {
    name: '#FTPMSG',
    execute: (context) => {
      const [first = '', ...rest] = serviceOf(context).lastLines;
      context.info(`#FTPMSG: ${first}`);
      for (const line of rest) context.info(line);
      return 'OK';
    },
    test: '',
  },
  upload('#FTPPUT', (session, file) => session.store(file)),
  upload('#FTPAPP', (session, file) => session.append(file)),
  {
    name: '#FTPGET',
    parameters: [fileName],
    set: (context, args) => download(context, (session) => session.retrieve(plain(textAt(args, 0)))),
    test: '',
  },
  {
    name: '#FTPLIST',
    parameters: [string('name', NAME_LENGTH, '')],
    set: (context, args) => download(context, (session) => session.list(plain(textAt(args, 0)))),
    execute: (context) => download(context, (session) => session.list('')),
    test: '',
  },
  {
    name: '#FTPREST',
    parameters: [integer('restartposition', 0, 2 ** 31 - 1)],
    set: (context, args) =>
      withSession(context, (session) => {
        session.restartAt(numberAt(args, 0));
      }),
    test: '',
  },
  {
    name: '#FTPGETPKT',
    parameters: [fileName, integer('viewMode', 0, 1, 0)],
    set: (context, args) =>
      withSession(context, async (session) => {
        const file = plain(textAt(args, 0));
        const transport = await session.retrieve(file);
        const service = serviceOf(context);
        service.download = new PacketDownload(file, numberAt(args, 1), transport, () => session.finished());
      }),
    read: (context) => {
      const { download: packets } = serviceOf(context);
      if (packets === undefined) return { cme: FTP_ERRORS.wrongState };
      context.info(`#FTPGETPKT: ${packets.file},${packets.viewMode},${packets.isComplete ? 1 : 0}`);
      return 'OK';
    },
    test: '',
  },
  {
    name: '#FTPRECV',
    parameters: [integer('blocksize', 1, BLOCK_BYTES)],
    set: (context, args) => {
      const { download: packets } = serviceOf(context);
      if (packets === undefined) return { cme: FTP_ERRORS.wrongState };
      const bytes = packets.take(numberAt(args, 0));
      context.info(`#FTPRECV: ${bytes.length}`);
      if (bytes.length === 0) return 'OK';
      context.raw(packets.viewMode === 0 ? bytes : latin1(toHex(bytes)));
      context.raw(latin1('\r\n'));
      return 'OK';
    },
    read: (context) => {
      const { download: packets } = serviceOf(context);
      if (packets === undefined) return { cme: FTP_ERRORS.wrongState };
      context.info(`#FTPRECV: ${packets.available}`);
      return 'OK';
    },
  },
  {
    name: '#FTPCWD',
    parameters: [string('dirname', NAME_LENGTH, '/')],
    set: (context, args) => withSession(context, (session) => session.changeDirectory(plain(textAt(args, 0)))),
    execute: (context) => withSession(context, (session) => session.changeDirectory('/')),
    test: '',
  },
  {
    name: '#FTPPWD',
    execute: (context) =>
      withSession(context, async (session) => {
        context.info(`#FTPPWD: ${await session.workingDirectory()}`);
      }),
    test: '',
  },
  {
    name: '#FTPDELE',
    parameters: [fileName],
    set: (context, args) => withSession(context, (session) => session.delete(plain(textAt(args, 0)))),
    test: '',
  },
  {
    name: '#FTPFSIZE',
    parameters: [fileName],
    set: (context, args) =>
      withSession(context, async (session) => {
        context.info(`#FTPFSIZE: ${await session.size(plain(textAt(args, 0)))}`);
      }),
    test: '',
  },
];

function serviceOf(context: Context): FtpService {
  return ftpServiceOf(context.session.module);
}

/** Runs a step of FTP: OK, or the +CME ERROR of its failure. */
async function answered(step: () => unknown): Promise<CommandResult> {
  try {
    await step();
    return 'OK';
  } catch (error) {
    const cme = ftpErrorOf(error);
    if (cme === undefined) throw error;
    return { cme };
  }
}

function withSession(context: Context, step: (session: FtpSession) => unknown): Promise<CommandResult> {
  return answered(async () => step(await serviceOf(context).session(context.session)));
}

async function showType(context: Context): Promise<CommandResult> {
  return withSession(context, (session) => {
    context.info(`#FTPTYPE: ${session.type}`);
  });
}

function showTimeout(context: Context): CommandResult {
  context.info(`#FTPTO: ${serviceOf(context).timeout}`);
  return 'OK';
}

/** CONNECT, the bytes of the host until it escapes, NO CARRIER (guide §3.3.3). */
function upload(name: string, begin: (session: FtpSession, file: string) => Promise<Transport>): Declaration {
  return {
    name,
    parameters: [fileName],
    set: (context, args) => transfer(context, 'toServer', (session) => begin(session, plain(textAt(args, 0)))),
    test: '',
  };
}

/** CONNECT, the bytes of the server, NO CARRIER (guide §3.3.4). */
function download(context: Context, begin: (session: FtpSession) => Promise<Transport>): Promise<CommandResult> {
  return transfer(context, 'toHost', begin);
}

async function transfer(
  context: Context,
  direction: 'toHost' | 'toServer',
  begin: (session: FtpSession) => Promise<Transport>,
): Promise<CommandResult> {
  let session: FtpSession;
  try {
    session = await serviceOf(context).session(context.session);
  } catch (error) {
    const cme = ftpErrorOf(error);
    if (cme === undefined) throw error;
    return { cme };
  }
  const { clock } = context.session.module;
  try {
    const transport = await begin(session);
    const why = await transferOnline({ context, transport, clock, direction });
    // An upload ends with the escape; a download that the host leaves is broken off.
    if (why === 'closed' || (direction === 'toServer' && why === 'escaped')) transport.end();
    else transport.abort();
    await session.finished();
  } catch (error) {
    if (ftpErrorOf(error) === undefined) throw error;
  }
  return 'NO CARRIER';
}

/** A text that can be part of one line of the control connection. */
function plain(text: string): string {
  if (/[\u0000-\u001f\u007f]/.test(text)) throw new FtpFailure(FTP_ERRORS.wrongState);
  return text;
}
