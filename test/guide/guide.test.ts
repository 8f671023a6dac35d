import { describe, expect, it } from 'vitest';
import { hasRealFtpServer } from '../../packages/he863/src/ftp/testing/real-ftp-server.ts';
import { run as commandMode } from './command-mode.ts';
import { run as dialUp } from './dial-up.ts';
import { run as ftpAndSockets } from './ftp-and-sockets.ts';
import type { Say } from './guide-setup.ts';
import { run as httpClient } from './http-client.ts';
import { run as mailCommand } from './mail-command.ts';
import { run as pop3Receive } from './pop3-receive.ts';
import { run as smtpSend } from './smtp-send.ts';
import { run as suspendResume } from './suspend-resume.ts';
import { run as threePorts } from './three-ports.ts';
import { run as twoModules } from './two-modules.ts';

const PROGRAMS: readonly (readonly [name: string, run: (say: Say) => Promise<void>, isPossible?: boolean])[] = [
  ['3.5.1 HTTP client', httpClient],
  ['3.5.2 e-mail by SMTP', smtpSend],
  ["3.5.2 e-mail by the module's commands", mailCommand],
  ['3.5.3 e-mail by POP3', pop3Receive],
  ['3.5.4 two modules', twoModules],
  ['4.3.1 to 4.3.5 command mode', commandMode],
  ['3.2.1 suspend and resume', suspendResume],
  ['3.3 and 3.2.2.5 FTP beside sockets', ftpAndSockets, hasRealFtpServer],
  ['3.2.2.6 three ports, six connections', threePorts],
  ['3.2.2.8 dial-up beside sockets', dialUp],
];

describe('the scenarios of the IP Easy User Guide', () => {
  for (const [name, run, isPossible = true] of PROGRAMS) {
    it.skipIf(!isPossible)(name, { timeout: 60_000 }, async () => {
      const said: string[] = [];
      await run((line) => said.push(line));
      expect(said.length).toBeGreaterThan(0);
    });
  }
});
