import { existsSync } from 'node:fs';
import { hasRealFtpServer } from '../../packages/he863/src/ftp/testing/real-ftp-server.ts';
import type { Say } from './guide-setup.ts';
import { hasRealPop3Server } from './real-pop3-server.ts';

/** One scenario of the IP Easy User Guide as a program. */
export interface GuideProgram {
  /** What `pnpm guide` calls it; the name of its file. */
  readonly name: string;
  /** Where it stands in the guide. */
  readonly clause: string;
  readonly title: string;
  /** A server that the machine lacks, and how to get it. */
  readonly missing?: string | undefined;
  readonly load: () => Promise<{ readonly run: (say: Say) => Promise<void> }>;
}

const missing = (isThere: boolean, what: string, debianPackage: string): string | undefined =>
  isThere ? undefined : `${what} is missing, or you are not root: apt-get install ${debianPackage}`;

export const GUIDE_PROGRAMS: readonly GuideProgram[] = [
  {
    name: 'http-client',
    clause: '3.5.1',
    title: 'an HTTP client; nginx is the server, or Node where there is none',
    load: () => import('./http-client.ts'),
  },
  {
    name: 'smtp-send',
    clause: '3.5.2',
    title: 'e-mail sent by SMTP with AUTH LOGIN',
    load: () => import('./smtp-send.ts'),
  },
  {
    name: 'mail-command',
    clause: '3.5.2',
    title: "the same e-mail by the module's own commands",
    load: () => import('./mail-command.ts'),
  },
  {
    name: 'pop3-receive',
    clause: '3.5.3',
    title: 'e-mail received by POP3 from Dovecot',
    missing: missing(hasRealPop3Server, 'Dovecot', 'dovecot-pop3d'),
    load: () => import('./pop3-receive.ts'),
  },
  {
    name: 'two-modules',
    clause: '3.5.4',
    title: 'two modules talk, one of them behind its firewall',
    load: () => import('./two-modules.ts'),
  },
  {
    name: 'command-mode',
    clause: '4.3.1 to 4.3.5',
    title: 'command mode: SRING in its three forms, accepting, and going online',
    load: () => import('./command-mode.ts'),
  },
  {
    name: 'suspend-resume',
    clause: '3.2.1',
    title: 'two connections on one AT port, suspended and resumed',
    load: () => import('./suspend-resume.ts'),
  },
  {
    name: 'ftp-and-sockets',
    clause: '3.3 and 3.2.2.5',
    title: 'files to and from vsftpd, beside an open socket',
    missing: missing(hasRealFtpServer, 'vsftpd', 'vsftpd'),
    load: () => import('./ftp-and-sockets.ts'),
  },
  {
    name: 'three-ports',
    clause: '3.2.2.6',
    title: 'six connections over three virtual ports, three of them online at the same time',
    load: () => import('./three-ports.ts'),
  },
  {
    name: 'dial-up',
    clause: '3.2.2.8',
    title: 'dial-up beside sockets',
    load: () => import('./dial-up.ts'),
  },
];

/** Whether the machine has nginx, so that the web server of the programs is a real one. */
export const hasRealWebServer = existsSync('/usr/sbin/nginx');
