import type { Cancel, Clock } from '@cellmux/port';
import { latin1Octets } from '../core/latin1.ts';
import type { AtProfile } from './at-profile.ts';
import { ESC } from './check-command.ts';
import type { CommandJob } from './command-job.ts';
import { delay } from './delay.ts';

/** Between the end of a prompt that was left open and the first probe. */
const PROMPT_CLOSE_MS = 100;

/** Why client and module are out of step. */
export interface StepLoss {
  readonly cause: 'timeout' | 'aborted' | 'dataCall';
  /** The command that was given up and may still be answered. */
  readonly job?: CommandJob;
  /**
   * The next final result that comes by itself is the answer that is owed. False where octets of a payload may look like
   * one, or where nothing is owed.
   */
  readonly trustsResult: boolean;
  /** Octets that were no command may lie in the module's line buffer. */
  readonly junkSent?: boolean;
  /** The module may still be in data mode. */
  readonly perhapsOnline?: boolean;
}

/** What {@link StepKeeper} is made of. */
export interface StepKeeperOptions {
  readonly clock: Clock;
  readonly profile: AtProfile;
  /** Sends; what the line has not taken when the signal aborts is taken back. */
  readonly send: (bytes: Uint8Array, signal: AbortSignal) => void;
  /** A probe goes out now; the parser is to read its response. */
  readonly onProbe: (line: string) => void;
  /** In step again. */
  readonly onStep: () => void;
  /** No probe was answered. */
  readonly onSilence: () => void;
}

/**
 * Keeps the answers of one command from being taken for those of the next. A module carries out command lines in order,
 * so that an answer which can only be that of a certain line proves that nothing from before it will come any more.
 * Probes are such lines: they read S-registers whose values are known, each a different one.
 *
 * A command that was given up leaves the client out of step. Either its final result still comes while nothing else is
 * sent, or, before the next command goes out, probes are sent until the latest one is answered. What comes before is
 * dropped.
 */
export class StepKeeper {
  readonly #options: StepKeeperOptions;
  #loss: StepLoss | undefined;
  /** Rounds of probes without any answer: then an answer may be that of a probe of an earlier round. */
  #silentRounds = 0;
  #probing: AbortController | undefined;
  #probe = -1;
  #answerSeen = false;
  #finalSeen = false;
  #timer: Cancel | undefined;

  constructor(options: StepKeeperOptions) {
    this.#options = options;
  }

  /** What was lost, undefined while in step. */
  get loss(): StepLoss | undefined {
    return this.#loss;
  }

  get isProbing(): boolean {
    return this.#probing !== undefined;
  }

  /** From now on answers may come that belong to nothing that runs. */
  lose(loss: StepLoss): void {
    this.#loss = loss;
    this.#silentRounds = 0;
  }

  /** Begins a round of probes. */
  start(): void {
    const probing = new AbortController();
    this.#probing = probing;
    this.#probe = -1;
    this.#answerSeen = false;
    this.#finalSeen = false;
    void this.#prepare(probing.signal).then(() => {
      if (!probing.signal.aborted) this.#sendProbe(probing.signal);
    });
  }

  /** An information line came that belongs to no running command. */
  information(line: string): void {
    if (this.isProbing && line === this.#options.profile.probes[this.#probe]?.answer) this.#answerSeen = true;
  }

  /** A final result came that belongs to no running command. */
  final(): void {
    if (this.#probing === undefined) {
      if (this.#loss?.trustsResult === true && this.#silentRounds === 0) this.#regain();
      return;
    }
    if (this.#probe < 0) return;
    this.#finalSeen = true;
    if (this.#answerSeen && this.#silentRounds === 0) this.#regain();
  }

  /** The module went online: there is nothing to find out. */
  forget(): void {
    this.stop();
    this.#loss = undefined;
  }

  /** Ends the round, whatever came of it. */
  stop(): void {
    this.#timer?.();
    this.#timer = undefined;
    this.#probing?.abort();
    this.#probing = undefined;
  }

  /** Brings the module to where it takes a command line. */
  async #prepare(over: AbortSignal): Promise<void> {
    const { clock, profile, send } = this.#options;
    if (this.#loss?.perhapsOnline === true) {
      const guardMs = Math.ceil(profile.s12 * 20 * profile.guardFactor);
      await delay(clock, guardMs, over);
      if (over.aborted) return;
      send(latin1Octets('+++'), over);
      await delay(clock, guardMs, over);
    }
    const prompt = this.#loss?.job?.options.prompt;
    if (prompt?.end === 'ctrlZ' && !over.aborted) {
      // Its Ctrl-Z may have been lost. Outside of a prompt ESC is no part of a command line (V.250 §5.2.1).
      send(Uint8Array.of(ESC), over);
      await delay(clock, PROMPT_CLOSE_MS, over);
    }
  }

  #sendProbe(over: AbortSignal): void {
    const { clock, profile, send, onProbe } = this.#options;
    this.#probe++;
    const probe = profile.probes[this.#probe];
    if (probe === undefined) {
      this.#allSent();
      return;
    }
    this.#answerSeen = false;
    this.#finalSeen = this.#probe > 0 && this.#finalSeen;
    onProbe(probe.line);
    // The characters of an escape lie in the line buffer where it came too late: an end of line gets them out.
    const isDirty = this.#probe === 0 && (this.#loss?.junkSent === true || this.#loss?.perhapsOnline === true);
    const end = String.fromCharCode(profile.s3);
    send(latin1Octets(`${isDirty ? end : ''}${probe.line}${end}`), over);
    this.#timer = clock.after(profile.probeMs, () => {
      if (this.#answerSeen && this.#finalSeen) this.#regain();
      else this.#sendProbe(over);
    });
  }

  #allSent(): void {
    // A module that reads no S-registers, but says something: after so long a time nothing older is to be expected.
    if (this.#finalSeen) {
      this.#regain();
      return;
    }
    this.stop();
    this.#silentRounds++;
    this.#options.onSilence();
  }

  #regain(): void {
    this.stop();
    this.#loss = undefined;
    this.#options.onStep();
  }
}
