import { CellmuxError } from '../core/cellmux-error.ts';

/** What the binding of `serialport` says, which has no codes, and what it means. */
const REASONS: readonly (readonly [pattern: RegExp, code: string, text: string, hint: string])[] = [
  [
    /no such file|ENOENT|no such device|ENXIO|file not found/i,
    'ERR_PORT_NOT_FOUND',
    'there is no such device',
    'Check the path, and that it is plugged in; ls /dev/tty* shows what is there.',
  ],
  [
    /cannot lock|busy|temporarily unavailable|EBUSY|EAGAIN/i,
    'ERR_PORT_BUSY',
    'another program has it open',
    'Stop that program (fuser tells which it is), ModemManager for one.',
  ],
  [
    /permission denied|access denied|not permitted|EACCES|EPERM/i,
    'ERR_PORT_PERMISSION',
    'not permitted',
    'Add your user to the group of the device (often dialout) and log in again.',
  ],
  [
    /inappropriate ioctl|ENOTTY|not a valid port|invalid argument/i,
    'ERR_PORT_NOT_A_DEVICE',
    'it is not a serial device, or it does not take these settings',
    'Check the path and the baud rate.',
  ],
];

/** Why a serial device could not be opened. */
export function serialOpenError(path: string, cause: unknown): CellmuxError {
  const said = cause instanceof Error ? cause.message : String(cause);
  const [, code, text, hint] = REASONS.find(([pattern]) => pattern.test(said)) ?? [
    undefined,
    'ERR_PORT_OPEN_FAILED',
    said,
    'Check the device.',
  ];
  return new CellmuxError(code, `Cannot open ${path}: ${text}`, { cause, hint, context: { path } });
}
