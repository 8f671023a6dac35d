import type { CommandResult } from '@cellmux/at';
import { SOCKET_ERRORS } from '../sockets/machine/socket-transitions.ts';
import { integer, numberAt, string, textAt, type Context, type Declaration } from '../sockets/commands/arguments.ts';
import { emailServiceOf, type EmailService, type EmailSettings } from './email-service.ts';
import { isPlain } from './mail-message.ts';

const TEXT_LENGTH = 100;
/** The most bytes of a mail; what is typed beyond is dropped. */
export const MAIL_BODY_BYTES = 16 * 1024;

/** The mail commands: one SMTP server, one sender, mails of plain text. */
export const emailCommands: readonly Declaration[] = [
  setting('#ESMTP', 'server', true),
  setting('#EADDR', 'address', true),
  setting('#EUSER', 'user', true),
  setting('#EPASSW', 'password', false),
  {
    name: '#ESAV',
    execute: (context) => {
      serviceOf(context).save();
      return 'OK';
    },
    test: '',
  },
  {
    name: '#ERST',
    execute: (context) => {
      serviceOf(context).restoreFactory();
      return 'OK';
    },
    test: '',
  },
  {
    name: '#EMAILACT',
    parameters: [integer('mode', 0, 1)],
    set: (context, args): CommandResult | Promise<CommandResult> => {
      const service = serviceOf(context);
      if (numberAt(args, 0) === 1) return service.activate(context.signal);
      service.deactivate();
      return 'OK';
    },
    read: (context) => {
      context.info(`#EMAILACT: ${serviceOf(context).isActive ? 1 : 0}`);
      return 'OK';
    },
  },
  {
    name: '#EMAILD',
    parameters: mailParameters(),
    set: (context, args) => sendMail(context, textAt(args, 0), textAt(args, 1)),
    test: '',
  },
  {
    // The older form: brings the context up and down by itself.
    name: '#SEMAIL',
    parameters: mailParameters(),
    set: async (context, args) => {
      const service = serviceOf(context);
      if (!service.isActive) {
        const activated = await service.activate(context.signal);
        if (activated !== 'OK') return activated;
      }
      try {
        return await sendMail(context, textAt(args, 0), textAt(args, 1));
      } finally {
        service.deactivate();
      }
    },
    test: '',
  },
  {
    name: '#EMAILMSG',
    execute: (context) => {
      const [first = '', ...rest] = serviceOf(context).lastLines;
      context.info(`#EMAILMSG: ${first}`);
      for (const line of rest) context.info(line);
      return 'OK';
    },
    test: '',
  },
];

function mailParameters(): NonNullable<Declaration['parameters']> {
  return [string('to', TEXT_LENGTH), string('subject', TEXT_LENGTH), integer('att', 0, 0, 0)];
}

function serviceOf(context: Context): EmailService {
  return emailServiceOf(context.session.module);
}

async function sendMail(context: Context, to: string, subject: string): Promise<CommandResult> {
  const service = serviceOf(context);
  if (!isPlain(to, true) || !isPlain(subject, false)) return { cme: SOCKET_ERRORS.operationNotAllowed };
  const refused = service.refusal();
  if (refused !== undefined) return refused;
  const body = await context.prompt({ kind: 'ctrlZ', maximumBytes: MAIL_BODY_BYTES });
  return body === undefined ? 'OK' : service.send({ to, subject, body }, context.signal);
}

function setting(name: string, key: keyof EmailSettings, isReadable: boolean): Declaration {
  return {
    name,
    parameters: [string(key, TEXT_LENGTH, '')],
    set: (context, args) => {
      const value = textAt(args, 0);
      if (!isPlain(value, key === 'address')) return { cme: SOCKET_ERRORS.operationNotAllowed };
      serviceOf(context).change({ [key]: value });
      return 'OK';
    },
    ...(isReadable
      ? {
          read: (context: Context): CommandResult => {
            context.info(`${name}: "${serviceOf(context).settings[key]}"`);
            return 'OK';
          },
        }
      : {}),
    test: '',
  };
}
