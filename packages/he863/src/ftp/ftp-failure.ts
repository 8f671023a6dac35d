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

/** A FTP command failed: the +CME ERROR that says why. */
export class FtpFailure extends Error {
  readonly cme: number;
  constructor(cme: number, cause?: unknown) {
    super(`FTP: +CME ERROR ${cme}`, cause === undefined ? undefined : { cause });
    this.cme = cme;
  }
}
