import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe } from 'vitest';

/** The programs of Debian's packages that tests run as peers, and the package that has each. */
const PACKAGES = {
  'linux.uml': 'user-mode-linux',
  pppd: 'ppp',
  insmod: 'kmod',
  gcc: 'gcc',
  tshark: 'tshark',
  nginx: 'nginx-light',
  vsftpd: 'vsftpd',
  curl: 'curl',
  ip: 'iproute2',
  ping: 'iputils-ping',
  perl: 'perl-base',
  minicom: 'minicom',
  script: 'bsdutils',
  'systemd-analyze': 'systemd',
} as const;

export type PeerProgram = keyof typeof PACKAGES;

function isInstalled(program: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * A suite that needs real peers. Where one is missing it says which package to install and is skipped; in CI it fails.
 */
export function describeWithPeers(title: string, programs: readonly PeerProgram[], suite: () => void): void {
  const missing = programs.filter((program) => !isInstalled(program)).map((program) => PACKAGES[program]);
  if (missing.length === 0) {
    describe(title, suite);
    return;
  }
  const what = `apt-get install ${missing.join(' ')}`;
  if (process.env['CI'] !== undefined) throw new Error(`${title}: a peer is missing: ${what}`);
  describe.skip(`${title} (skipped: ${what})`, suite);
}
