import { constants } from 'node:fs';
import { dirname } from 'node:path';
import type koffiPackage from 'koffi';
import { CellmuxError } from '../core/cellmux-error.ts';
import { dependencyMissingError } from '../dependency.ts';

// Linux, the same on all architectures that Node.js runs on.
const O_CLOEXEC = 0o2000000;
const TIOCNXCL = 0x540d;
const FIONREAD = 0x541b;
const TCSANOW = 0;
const IN_CLOSE_WRITE = 0x08;
const IN_CLOSE_NOWRITE = 0x10;
const IN_OPEN = 0x20;
/** More than any `struct termios`. */
const TERMIOS_BYTES = 256;

/** The calls of the C library that a pty is made with. Each throws `ERR_PORT_PTY_FAILED` where the system says no. */
export interface Libc {
  /** A new master: not blocking, closed in children. */
  openMaster(): number;
  /** The device of the master's slave, unlocked. */
  slavePath(master: number): string;
  /** Makes a terminal pass every octet as it is: no echo, no lines, no signals, no translation of CR and LF. */
  makeRaw(slave: number): void;
  /** Ends the exclusive use that a program has left behind. */
  endExclusive(slave: number): void;
  /** Octets that a reader of the slave has not read yet. */
  unreadOctets(slave: number): number;
  /** A descriptor that tells of programs that open and close the device, each time; not blocking. */
  watch(path: string): number;
}

/** The number of the first watch of an inotify instance. */
const DEVICE_WATCH = 1;

/** What was read from {@link Libc.watch}: 1 for each opening of the device, -1 for each closing, in order. */
export function openingsAndClosings(events: Buffer): (1 | -1)[] {
  const changes: (1 | -1)[] = [];
  // struct inotify_event: wd, mask, cookie, length of the name behind it; 32 bits each.
  for (let at = 0; at + 16 <= events.length; at += 16 + events.readUInt32LE(at + 12)) {
    if (events.readInt32LE(at) !== DEVICE_WATCH) continue;
    const mask = events.readUInt32LE(at + 4);
    if ((mask & IN_OPEN) !== 0) changes.push(1);
    if ((mask & (IN_CLOSE_WRITE | IN_CLOSE_NOWRITE)) !== 0) changes.push(-1);
  }
  return changes;
}

let loaded: Promise<Libc> | undefined;

/** Loads `koffi` and binds the calls, once. */
export function loadLibc(): Promise<Libc> {
  loaded ??= bind();
  return loaded;
}

async function bind(): Promise<Libc> {
  if (process.platform !== 'linux') {
    throw new CellmuxError('ERR_PORT_UNSUPPORTED', `A pty can be made on Linux only, not on ${process.platform}`, {
      hint: 'Use TCP between the two programs.',
    });
  }
  let koffi: typeof koffiPackage;
  try {
    koffi = (await import('koffi')).default;
  } catch (error) {
    throw dependencyMissingError('koffi', 'A pty', error);
  }
  // The C library that Node.js itself runs on, whichever it is.
  const libc = koffi.load(null);
  const call = (name: string, declaration: string): ((...values: unknown[]) => number) => {
    const native = libc.func(declaration) as (...values: unknown[]) => number;
    return (...values) => {
      const result = native(...values);
      if (result >= 0) return result;
      const errno = koffi.errno();
      throw new CellmuxError('ERR_PORT_PTY_FAILED', `Making a pty failed: ${name}, errno ${errno}`, {
        hint: 'Check that /dev/ptmx and /dev/pts are there and that there are ptys left.',
        context: { call: name, errno },
      });
    };
  };
  const posixOpenpt = call('posix_openpt', 'int posix_openpt(int)');
  const grantpt = call('grantpt', 'int grantpt(int)');
  const unlockpt = call('unlockpt', 'int unlockpt(int)');
  const ptsname = call('ptsname_r', 'int ptsname_r(int, _Out_ char *, size_t)');
  const tcgetattr = call('tcgetattr', 'int tcgetattr(int, void *)');
  const tcsetattr = call('tcsetattr', 'int tcsetattr(int, int, void *)');
  const cfmakeraw = libc.func('void cfmakeraw(void *)') as (termios: Buffer) => void;
  const ioctl = call('ioctl', 'int ioctl(int, unsigned long, void *)');
  const inotifyInit = call('inotify_init1', 'int inotify_init1(int)');
  const inotifyAddWatch = call('inotify_add_watch', 'int inotify_add_watch(int, const char *, uint32_t)');
  return {
    openMaster: () => posixOpenpt(constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK | O_CLOEXEC),
    slavePath: (master) => {
      grantpt(master);
      unlockpt(master);
      const name = Buffer.alloc(256);
      ptsname(master, name, name.length);
      return name.toString('latin1', 0, name.indexOf(0));
    },
    makeRaw: (slave) => {
      const termios = Buffer.alloc(TERMIOS_BYTES);
      tcgetattr(slave, termios);
      cfmakeraw(termios);
      tcsetattr(slave, TCSANOW, termios);
    },
    endExclusive: (slave) => {
      ioctl(slave, TIOCNXCL, null);
    },
    unreadOctets: (slave) => {
      const count = Buffer.alloc(4);
      ioctl(slave, FIONREAD, count);
      return count.readInt32LE(0);
    },
    watch: (path) => {
      const fd = inotifyInit(constants.O_NONBLOCK | O_CLOEXEC);
      const mask = IN_OPEN | IN_CLOSE_WRITE | IN_CLOSE_NOWRITE;
      inotifyAddWatch(fd, path, mask);
      // Of two events alike, one behind the other, the system keeps one. With the folder watched as well, each is said
      // twice, with a name and without, so that no two neighbours are alike and none is lost.
      inotifyAddWatch(fd, dirname(path), mask);
      return fd;
    },
  };
}
