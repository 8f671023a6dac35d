import { CellmuxError, systemClock, type AbortOptions, type Port } from '@cellmux/port';
import { AtDialogue, type AtAnswer } from './at-dialogue.ts';
import { linkLostError, noAnswerError } from './cmux-errors.ts';
import { GENERIC, type CmuxProfile } from './cmux-profiles.ts';
import { cmuxForms, parseCmuxRanges, type CmuxForm, type CmuxRanges } from './core/cmux-command.ts';
import type { FramingOption } from './core/link-options.ts';
import { Multiplexer, type FrameWatcher } from './multiplexer.ts';
import type { MultiplexerOptions } from './multiplexer-options.ts';
import { reachCommandMode } from './reach-command-mode.ts';

/** Options of {@link startMultiplexer}: those of the multiplexer, and what is known of the module. */
export interface StartOptions extends Omit<MultiplexerOptions, 'role'>, AbortOptions {
  /** Default {@link GENERIC}. */
  readonly profile?: CmuxProfile;
  /** See `Multiplexer.onFrame`; set here, it sees the frames that open DLCI 0 as well. */
  readonly onFrame?: FrameWatcher | undefined;
}

/**
 * Puts a module that is in AT command mode into the multiplexer, and starts that: `AT` until it answers, AT+CMUX in the
 * shortest form that says what is wished and then in shorter ones, the profile's time to settle, SABM on DLCI 0. A module
 * that is still in the multiplexer of a crashed run is first freed with a close-down that nobody asked for.
 *
 * Rejects with `ERR_CMUX_NO_ANSWER` (its context says what was seen), `ERR_CMUX_REFUSED_BY_MODULE` (ERROR to every form),
 * `ERR_CMUX_LINK_LOST`. The line is left open and free in each case.
 *
 * @example
 * const multiplexer = await startMultiplexer(line, { profile: HE863, baudRate: 115200 });
 */
export async function startMultiplexer(line: Port, options: StartOptions = {}): Promise<Multiplexer> {
  const { profile = GENERIC, signal, onFrame, ...others } = options;
  const clock = others.clock ?? systemClock;
  const option = others.option ?? profile.option;
  // Wrong options are told before anything is sent.
  const settings = { ...others, option, n1: others.n1 ?? profile.n1 };
  new Multiplexer(line, settings);
  const dialogue = new AtDialogue(line, clock);
  let form: CmuxForm;
  let released: Port = line;
  try {
    await reachCommandMode(dialogue, { signal });
    for (const command of profile.before) await dialogue.command(command, profile.commandTimeoutMs, { signal });
    const ranges = profile.askRanges ? await askRanges(dialogue, option, profile, signal) : undefined;
    const { n1, baudRate } = settings;
    const wish = { option, subset: 0, baudRate, n1, defaultN1: profile.defaultN1 } as const;
    form = await enter(dialogue, cmuxForms(wish, ranges), profile, signal);
    await dialogue.wait(profile.settleMs, { signal });
  } catch (error) {
    if (dialogue.failure !== undefined && !(error instanceof CellmuxError && error.code.startsWith('ERR_CMUX')))
      throw linkLostError('starting the multiplexer', error);
    throw error;
  } finally {
    released = dialogue.release();
  }
  const multiplexer = new Multiplexer(released, { dlciCount: profile.dlciCount, ...settings, n1: form.n1 });
  multiplexer.onFrame = onFrame;
  try {
    await multiplexer.start({ signal });
  } catch (error) {
    await multiplexer.close();
    throw error;
  }
  return multiplexer;
}

async function askRanges(
  dialogue: AtDialogue,
  option: FramingOption,
  profile: CmuxProfile,
  signal: AbortSignal | undefined,
): Promise<CmuxRanges | undefined> {
  const answer = await dialogue.command('AT+CMUX=?', profile.commandTimeoutMs, { signal });
  const lines = answer.lines.map(parseCmuxRanges).filter((ranges) => ranges !== undefined);
  // Some modules have a line for each mode.
  const mode = option === 'basic' ? 0 : 1;
  return lines.find((ranges) => ranges.mode?.some(([low, high]) => low <= mode && mode <= high)) ?? lines[0];
}

async function enter(
  dialogue: AtDialogue,
  forms: readonly CmuxForm[],
  profile: CmuxProfile,
  signal: AbortSignal | undefined,
): Promise<CmuxForm> {
  let last: AtAnswer | undefined;
  for (const form of forms) {
    last = await dialogue.command(form.command, profile.commandTimeoutMs, { signal });
    if (last.result === 'OK') return form;
    if (last.result === 'timeout') throw noAnswerError(form.command, last.octets);
  }
  throw new CellmuxError('ERR_CMUX_REFUSED_BY_MODULE', `the module refuses AT+CMUX: ${last?.final ?? 'no form left'}`, {
    hint: 'It may be in the multiplexer already on another port, or need its SIM or a firmware that has CMUX.',
    context: { tried: forms.map(({ command }) => command), answer: last?.final },
  });
}
