import { CellmuxError } from '@cellmux/port';
import { textFault } from '../core/command-line.ts';
import type { AtProfile } from './at-profile.ts';
import { unsafeText } from './at-string.ts';
import type { CommandOptions } from './command-options.ts';

export const CTRL_Z = 0x1a;
export const ESC = 0x1b;
const BACKSPACE = 0x08;

/**
 * Refuses what must not be sent.
 *
 * @throws CellmuxError `ERR_AT_NOT_A_COMMAND`, `ERR_AT_UNSAFE_TEXT`, `ERR_AT_LINE_TOO_LONG`.
 */
export function checkCommand(line: string, { secret, prompt }: CommandOptions, profile: AtProfile): void {
  const shown = secret === true ? 'a secret command' : line.slice(0, 40);
  if (!/^AT/i.test(line)) {
    throw new CellmuxError('ERR_AT_NOT_A_COMMAND', 'a command line begins with AT', { context: { command: shown } });
  }
  const fault = textFault(line, { quote: false });
  if (fault !== undefined) throw unsafeText('the command line', fault);
  if (line.length > profile.maximumLineLength) {
    throw new CellmuxError(
      'ERR_AT_LINE_TOO_LONG',
      `a command line of ${line.length} characters: the module takes ${profile.maximumLineLength} and would answer ERROR`,
      {
        context: { command: shown, length: line.length, maximumLineLength: profile.maximumLineLength },
        hint: 'Shorten names and addresses, or send chained commands one by one.',
      },
    );
  }
  if (prompt?.end === 'ctrlZ' && prompt.bytes.some((octet) => octet === CTRL_Z || octet === ESC || octet === BACKSPACE))
    throw unsafeText('the text for the prompt', 'control');
}

/** What goes out at the prompt. */
export function promptOctets({ bytes, end }: NonNullable<CommandOptions['prompt']>): Uint8Array {
  if (end === 'counted') return bytes;
  const octets = new Uint8Array(bytes.length + 1);
  octets.set(bytes);
  octets[bytes.length] = CTRL_Z;
  return octets;
}
