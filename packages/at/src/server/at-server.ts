import {
  checkInteger,
  diagnosticsChannel,
  fromLatin1,
  prepend,
  systemClock,
  type Clock,
  type Port,
} from '@cellmux/port';
import { BehaviorSubject, Subject, type Observable, type Subscription } from 'rxjs';
import {
  OUTPUT_HIGH_WATER_BYTES,
  type AtServerEvent,
  type AtServerMode,
  type AtServerOptions,
} from './at-server-options.ts';
import { CarrierCircuits } from './carrier-circuits.ts';
import type {
  CommandContext,
  CommandDeclaration,
  CommandResult,
  DataPhase,
  DataPhaseEnd,
  DataPhaseOptions,
} from './command-declaration.ts';
import { CommandTable } from './command-table.ts';
import { ServerDataCall } from './data-call.ts';
import { InputQueue } from './input-queue.ts';
import { LineAssembler } from './line-assembler.ts';
import { LineOutput } from './line-output.ts';
import { LineRunner } from './line-runner.ts';
import { PortHolds } from './port-holds.ts';
import { connectResult, formatResult, formatUnsolicited, resultText } from './response-format.ts';
import { memoryProfiles, Settings, V250_SETTINGS } from './settings.ts';
import { standardCommands } from './standard-commands.ts';
import { UnsolicitedQueue } from './unsolicited-queue.ts';

const channel = diagnosticsChannel('cellmux:at:event');

/**
 * The module's side of AT on one port: reads command lines (ITU-T V.250), runs the commands declared, prints what they
 * answer, goes into data mode and back, and says unsolicited lines when the port is free.
 *
 * @example
 * const server = new AtServer(port, [{ name: '+CSQ', execute: (c) => (c.info('+CSQ: 21,0'), 'OK') }], { session: {} });
 * server.urc('RING');
 */
export class AtServer<Session = unknown> implements AsyncDisposable {
  /** What the host has set on this port. */
  readonly settings: Settings;
  /** Now and after each change; completes when the server has ended. */
  readonly mode$: Observable<AtServerMode>;
  readonly events$: Observable<AtServerEvent>;
  /** Settles when the server has ended: closed, or its port is gone. */
  readonly ended: Promise<void>;
  readonly #options: AtServerOptions<Session>;
  readonly #clock: Clock;
  readonly #assembler: LineAssembler;
  readonly #output: LineOutput;
  readonly #circuits: CarrierCircuits;
  readonly #input: InputQueue;
  readonly #runner: LineRunner<Session>;
  readonly #unsolicited: UnsolicitedQueue;
  readonly #mode$ = new BehaviorSubject<AtServerMode>('command');
  readonly #events$ = new Subject<AtServerEvent>();
  readonly #holds = new PortHolds<'input' | 'call'>();
  #port: Port;
  #subscription: Subscription | undefined;
  #call: ServerDataCall | undefined;
  #lastLine: string | undefined;
  #settleEnded: () => void = () => undefined;

  constructor(port: Port, commands: readonly CommandDeclaration<Session>[], options: AtServerOptions<Session>) {
    const { maximumLineLength = 80, profileCount = 2, profiles = memoryProfiles(), identification = {} } = options;
    checkInteger('maximumLineLength', maximumLineLength, 8, 4096);
    checkInteger('profileCount', profileCount, 1, 10);
    this.#port = port;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.settings = new Settings({ ...V250_SETTINGS, ...options.settings });
    this.settings.restore(profiles.load(profiles.powerUpSlot) ?? {});
    this.#assembler = new LineAssembler(maximumLineLength);
    this.#output = new LineOutput(port, OUTPUT_HIGH_WATER_BYTES);
    const standard = standardCommands<Session>({ settings: this.settings, profiles, identification, profileCount });
    this.#runner = new LineRunner({
      options,
      clock: this.#clock,
      table: new CommandTable([...standard, ...commands], {
        parameter: options.parameterError ?? { cme: 4 },
        form: options.formError ?? { cme: 4 },
      }),
      settings: this.settings,
      output: this.#output,
      isClosed: () => this.#isClosed(),
      readOn: () => {
        this.#input.pump();
      },
      connect: (text, phaseOptions) => this.#connect(text, phaseOptions),
      handlerDone: () => this.#call?.end('closed'),
      emit: (event) => {
        this.#emit(event);
      },
    });
    this.#unsolicited = new UnsolicitedQueue({
      output: this.#output,
      isFree: () => this.mode === 'command',
      isClosed: () => this.#isClosed(),
      dropped: (reason) => {
        this.#emit({ type: 'urcDropped', reason });
      },
    });
    this.#input = new InputQueue({
      consume: (chunk) => this.#consume(chunk),
      hold: (wanted) => {
        this.#holds.set(this.#port, 'input', wanted);
      },
      dropped: (bytes) => {
        this.#emit({ type: 'inputDropped', bytes });
      },
    });
    this.#circuits = new CarrierCircuits({
      settings: this.settings,
      clock: this.#clock,
      onDtrDropped: () => {
        this.#onDtrDropped();
      },
    });
    this.mode$ = this.#mode$.asObservable();
    this.events$ = this.#events$.asObservable();
    this.ended = new Promise((resolve) => {
      this.#settleEnded = resolve;
    });
    this.#attach(port);
  }

  get mode(): AtServerMode {
    return this.#mode$.value;
  }

  /**
   * Says an unsolicited line, at once in command mode, else when the port is free again; text is one octet a character.
   * Resolves when the line has taken it, or never will.
   */
  urc(text: string | Uint8Array): Promise<void> {
    const line = typeof text === 'string' ? text : fromLatin1(text);
    return this.#unsolicited.whenFree(() => this.#output.write(formatUnsolicited(line, this.settings)));
  }

  /**
   * Runs a handler as if its command had been typed, once the port is free: the module goes online by itself. Resolves
   * when it has ended and its result is printed, or never will.
   */
  unsolicited(handler: (context: CommandContext<Session>) => CommandResult | Promise<CommandResult>): Promise<void> {
    return this.#unsolicited.whenFree(() => this.#runAlone(() => this.#runner.one('', handler)));
  }

  /** The carrier of a data call is lost: the call ends with `carrierLost`. Nothing happens in command mode. */
  dropCarrier(): void {
    this.#call?.end('carrierLost');
  }

  /** Stops using the port, which stays open. A running command is aborted, a call ends with `lineLost`. */
  close(): Promise<void> {
    if (this.#isClosed()) return Promise.resolve();
    this.#setMode('closed');
    this.#detach();
    this.#runner.abort('the port is gone');
    this.#call?.end('lineLost');
    this.#unsolicited.clear();
    this.#input.takeAll();
    this.#mode$.complete();
    this.#events$.complete();
    this.#settleEnded();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #attach(port: Port): void {
    this.#port = port;
    this.#output.port = port;
    this.#circuits.attach(port);
    const gone = (): void => {
      void this.close();
    };
    this.#subscription = port.received$.subscribe({
      next: (chunk) => {
        if (this.mode === 'data' && this.#input.isEmpty) this.#call?.push(chunk);
        else this.#input.push(this.mode === 'busy' && this.#runner.abortedByOctet() ? chunk.subarray(1) : chunk);
      },
      complete: gone,
      error: gone,
    });
    // The port may have ended before the subscription could be noted down.
    if (this.#isClosed()) this.#subscription.unsubscribe();
  }

  #detach(): void {
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.#circuits.detach();
    this.#holds.clear(this.#port);
  }

  #consume(chunk: Uint8Array): number {
    if (this.mode === 'data') {
      this.#call?.push(chunk);
      return chunk.length;
    }
    const taken = this.#runner.promptTakes(chunk);
    if (taken !== undefined) {
      this.#echo(chunk.subarray(0, taken));
      return taken;
    }
    if (this.mode !== 'command') return 0;
    // A host that does not read its answers gives no more commands.
    if (this.#output.isFull) {
      void this.#output.drained().then(() => {
        this.#input.pump();
      });
      return 0;
    }
    return this.#consumeLine(chunk);
  }

  /** Takes bytes up to the end of a command line, and starts it. */
  #consumeLine(chunk: Uint8Array): number {
    const shape = { terminator: this.settings.get('S3'), erase: this.settings.get('S5') };
    for (let index = 0; index < chunk.length; index++) {
      const step = this.#assembler.push(chunk[index] as number, shape);
      if (step === undefined) continue;
      this.#echo(chunk.subarray(0, index + 1));
      if (step.kind === 'line') this.#lastLine = step.text;
      const text = step.kind === 'tooLong' ? undefined : this.#lastLine;
      void this.#runAlone(() => this.#runner.line(text));
      return index + 1;
    }
    this.#echo(chunk);
    return chunk.length;
  }

  #echo(bytes: Uint8Array): void {
    if (this.settings.echo) void this.#output.write(bytes);
  }

  /** Runs something that keeps the port busy, prints its result, and lets the next thing have its turn. */
  async #runAlone(run: () => Promise<CommandResult>): Promise<void> {
    this.#setMode('busy');
    const result = await run();
    this.#circuits.apply();
    if (this.#isClosed()) return;
    this.#printResult(result);
    if (typeof result === 'object' && 'takeOver' in result) await this.#handOver(result.takeOver);
    this.#runner.done();
    if (this.#isClosed()) return;
    this.#setMode('command');
    this.#unsolicited.flush();
    this.#input.pump();
  }

  async #connect(text = '', { forwardEscape }: DataPhaseOptions = {}): Promise<DataPhase> {
    const { settings } = this;
    const call = new ServerDataCall(
      {
        port: this.#port,
        clock: this.#clock,
        send: (bytes) => this.#output.send(bytes),
        hold: (wanted) => {
          this.#holds.set(this.#port, 'call', wanted);
        },
        onEnd: (end) => {
          this.#onCallEnd(call, end);
        },
      },
      {
        character: settings.get('S2'),
        guardMs: this.#options.escapeGuardMs?.(settings) ?? settings.escapeGuardMs,
        forward: forwardEscape ?? this.#options.forwardEscape?.(settings) ?? false,
      },
    );
    if (this.#isClosed()) {
      call.end('lineLost');
      return call.phase;
    }
    this.#call = call;
    this.#circuits.setCarrier(true);
    const printed = this.#output.write(formatResult(connectResult(text, settings), settings));
    this.#setMode('data');
    this.#input.pump();
    await printed;
    return call.phase;
  }

  #onCallEnd(call: ServerDataCall, end: DataPhaseEnd): void {
    if (this.#call !== call) return;
    this.#call = undefined;
    this.#circuits.setCarrier(false, end !== 'escaped');
    if (this.mode === 'data') this.#setMode('busy');
  }

  #onDtrDropped(): void {
    const { dtr } = this.settings;
    if (dtr === 1) this.#call?.end('escaped');
    if (dtr !== 2) return;
    if (this.#call !== undefined) this.#call.end('dtrDropped');
    else {
      this.#runner.abort('DTR was dropped');
      this.#options.onDtrDropped?.();
    }
  }

  #printResult(result: CommandResult): void {
    const text = resultText(result, this.settings);
    if (text === undefined) return;
    this.#emit({ type: 'lineEnded', result: text });
    void this.#output.write(formatResult(text, this.settings));
  }

  /** Gives the line away until the taker is done with it. */
  async #handOver(takeOver: (line: Port) => Promise<Port | undefined>): Promise<void> {
    await this.#output.drained();
    if (this.#isClosed()) return;
    const line = this.#port;
    this.#setMode('takenOver');
    this.#detach();
    let back: Port | undefined;
    try {
      back = await takeOver(this.#input.takeAll().reduceRight((port, chunk) => prepend(port, chunk), line));
    } catch (error) {
      this.#emit({ type: 'handlerFailed', name: 'takeOver', error });
    }
    if (this.#isClosed()) return;
    this.#setMode('busy');
    this.#attach(back ?? line);
  }

  #isClosed(): boolean {
    return this.#mode$.value === 'closed';
  }

  #setMode(mode: AtServerMode): void {
    if (this.mode !== mode) this.#mode$.next(mode);
  }

  #emit(event: AtServerEvent): void {
    this.#events$.next(event);
    if (channel.hasSubscribers) channel.publish({ port: this.#port.name, ...event });
  }
}
