import { lstatSync, readlinkSync, renameSync, symlinkSync, unlinkSync } from 'node:fs';
import { CellmuxError } from '../core/cellmux-error.ts';

/**
 * Makes a symbolic link to a device. A symbolic link that is there already, left by a program that was killed, is
 * replaced; anything else is not touched.
 *
 * @throws CellmuxError `ERR_PORT_LINK_TAKEN`, `ERR_PORT_PERMISSION`, `ERR_PORT_NOT_FOUND` (no such directory).
 */
export function makeDeviceLink(link: string, device: string): void {
  const there = lstatSync(link, { throwIfNoEntry: false });
  if (there !== undefined && !there.isSymbolicLink()) {
    throw new CellmuxError('ERR_PORT_LINK_TAKEN', `${link} exists and is not a symbolic link`, {
      hint: 'Remove it, or choose another path.',
      context: { link },
    });
  }
  // Made beside and moved in one step, so that nobody ever finds the path empty.
  const beside = `${link}.${process.pid}`;
  try {
    symlinkSync(device, beside);
    renameSync(beside, link);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      throw new CellmuxError('ERR_PORT_NOT_FOUND', `${link} cannot be made: no such directory`, {
        cause: error,
        hint: 'Make the directory first.',
      });
    }
    throw new CellmuxError('ERR_PORT_PERMISSION', `${link} cannot be made`, {
      cause: error,
      hint: 'Choose a path in a directory of yours.',
    });
  }
}

/** Removes the link if it still leads to the device. */
export function removeDeviceLink(link: string, device: string): void {
  try {
    if (readlinkSync(link) === device) unlinkSync(link);
  } catch {
    // Somebody else has removed it, or put something else there: that is theirs.
  }
}
