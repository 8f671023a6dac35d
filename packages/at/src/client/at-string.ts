import { CellmuxError } from '@cellmux/port';
import { textFault, type TextFault } from '../core/command-line.ts';

const REASONS: Record<TextFault, string> = {
  control: 'it holds a control character, which could end the line, a prompt or the command',
  quote: 'it holds a quotation mark, which would end the string',
  notAscii: 'it holds a character outside of the International Reference Alphabet',
};

/**
 * A string parameter in quotation marks, for use within a command line.
 *
 * @throws CellmuxError `ERR_AT_UNSAFE_TEXT` for a text that could end the line, the string or a prompt: control characters
 * (CR, LF, Ctrl-Z, ESC, NUL …), the quotation mark, anything above 0x7E. The text itself is not in the error.
 *
 * @example
 * await client.command(`AT+CGDCONT=1,"IP",${atString(apn)}`);
 */
export function atString(text: string): string {
  const fault = textFault(text, { quote: true });
  if (fault !== undefined) throw unsafeText('a string parameter', fault);
  return `"${text}"`;
}

/** The error for a text that cannot go out. */
export function unsafeText(what: string, fault: TextFault): CellmuxError {
  return new CellmuxError('ERR_AT_UNSAFE_TEXT', `${what} was not sent: ${REASONS[fault]}`, {
    context: { fault },
    hint: 'Send it in a counted or a hexadecimal form.',
  });
}
