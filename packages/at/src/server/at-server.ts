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
import { CME_ERRORS } from '../core/cme-errors.ts';
import {
  OUTPUT_HIGH_WATER_BYTES,
  TYPE_AHEAD_LIMIT_BYTES,
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
  PromptEnd,
} from './command-declaration.ts';
import { CommandTable, type TableContext } from './command-table.ts';
import { ServerDataCall } from './data-call.ts';
import { LineAssembler } from './line-assembler.ts';
import { LineOutput } from './line-output.ts';
import { parseCommandLine } from './parse-command-line.ts';
import { PromptReader } from './prompt-reader.ts';
import { formatInformation, formatPrompt, formatResult, formatUnsolicited } from './response-format.ts';
import { memoryProfiles, Settings, V250_SETTINGS } from './settings.ts';
import { standardCommands } from './standard-commands.ts';
import { UnsolicitedQueue } from './unsolicited-queue.ts';

const channel = diagnosticsChannel('cellmux:at:event');

interface OpenPrompt {
  readonly reader: PromptReader;
  readonly done: (text: Uint8Array | undefined) => void;
}

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
  readonly mode$: Observable<AtServerMode>;
  readonly events$: Observable<AtServerEvent>;
  /** Settles when the server has ended: closed, or its port is gone. */
  readonly ended: Promise<void>;
  readonly #options: AtServerOptions<Session>;
  readonly #clock: Clock;
  readonly #table: CommandTable<Session>;
  readonly #assembler: LineAssembler;
  readonly #output: LineOutput;
  readonly #circuits: CarrierCircuits;
  readonly #unsolicited = new UnsolicitedQueue();
  readonly #mode$ = new BehaviorSubject<AtServerMode>('command');
  readonly #events$ = new Subject<AtServerEvent>();
  #port: Port;
  #subscription: Subscription | undefined;
  #input: Uint8Array[] = [];
  #inputBytes = 0;
  #pumping = false;
  #holds = new Set<'input' | 'call'>();
  #prompt: OpenPrompt | undefined;
  #call: ServerDataCall | undefined;
  #wasOnline = false;
  #running: AbortController | undefined;
  #lastLine: string | undefined;
  #settleEnded: () => void = () => undefined;

  constructor(port: Port, commands: readonly CommandDeclaration<Session>[], options: AtServerOptions<Session>) {
    const { maximumLineLength = 80, profileCount = 2, profiles = memoryProfiles() } = options;
    checkInteger('maximumLineLength', maximumLineLength, 8, 4096);
    checkInteger('profileCount', profileCount, 1, 10);
    this.#port = port;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.settings = new Settings({ ...V250_SETTINGS, ...options.settings });
    this.settings.restore(profiles.load(profiles.powerUpSlot) ?? {});
    const identification = options.identification ?? {};
    const standard = standardCommands<Session>({ settings: this.settings, profiles, identification, profileCount });
    const { parameterError = { cme: 4 }, formError = { cme: 4 } } = options;
    this.#table = new CommandTable([...standard, ...commands], { parameter: parameterError, form: formError });
    this.#assembler = new LineAssembler(maximumLineLength);
    this.#output = new LineOutput(port, OUTPUT_HIGH_WATER_BYTES);
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
    return this.#whenFree(false, () => this.#output.write(formatUnsolicited(line, this.settings)));
  }

  /**
   * Runs a handler as if its command had been typed, once the port is free: the module goes online by itself. Resolves
   * when it has ended and its result is printed, or never will.
   */
  unsolicited(handler: (context: CommandContext<Session>) => CommandResult | Promise<CommandResult>): Promise<void> {
    return this.#whenFree(true, () => this.#runAlone(() => this.#guarded('', handler)));
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
    this.#running?.abort(new DOMException('the port is gone', 'AbortError'));
    this.#prompt?.done(undefined);
    this.#call?.end('lineLost');
    for (let dropped = this.#unsolicited.clear(); dropped > 0; dropped--)
      this.#emit({ type: 'urcDropped', reason: 'closed' });
    this.#input = [];
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
        this.#onChunk(chunk);
      },
      complete: gone,
      error: gone,
    });
    // What the port had kept came before the subscription could be noted down.
    if (this.#isClosed()) this.#subscription.unsubscribe();
  }

  #detach(): void {
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.#circuits.detach();
    if (this.#holds.size > 0) this.#port.resume();
    this.#holds = new Set();
  }

  #hold(reason: 'input' | 'call', wanted: boolean): void {
    const before = this.#holds.size;
    if (wanted) this.#holds.add(reason);
    else this.#holds.delete(reason);
    if (before === 0 && this.#holds.size > 0) this.#port.pause();
    else if (before > 0 && this.#holds.size === 0) this.#port.resume();
  }

  #onChunk(chunk: Uint8Array): void {
    if (this.mode === 'data' && this.#inputBytes === 0) {
      this.#call?.push(chunk);
      return;
    }
    if (this.#inputBytes >= TYPE_AHEAD_LIMIT_BYTES) {
      this.#emit({ type: 'inputDropped', bytes: chunk.length });
      return;
    }
    this.#input.push(chunk);
    this.#inputBytes += chunk.length;
    this.#pump();
    if (this.#inputBytes * 2 > TYPE_AHEAD_LIMIT_BYTES) this.#hold('input', true);
  }

  /** Gives bytes that have arrived to whatever reads now, for as long as somebody does. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    for (let chunk = this.#input[0]; chunk !== undefined; chunk = this.#input[0]) {
      const used = this.#consume(chunk);
      if (used === 0) break;
      this.#inputBytes -= used;
      if (used === chunk.length) this.#input.shift();
      else this.#input[0] = chunk.subarray(used);
    }
    this.#pumping = false;
    if (this.#inputBytes * 2 <= TYPE_AHEAD_LIMIT_BYTES) this.#hold('input', false);
  }

  #consume(chunk: Uint8Array): number {
    if (this.mode === 'data') {
      this.#call?.push(chunk);
      return chunk.length;
    }
    if (this.#prompt !== undefined) return this.#consumePrompt(this.#prompt, chunk);
    if (this.mode !== 'command') return 0;
    if (this.#output.isFull) {
      void this.#output.drained().then(() => {
        this.#pump();
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
      this.#setMode('busy');
      void this.#runAlone(() => this.#runLine(text));
      return index + 1;
    }
    this.#echo(chunk);
    return chunk.length;
  }

  #consumePrompt(prompt: OpenPrompt, chunk: Uint8Array): number {
    const { used, done } = prompt.reader.push(chunk);
    this.#echo(chunk.subarray(0, used));
    if (done !== undefined) prompt.done(done.text);
    return used;
  }

  #echo(bytes: Uint8Array): void {
    if (this.settings.echo) void this.#output.write(bytes);
  }

  /** Runs something that keeps the port busy, prints its result, and lets the next thing have its turn. */
  async #runAlone(run: () => Promise<CommandResult>): Promise<void> {
    this.#setMode('busy');
    this.#wasOnline = false;
    const result = await run();
    this.#circuits.apply();
    if (this.#isClosed()) return;
    this.#printResult(result);
    if (typeof result === 'object' && 'takeOver' in result) await this.#handOver(result.takeOver);
    this.#running = undefined;
    if (this.#isClosed()) return;
    this.#setMode('command');
    this.#sayWaiting();
    this.#pump();
  }

  /** Runs a command line; undefined is one that was too long, or `A/` with nothing to repeat. */
  async #runLine(text: string | undefined): Promise<CommandResult> {
    if (text === undefined) return 'ERROR';
    const instead = await this.#options.beforeLine?.(text).catch((error: unknown): CommandResult => {
      this.#emit({ type: 'handlerFailed', name: 'beforeLine', error });
      return 'ERROR';
    });
    if (instead !== undefined) return instead;
    for (const command of parseCommandLine(text)) {
      const result =
        command === 'bad' ? 'ERROR' : await this.#guarded(command.name, (context) => this.#table.run(command, context));
      if (result !== 'OK' || this.#wasOnline) return result;
    }
    return 'OK';
  }

  async #guarded(
    name: string,
    handler: (context: TableContext<Session>) => CommandResult | Promise<CommandResult>,
  ): Promise<CommandResult> {
    const controller = new AbortController();
    this.#running = controller;
    this.#emit({ type: 'commandStarted', name });
    try {
      return await handler(this.#context(name, controller.signal));
    } catch (error) {
      if (!controller.signal.aborted) this.#emit({ type: 'handlerFailed', name, error });
      return controller.signal.aborted ? 'NO CARRIER' : 'ERROR';
    } finally {
      this.#prompt = undefined;
      // A handler that leaves its call open would leave the port in data mode for good.
      this.#call?.end('closed');
    }
  }

  #context(name: string, signal: AbortSignal): TableContext<Session> {
    let first = true;
    return {
      session: this.#options.session,
      name,
      signal,
      given: 0,
      info: (text) => {
        void this.#output.write(formatInformation(text, first, this.settings));
        first = false;
      },
      raw: (bytes) => {
        void this.#output.write(bytes.slice());
      },
      prompt: (end) => this.#ask(end),
      connect: (text, options) => this.#connect(text, options),
    };
  }

  async #ask(end: PromptEnd): Promise<Uint8Array | undefined> {
    if (this.#isClosed()) return undefined;
    await this.#output.write(formatPrompt(this.settings));
    return new Promise((resolve) => {
      if (this.#isClosed()) {
        resolve(undefined);
        return;
      }
      const done = (text: Uint8Array | undefined): void => {
        this.#prompt = undefined;
        resolve(text);
      };
      this.#prompt = { reader: new PromptReader(end), done };
      this.#pump();
    });
  }

  async #connect(text = '', { forwardEscape }: DataPhaseOptions = {}): Promise<DataPhase> {
    const { settings } = this;
    const call = new ServerDataCall(
      {
        port: this.#port,
        clock: this.#clock,
        send: (bytes) => this.#output.send(bytes),
        hold: (wanted) => {
          this.#hold('call', wanted);
        },
        onEnd: (end) => {
          this.#onCallEnd(end);
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
    this.#wasOnline = true;
    this.#call = call;
    this.#circuits.setCarrier(true);
    const printed = this.#output.write(formatResult(text === '' ? 'CONNECT' : `CONNECT ${text}`, settings));
    this.#setMode('data');
    this.#pump();
    await printed;
    return call.phase;
  }

  #onCallEnd(end: DataPhaseEnd): void {
    if (this.#call === undefined) return;
    this.#call = undefined;
    this.#circuits.setCarrier(false, end !== 'escaped');
    if (this.mode === 'data') this.#setMode('busy');
  }

  #onDtrDropped(): void {
    const { dtr } = this.settings;
    if (dtr === 0) return;
    if (this.#call !== undefined) this.#call.end(dtr === 1 ? 'escaped' : 'dtrDropped');
    else if (dtr === 2) {
      this.#running?.abort(new DOMException('DTR was dropped', 'AbortError'));
      this.#options.onDtrDropped?.();
    }
  }

  #printResult(result: CommandResult): void {
    if (result === 'silent') return;
    let text: string;
    if (typeof result === 'string') text = result;
    else if ('takeOver' in result) text = 'OK';
    else text = this.#errorText(result);
    this.#emit({ type: 'lineEnded', result: text });
    void this.#output.write(formatResult(text, this.settings));
  }

  #errorText(error: { readonly cme: number } | { readonly cms: number }): string {
    const { cmee } = this.settings;
    if (cmee === 0) return 'ERROR';
    if ('cms' in error) return `+CMS ERROR: ${error.cms}`;
    return `+CME ERROR: ${cmee === 1 ? error.cme : (CME_ERRORS[error.cme] ?? error.cme)}`;
  }

  /** Gives the line away until the taker is done with it. */
  async #handOver(takeOver: (line: Port) => Promise<Port | undefined>): Promise<void> {
    await this.#output.drained();
    if (this.#isClosed()) return;
    const line = this.#port;
    this.#setMode('takenOver');
    this.#detach();
    const rest = this.#input.splice(0);
    this.#inputBytes = 0;
    let back: Port | undefined;
    try {
      back = await takeOver(rest.reduceRight((port, chunk) => prepend(port, chunk), line));
    } catch (error) {
      this.#emit({ type: 'handlerFailed', name: 'takeOver', error });
    }
    if (this.#isClosed()) return;
    this.#assembler.reset();
    this.#setMode('busy');
    this.#attach(back ?? line);
  }

  #whenFree(exclusive: boolean, run: () => Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isClosed()) {
        this.#emit({ type: 'urcDropped', reason: 'closed' });
        resolve();
      } else if (this.#unsolicited.push({ run, exclusive, done: resolve })) {
        this.#sayWaiting();
      } else {
        this.#emit({ type: 'urcDropped', reason: 'tooMany' });
      }
    });
  }

  #sayWaiting(): void {
    while (this.mode === 'command') {
      // Lines are made when their turn comes, so a host that does not read holds back whoever makes them.
      if (this.#output.isFull) {
        void this.#output.drained().then(() => {
          this.#sayWaiting();
        });
        return;
      }
      const item = this.#unsolicited.shift();
      if (item === undefined) return;
      if (item.exclusive) this.#setMode('busy');
      void item.run().then(item.done);
    }
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
