import type { Clock } from '@cellmux/port';
import type { CommandResult } from './command-declaration.ts';
import type { ProfileStore, SettingDeclarations, Settings } from './settings.ts';

/** Options of {@link AtServer}. */
export interface AtServerOptions<Session> {
  /** Handed to every handler of this port. */
  readonly session: Session;
  readonly clock?: Clock | undefined;
  /** Settings besides {@link V250_SETTINGS}, or with other ranges and factory values; each is a command as well. */
  readonly settings?: SettingDeclarations;
  /** Where `&W` saves; default: in memory, lost with the server. */
  readonly profiles?: ProfileStore;
  /** Profiles of `&W` and `Z`, 1 to 10; default 2. */
  readonly profileCount?: number;
  /** Answers of `I<n>`. */
  readonly identification?: Readonly<Record<number, string>>;
  /** Characters of a command line from `AT` up to, not including, S3; 8 to 4096, default 80. Longer: ERROR. */
  readonly maximumLineLength?: number;
  /** The error of a parameter that is missing, superfluous or out of range; default +CME ERROR 4. */
  readonly parameterError?: CommandResult;
  /** The error of a form that a command has not; default +CME ERROR 4. */
  readonly formError?: CommandResult;
  /** Whether the characters of the escape sequence reach the receiver of a call; default false. */
  readonly forwardEscape?: (settings: Settings) => boolean;
  /** Silence around the escape sequence in ms; default S12. */
  readonly escapeGuardMs?: (settings: Settings) => number;
  /**
   * Asked before each command line runs; what it gives is the result, and the line is not run. `text` is what stood
   * behind `AT` and may hold secrets.
   */
  readonly beforeLine?: (text: string) => Promise<CommandResult | undefined>;
  /** DTR went off while in command mode, under &D2 (calls that are suspended end). */
  readonly onDtrDropped?: () => void;
}

/** What an {@link AtServer} tells about itself. Names of commands, never their parameters. */
export type AtServerEvent =
  | { readonly type: 'commandStarted'; readonly name: string }
  | { readonly type: 'lineEnded'; readonly result: string }
  | { readonly type: 'handlerFailed'; readonly name: string; readonly error: unknown }
  | { readonly type: 'inputDropped'; readonly bytes: number }
  | { readonly type: 'urcDropped'; readonly reason: 'tooMany' | 'closed' };

/** Command mode; a command runs (its prompt included); a data call; another protocol has the line; the end. */
export type AtServerMode = 'command' | 'busy' | 'data' | 'takenOver' | 'closed';

/** Bytes kept that arrived while a command ran; beyond, they are dropped. */
export const TYPE_AHEAD_LIMIT_BYTES = 64 * 1024;
/** Bytes of answers that the line has not taken, from which on no more commands are read. */
export const OUTPUT_HIGH_WATER_BYTES = 16 * 1024;
/** Unsolicited lines and calls that wait until the port is free. */
export const UNSOLICITED_LIMIT_COUNT = 256;
