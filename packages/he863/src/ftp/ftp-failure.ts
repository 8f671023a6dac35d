import { NoReply } from '../sockets/reply-connection.ts';

/** +CME ERROR codes of the FTP commands. */
export const FTP_ERRORS = {
  wrongState: 601,
  cannotActivate: 602,
  cannotResolve: 603,
  cannotAllocateSocket: 604,
  cannotConnect: 605,
  badResponse: 606,
  notConnected: 607,
  alreadyConnected: 608,
  contextDown: 609,
  otherInstance: 612,
} as const;

/** The +CME ERROR behind what a step of FTP threw; undefined when that is no failure of FTP. */
export function ftpErrorOf(error: unknown): number | undefined {
  if (error instanceof FtpFailure) return error.cme;
  return error instanceof NoReply ? FTP_ERRORS.badResponse : undefined;
}

/** A FTP command failed: the +CME ERROR that says why. */
export class FtpFailure extends Error {
  readonly cme: number;
  constructor(cme: number, cause?: unknown) {
    super(`FTP: +CME ERROR ${cme}`, cause === undefined ? undefined : { cause });
    this.cme = cme;
  }
}
