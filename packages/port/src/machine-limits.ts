import { checkInteger } from './core/check-option.ts';

/** Default backlog of a port that reads from the machine in pieces of up to 64 KiB: TCP, pty, serial. */
export const MACHINE_BACKLOG_LIMIT_BYTES = 256 * 1024;
/** The least that leaves room for one such piece past the mark at which reading stops. */
export const MACHINE_BACKLOG_MINIMUM_BYTES = 128 * 1024;

/** The backlog limit asked for, or the default. @throws CellmuxError `ERR_OPTION_RANGE`. */
export function checkBacklogLimit(backlogLimitBytes = MACHINE_BACKLOG_LIMIT_BYTES): number {
  return checkInteger('backlogLimitBytes', backlogLimitBytes, MACHINE_BACKLOG_MINIMUM_BYTES, 2 ** 30);
}
