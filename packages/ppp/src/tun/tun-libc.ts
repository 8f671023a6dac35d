import { createRequire } from 'node:module';
import type koffiPackage from 'koffi';
import { CellmuxError } from '@cellmux/port';

/** Results of the calls below zero are `-errno`. */
export interface TunLibc {
  /** Where koffi is, for a thread of its own. */
  readonly koffiPath: string;
  /** `TUNSETIFF`: makes the descriptor a TUN device, or takes an existing one; the name is filled in. */
  setInterface(fd: number, request: Buffer): number;
  /** `TUNGETIFF`: name and flags as they are. */
  getInterface(fd: number, request: Buffer): number;
  /** A descriptor that another thread can be woken with. */
  eventFd(): number;
  write(fd: number, packet: Uint8Array, octets: number): number;
}

const TUNSETIFF = 0x400454ca;
const TUNGETIFF = 0x800454d2;
const EFD_CLOEXEC = 0o2000000;

/**
 * Loads koffi and binds the calls.
 *
 * @throws CellmuxError `ERR_PPP_TUN_UNSUPPORTED` where there is no koffi or no Linux.
 */
export function loadTunLibc(): TunLibc {
  if (process.platform !== 'linux') {
    throw new CellmuxError('ERR_PPP_TUN_UNSUPPORTED', `TUN devices are for Linux, not ${process.platform}`, {
      hint: "Use packets$ and send(), or the packet stream of '@cellmux/ppp/duplex'.",
    });
  }
  let koffi: typeof koffiPackage;
  const require = createRequire(import.meta.url);
  try {
    koffi = require('koffi') as typeof koffiPackage;
  } catch (error) {
    throw new CellmuxError('ERR_PPP_TUN_UNSUPPORTED', 'A TUN device needs the package koffi', {
      cause: error,
      hint: 'Install it beside this package: npm install koffi.',
    });
  }
  const libc = koffi.load(null);
  const bind = (declaration: string): ((...values: unknown[]) => number) => {
    const native = libc.func(declaration) as (...values: unknown[]) => number;
    return (...values) => {
      const result = native(...values);
      return result >= 0 ? result : -koffi.errno();
    };
  };
  const ioctl = bind('int ioctl(int, unsigned long, void *)');
  const eventfd = bind('int eventfd(unsigned int, int)');
  const write = bind('long write(int, void *, size_t)');
  return {
    koffiPath: require.resolve('koffi'),
    setInterface: (fd, request) => ioctl(fd, TUNSETIFF, request),
    getInterface: (fd, request) => ioctl(fd, TUNGETIFF, request),
    eventFd: () => eventfd(0, EFD_CLOEXEC),
    write: (fd, packet, octets) => write(fd, packet, octets),
  };
}
