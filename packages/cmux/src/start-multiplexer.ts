import { CellmuxError, systemClock, type AbortOptions, type Port } from '@cellmux/port';
import { AtDialogue, type AtAnswer } from './at-dialogue.ts';
import { linkLostError, noAnswerError } from './cmux-errors.ts';
import { GENERIC, type CmuxProfile } from './cmux-profiles.ts';
import { cmuxForms, parseCmuxRanges, type CmuxForm, type CmuxRanges } from './core/cmux-command.ts';
import { CONTROL } from './core/control-field.ts';
import { encodeMessage } from './core/control-message.ts';
import { advancedFrameLimit, addressOf, encodeAdvanced, encodeBasicFrame } from './core/frame-encoder.ts';
import { Multiplexer, type FrameWatcher } from './multiplexer.ts';
import type { MultiplexerOptions } from './multiplexer-options.ts';

/** Options of {@link startMultiplexer}: those of the multiplexer, and what is known of the module. */
export interface StartOptions extends Omit<MultiplexerOptions, 'role'>, AbortOptions {
  /** Default {@link GENERIC}. */
  readonly profile?: CmuxProfile;
  /** See `Multiplexer.onFrame`; set here, it sees the frames that open DLCI 0 as well. */
  readonly onFrame?: FrameWatcher | undefined;
}

/** How long one `AT` is waited for, and how often it is tried. */
const PROBE_MS = 400;
const PROBES = 3;
/** How long a module that was freed from an old session is given before AT is tried again. */
const FREED_MS = 300;

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
    await wake(dialogue, signal);
    for (const command of profile.before) await dialogue.command(command, profile.commandTimeoutMs, { signal });
    const ranges = profile.askRanges ? await askRanges(dialogue, profile, signal) : undefined;
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

/** The close-down that frees a module from a multiplexer of which this end knows nothing, in both options. */
export function blindCloseDown(): Uint8Array {
  const address = addressOf(0, 1);
  const info = encodeMessage('CLD', true, new Uint8Array(0));
  const basic = encodeBasicFrame(address, CONTROL.UIH, info);
  const advanced = new Uint8Array(advancedFrameLimit(info.length));
  const length = encodeAdvanced(advanced, 0, address, CONTROL.UIH, info, 0, info.length);
  const both = new Uint8Array(basic.length + length);
  both.set(basic);
  both.set(advanced.subarray(0, length), basic.length);
  return both;
}

async function wake(dialogue: AtDialogue, signal: AbortSignal | undefined): Promise<void> {
  let last: AtAnswer | undefined;
  for (const round of ['plain', 'freed']) {
    if (round === 'freed') last = await dialogue.raw(blindCloseDown(), FREED_MS, { signal });
    for (let probe = 0; probe < PROBES; probe++) {
      const answer = await dialogue.command('AT', PROBE_MS, { signal });
      if (answer.result !== 'timeout') return;
      if (answer.octets.length > 0 || last === undefined) last = answer;
    }
  }
  throw noAnswerError('AT', last?.octets ?? new Uint8Array(0));
}

async function askRanges(
  dialogue: AtDialogue,
  profile: CmuxProfile,
  signal: AbortSignal | undefined,
): Promise<CmuxRanges | undefined> {
  const answer = await dialogue.command('AT+CMUX=?', profile.commandTimeoutMs, { signal });
  for (const text of answer.lines) {
    const ranges = parseCmuxRanges(text);
    if (ranges !== undefined) return ranges;
  }
  return undefined;
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
