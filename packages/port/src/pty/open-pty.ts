import { chmodSync, closeSync, constants, openSync } from 'node:fs';
import type { PortRole } from '../circuits.ts';
import { systemClock, type Clock } from '../clock.ts';
import { checkInteger } from '../core/check-option.ts';
import { checkBacklogLimit } from '../machine-limits.ts';
import { makeDeviceLink } from './device-link.ts';
import { loadLibc } from './libc.ts';
import { ptyPort, type PtyPort } from './pty-port.ts';

/** Options of {@link openPty}. */
export interface OpenPtyOptions {
  /** A path for a symbolic link to the device; removed on close. */
  readonly link?: string;
  /** Who may open the device, 0 to 0o777; default 0o600. */
  readonly mode?: number;
  /** Which end of the line the port is; default `dce`, for a program that opens the device as a terminal would. */
  readonly role?: PortRole;
  /** Backlog in bytes, 131072 to 2^30; default 262144. */
  readonly backlogLimitBytes?: number;
  readonly clock?: Clock;
}

/**
 * Makes a pty on Linux and gives its master as a port, the module's end (DCE); other programs open {@link PtyPort.path}
 * like a serial device, one after the other. The device passes every octet as it is. DTR and RTS are on while a program
 * has it open, to within 100 ms. What is sent while nobody has it open waits in the kernel (some KiB), then in `send`.
 *
 * Rejects with `ERR_PORT_DEPENDENCY_MISSING` (koffi), `ERR_PORT_UNSUPPORTED` (not Linux), `ERR_PORT_PTY_FAILED`,
 * `ERR_PORT_LINK_TAKEN` (something that is not a symbolic link is at `link`), `ERR_PORT_PERMISSION`,
 * `ERR_PORT_NOT_FOUND` (the link's directory), `ERR_OPTION_RANGE`.
 */
export async function openPty(options: OpenPtyOptions = {}): Promise<PtyPort> {
  const { link, role = 'dce', clock = systemClock } = options;
  const mode = checkInteger('mode', options.mode ?? 0o600, 0, 0o777);
  const backlogLimitBytes = checkBacklogLimit(options.backlogLimitBytes);
  const libc = await loadLibc();
  const fds: number[] = [];
  try {
    const master = libc.openMaster();
    fds.push(master);
    const path = libc.slavePath(master);
    const slave = openSync(path, constants.O_RDWR | constants.O_NOCTTY);
    fds.push(slave);
    libc.makeRaw(slave);
    chmodSync(path, mode);
    const watch = libc.watch(path);
    fds.push(watch);
    if (link !== undefined) makeDeviceLink(link, path);
    const name = `pty ${link ?? path}`;
    return ptyPort({ name, path, link, master, slave, watch, libc, clock }, role, backlogLimitBytes);
  } catch (error) {
    for (const fd of fds) closeSync(fd);
    throw error;
  }
}
