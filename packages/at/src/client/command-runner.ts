import type { Cancel, Clock } from '@cellmux/port';
import { latin1Octets } from '../core/latin1.ts';
import type { ResponseEvent, ResponseParser } from '../core/response-parser.ts';
import type { FinalResult } from '../core/result-codes.ts';
import * as errors from './at-errors.ts';
import type { AtEvent } from './at-events.ts';
import type { AtProfile } from './at-profile.ts';
import { ESC, promptOctets } from './check-command.ts';
import type { CommandJob } from './command-job.ts';
import { CommandQueue } from './command-queue.ts';
import { StepKeeper, type StepLoss } from './step-keeper.ts';

/** What a {@link CommandRunner} needs from the client. */
export interface CommandRunnerParts {
  readonly clock: Clock;
  readonly profile: AtProfile;
  readonly parser: ResponseParser;
  readonly send: (bytes: Uint8Array, signal: AbortSignal | undefined) => Promise<void>;
  /** The module takes command lines. */
  readonly isInCommandMode: () => boolean;
  /** A command line goes out now. */
  readonly onRun: () => void;
  /** The OK of a command that ends the client; it is settled behind this. */
  readonly onLastOk: (job: CommandJob) => void;
  readonly emit: (event: AtEvent) => void;
}

/** Carries out command lines one at a time: their queue, the gap between them, their times, prompts, answers and step. */
export class CommandRunner {
  readonly #parts: CommandRunnerParts;
  readonly #queue = new CommandQueue();
  readonly #step: StepKeeper;
  #running: CommandJob | undefined;
  #quietUntilMs = -Infinity;
  #gapTimer: Cancel | undefined;

  constructor(parts: CommandRunnerParts) {
    this.#parts = parts;
    this.#step = this.#makeStepKeeper();
  }

  /** As many commands wait as may. */
  get isFull(): boolean {
    return this.#queue.isFull;
  }

  add(job: CommandJob): void {
    job.watchAbort(() => {
      this.#aborted(job);
    });
    this.#queue.add(job);
    this.startNext();
  }

  /** Sends the next line, if it is time for one. */
  startNext(): void {
    if (this.#running !== undefined || this.#step.isProbing || this.#queue.isEmpty) return;
    if (!this.#parts.isInCommandMode()) return;
    const { clock } = this.#parts;
    const restMs = this.#quietUntilMs - clock.now();
    if (restMs > 0) {
      this.#gapTimer ??= clock.after(restMs, () => {
        this.#gapTimer = undefined;
        this.startNext();
      });
      return;
    }
    if (this.#step.loss !== undefined) {
      this.#step.start();
      return;
    }
    this.#run(this.#queue.next()!);
  }

  /** What belongs to the command that runs, or to one that was given up. */
  handle(event: Exclude<ResponseEvent, { kind: 'echo' | 'urc' | 'connect' }>): void {
    const job = this.#running;
    switch (event.kind) {
      case 'information':
        if (job === undefined) this.#lateLine(event.text);
        else job.addLine(event.text);
        return;
      case 'payload':
        job?.addPayload(event.bytes);
        return;
      case 'discarded':
        if (event.ofResponse) job?.overflowed();
        this.#parts.emit({ type: 'discarded', byteCount: event.byteCount });
        return;
      case 'prompt':
        this.#prompted(job);
        return;
      case 'final':
        this.#final(job, event.result);
        return;
    }
  }

  /** The command that CONNECT answers: the one that runs, or one that was given up and is `late`; undefined for none. */
  connecting(): { readonly job: CommandJob; readonly isLate: boolean } | undefined {
    const job = this.#running ?? this.#step.loss?.job;
    return job === undefined ? undefined : { job, isLate: this.#running === undefined };
  }

  /** Data mode has begun: no command runs, and those that wait are refused. */
  wentOnline(): void {
    this.#running = undefined;
    this.#step.forget();
    for (const waiting of this.#queue.takeAll()) waiting.reject(errors.inDataMode(waiting.shown));
  }

  /** Command mode is back, behind a call; `loss` where answers may come that belong to nothing. */
  cameBack(loss: StepLoss | undefined): void {
    this.#keepGap();
    if (loss !== undefined) this.#lose(loss);
  }

  /** Nothing runs any more: all are rejected but one. */
  end(reasonFor: (job: CommandJob) => unknown, except: CommandJob | undefined): void {
    this.#gapTimer?.();
    this.#step.stop();
    for (const job of [this.#running, ...this.#queue.takeAll()]) {
      if (job !== except) job?.reject(reasonFor(job));
    }
    if (this.#running !== except) this.#running = undefined;
  }

  #run(job: CommandJob): void {
    const { clock, parser, profile, onRun, emit } = this.#parts;
    this.#running = job;
    job.startedMs = clock.now();
    onRun();
    parser.begin(job.expectation);
    this.#armTimeout(job);
    emit({ type: 'commandSent', command: job.shown });
    this.#sendFor(job, latin1Octets(`${job.line}${String.fromCharCode(profile.s3)}`));
  }

  /** Sends octets of a command; they are taken back when it is settled before the line took them. */
  #sendFor(job: CommandJob, bytes: Uint8Array, taken?: () => void): void {
    this.#parts.send(bytes, job.sendAbort.signal).then(taken, (error: unknown) => {
      if (this.#running === job) this.#settleRunning(job.reject(errors.lineLost(job.shown, error)));
    });
  }

  #sendQuietly(bytes: Uint8Array, signal?: AbortSignal): void {
    // A line that fails ends the client through received$.
    this.#parts.send(bytes, signal).catch(() => undefined);
  }

  #armTimeout(job: CommandJob): void {
    job.timer?.();
    job.timer = this.#parts.clock.after(job.timeoutMs, () => {
      this.#giveUp(job, errors.timedOut(job.shown, job.timeoutMs), 'timeout');
    });
  }

  #aborted(job: CommandJob): void {
    const reason: unknown = job.options.signal?.reason;
    if (this.#running === job) {
      this.#giveUp(job, reason, 'aborted');
      return;
    }
    this.#queue.remove(job);
    job.reject(reason);
  }

  /** The caller is let go; the module may still owe an answer. */
  #giveUp(job: CommandJob, reason: unknown, cause: 'timeout' | 'aborted'): void {
    const { parser, profile } = this.#parts;
    const trustsResult = !parser.isInPayload;
    parser.giveUp();
    // V.250 §5.6.1: any octet aborts a command that dials.
    if (job.expectation.goesOnline) this.#sendQuietly(Uint8Array.of(profile.s3));
    this.#lose({ cause, job, trustsResult });
    this.#settleRunning(job.reject(reason));
  }

  #lose(loss: StepLoss): void {
    this.#step.lose(loss);
    this.#parts.emit({ type: 'outOfStep', cause: loss.cause });
  }

  #settleRunning(result: string): void {
    const job = this.#running;
    this.#running = undefined;
    if (job !== undefined) {
      const tookMs = this.#parts.clock.now() - job.startedMs;
      this.#parts.emit({ type: 'commandEnded', command: job.shown, result, tookMs });
    }
    this.startNext();
  }

  #lateLine(text: string): void {
    this.#step.information(text);
    if (!this.#step.isProbing) this.#parts.emit({ type: 'lateLine', byteCount: text.length });
  }

  #prompted(running: CommandJob | undefined): void {
    const job = running ?? this.#step.loss?.job;
    const prompt = job?.options.prompt;
    if (job === undefined || prompt === undefined) return;
    job.promptSeen = true;
    if (running === undefined) {
      // Asked for by a command that was given up. A text that ends in Ctrl-Z can be called off, a counted one cannot.
      this.#sendQuietly(prompt.end === 'counted' ? prompt.bytes : Uint8Array.of(ESC));
      return;
    }
    this.#parts.parser.promptAnswered(prompt.bytes);
    this.#armTimeout(running);
    this.#sendFor(running, promptOctets(prompt), () => {
      if (this.#running === running) this.#armTimeout(running);
    });
  }

  #final(job: CommandJob | undefined, result: FinalResult): void {
    this.#keepGap();
    if (job === undefined) {
      this.#step.final();
      return;
    }
    const { parser, onLastOk } = this.#parts;
    parser.end();
    if (job.endsClient && result.kind === 'OK') onLastOk(job);
    this.#settleRunning(job.complete(result));
  }

  #keepGap(): void {
    const { clock, profile } = this.#parts;
    this.#quietUntilMs = clock.now() + profile.resultGapMs;
  }

  #makeStepKeeper(): StepKeeper {
    const { clock, profile, parser, emit } = this.#parts;
    return new StepKeeper({
      clock,
      profile,
      send: (bytes, signal) => {
        this.#sendQuietly(bytes, signal);
      },
      onProbe: (line) => {
        // The lines of the command that was given up are still known as its.
        const late = this.#step.loss?.job?.expectation;
        parser.begin({ ...(late ?? { ownPrefixes: [], goesOnline: false }), line });
      },
      onStep: () => {
        parser.end();
        emit({ type: 'inStep' });
        this.startNext();
      },
      onSilence: () => {
        const job = this.#queue.next();
        job?.reject(errors.notAnswering(job.shown));
        this.startNext();
      },
    });
  }
}
