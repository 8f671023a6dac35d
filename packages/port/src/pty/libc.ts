import { CellmuxError } from '../core/cellmux-error.ts';
import { optionalPeer } from '../optional-peer.ts';

/** A struct termios on every system with glibc or musl is smaller than this. */
const TERMIOS_BYTES = 256;
const TCSANOW = 0;
const FIONREAD = 0x541b;

/** The calls of the C library that make a pty. */
export interface PtyCalls {
  openMaster(flags: number): number;
  slavePath(fd: number): string;
  makeRaw(fd: number): void;
  /** Octets that the reader of a tty has not taken. */
  unreadBytes(fd: number): number;
}

let calls: Promise<PtyCalls> | undefined;

/** Loads them through koffi, once. */
export function ptyCalls(): Promise<PtyCalls> {
  calls ??= load();
  return calls;
}

function failed(what: string): CellmuxError {
  return new CellmuxError('ERR_PORT_PTY', `the system gave no pty: ${what} failed`, {
    hint: 'Is /dev/pts mounted and are ptys left (/proc/sys/kernel/pty/max)?',
  });
}

async function load(): Promise<PtyCalls> {
  if (process.platform !== 'linux') {
    throw new CellmuxError('ERR_PORT_PTY', `ptys are made on Linux only, not on ${process.platform}`);
  }
  const koffi = (await optionalPeer('koffi', () => import('koffi'))).default;
  const libc = koffi.load(null);
  const openpt = libc.func('int posix_openpt(int flags)') as (flags: number) => number;
  const grantpt = libc.func('int grantpt(int fd)') as (fd: number) => number;
  const unlockpt = libc.func('int unlockpt(int fd)') as (fd: number) => number;
  const ptsname = libc.func('int ptsname_r(int fd, void *buffer, size_t length)') as (
    fd: number,
    buffer: Buffer,
    length: number,
  ) => number;
  const tcgetattr = libc.func('int tcgetattr(int fd, void *termios)') as (fd: number, termios: Buffer) => number;
  const cfmakeraw = libc.func('void cfmakeraw(void *termios)') as (termios: Buffer) => void;
  const tcsetattr = libc.func('int tcsetattr(int fd, int when, void *termios)') as (
    fd: number,
    when: number,
    termios: Buffer,
  ) => number;
  const ioctl = libc.func('int ioctl(int fd, unsigned long request, void *value)') as (
    fd: number,
    request: number,
    value: Buffer,
  ) => number;
  return {
    openMaster: (flags) => {
      const fd = openpt(flags);
      if (fd < 0 || grantpt(fd) !== 0 || unlockpt(fd) !== 0) throw failed('posix_openpt');
      return fd;
    },
    slavePath: (fd) => {
      const buffer = Buffer.alloc(128);
      if (ptsname(fd, buffer, buffer.length) !== 0) throw failed('ptsname');
      return buffer.toString('latin1', 0, buffer.indexOf(0));
    },
    makeRaw: (fd) => {
      const termios = Buffer.alloc(TERMIOS_BYTES);
      if (tcgetattr(fd, termios) !== 0) throw failed('tcgetattr');
      cfmakeraw(termios);
      if (tcsetattr(fd, TCSANOW, termios) !== 0) throw failed('tcsetattr');
    },
    unreadBytes: (fd) => {
      const value = Buffer.alloc(4);
      return ioctl(fd, FIONREAD, value) === 0 ? value.readInt32LE() : 0;
    },
  };
}
