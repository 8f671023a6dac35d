import { encodeMessage, MESSAGE, messageTypeOf, type MessageType } from './control-message.ts';

/** How a command on the control channel ended. */
export type CommandOutcome = 'answered' | 'notSupported' | 'noAnswer' | 'linkLost' | 'tooMany';

/** Called once for each command, with the value of the answer where there was one. */
export type CommandDone = (outcome: CommandOutcome, value: Uint8Array | undefined) => void;

/** Commands of one kind and DLCI that may wait behind one that is outstanding. */
export const WAITING_LIMIT = 16;

interface Command {
  readonly type: MessageType;
  readonly dlci: number;
  value: Uint8Array;
  readonly isEchoExpected: boolean;
  readonly done: CommandDone;
  tries: number;
  atMs: number;
  isQueued: boolean;
}

/** Options of {@link ControlChannel}. */
export interface ControlChannelOptions {
  /** T2 as it is now. */
  readonly t2Ms: () => number;
  readonly n2: number;
  /** Puts a message on the line; `onSent` is called when it leaves. */
  readonly send: (message: Uint8Array, onSent: ((nowMs: number) => void) | undefined) => void;
}

/**
 * The commanding half of the control channel (3GPP TS 27.010 §5.4.6): at most one command of a kind outstanding for each
 * DLCI, sent again after T2 up to N2 times, and what the peer has said it does not support remembered.
 */
export class ControlChannel {
  /** Commands sent again because T2 ran out. */
  retransmissions = 0;
  readonly #options: ControlChannelOptions;
  readonly #outstanding = new Map<number, Command>();
  readonly #waiting = new Map<number, Command[]>();
  readonly #unsupported = new Set<MessageType>();

  constructor(options: ControlChannelOptions) {
    this.#options = options;
  }

  /** True once the peer has answered this command with NSC. */
  isUnsupported(type: MessageType): boolean {
    return this.#unsupported.has(type);
  }

  isOutstanding(type: MessageType, dlci: number): boolean {
    return this.#outstanding.has(keyOf(type, dlci));
  }

  /** When T2 of some command runs out next; Infinity where none is outstanding. */
  get nextDeadlineMs(): number {
    let next = Infinity;
    for (const { atMs } of this.#outstanding.values()) next = Math.min(next, atMs);
    return next;
  }

  /**
   * Sends a command, or keeps it until the one before it is through. With `echo`, only an answer with the same value
   * counts: UIH does not protect what it carries, and the echo is the proof that it arrived unharmed.
   */
  command(type: MessageType, dlci: number, value: Uint8Array, nowMs: number, echo: boolean, done: CommandDone): void {
    if (this.#unsupported.has(type)) {
      done('notSupported', undefined);
      return;
    }
    const command = { type, dlci, value, isEchoExpected: echo, done, tries: 0, atMs: Infinity, isQueued: false };
    const key = keyOf(type, dlci);
    if (!this.#outstanding.has(key)) {
      this.#outstanding.set(key, command);
      this.#transmit(command, nowMs);
      return;
    }
    const waiting = this.#waiting.get(key) ?? [];
    if (waiting.length >= WAITING_LIMIT) {
      done('tooMany', undefined);
      return;
    }
    waiting.push(command);
    this.#waiting.set(key, waiting);
  }

  /** An answer arrived; false where nothing was asked that it could answer. */
  answered(type: MessageType, dlci: number, value: Uint8Array, nowMs: number): boolean {
    const key = keyOf(type, dlci);
    const command = this.#outstanding.get(key);
    if (command === undefined) return false;
    if (command.isEchoExpected && !isSame(command.value, value)) {
      // What was understood is not what was said: say it again at once, within the tries that T2 has.
      command.atMs = nowMs;
      return true;
    }
    this.#finish(key, command, 'answered', value, nowMs);
    return true;
  }

  /** NSC with this type octet arrived: the command is over, and is not tried again on this link. */
  notSupported(typeOctet: number, nowMs: number): void {
    // Linux's n_gsm puts there the type without its EA bit, so that Test (23) becomes 11 and PSC (43) looks like Test.
    const type =
      this.#outstandingOf(messageTypeOf(typeOctet)) ?? this.#outstandingOf(messageTypeOf((typeOctet << 1) | 1));
    if (type === undefined) return;
    for (const [key, command] of [...this.#outstanding]) {
      if (command.type !== type) continue;
      // The octet may be damaged, and this one is essential: NSC for it is not believed.
      if (type !== 'MSC' && type !== 'CLD') this.#unsupported.add(type);
      this.#finish(key, command, 'notSupported', undefined, nowMs);
    }
  }

  handleTimeout(nowMs: number): void {
    for (const [key, command] of [...this.#outstanding]) {
      if (command.atMs > nowMs) continue;
      if (command.tries > this.#options.n2) {
        this.#finish(key, command, 'noAnswer', undefined, nowMs);
      } else {
        this.retransmissions++;
        this.#transmit(command, nowMs);
      }
    }
  }

  /** Lets T2 of what is outstanding begin now: the peer slept and could not answer. */
  restartTimers(nowMs: number): void {
    for (const command of this.#outstanding.values()) command.atMs = nowMs + this.#options.t2Ms();
  }

  /** Ends all commands about a DLC that is no more. */
  forget(dlci: number): void {
    const ended: Command[] = [];
    for (const [key, command] of [...this.#outstanding]) {
      if (key % 64 !== dlci) continue;
      this.#outstanding.delete(key);
      ended.push(command, ...(this.#waiting.get(key) ?? []));
      this.#waiting.delete(key);
    }
    for (const { done } of ended) done('linkLost', undefined);
  }

  /** Ends everything. */
  drop(): void {
    const all = [...this.#outstanding.values(), ...[...this.#waiting.values()].flat()];
    this.#outstanding.clear();
    this.#waiting.clear();
    for (const { done } of all) done('linkLost', undefined);
  }

  #outstandingOf(type: MessageType | undefined): MessageType | undefined {
    if (type === undefined) return undefined;
    for (const command of this.#outstanding.values()) if (command.type === type) return type;
    return undefined;
  }

  #transmit(command: Command, nowMs: number): void {
    command.tries++;
    command.atMs = nowMs + this.#options.t2Ms();
    // While the line takes nothing, the first copy still waits: a second would only follow on its heels.
    if (command.isQueued) return;
    command.isQueued = true;
    this.#options.send(encodeMessage(command.type, true, command.value), (sentAtMs) => {
      command.isQueued = false;
      command.atMs = sentAtMs + this.#options.t2Ms();
    });
  }

  #finish(key: number, command: Command, outcome: CommandOutcome, value: Uint8Array | undefined, nowMs: number): void {
    this.#outstanding.delete(key);
    const waiting = this.#waiting.get(key);
    const next = waiting?.shift();
    if (waiting?.length === 0) this.#waiting.delete(key);
    if (next !== undefined) {
      this.#outstanding.set(key, next);
      this.#transmit(next, nowMs);
    }
    command.done(outcome, value);
  }
}

function keyOf(type: MessageType, dlci: number): number {
  return MESSAGE[type] * 64 + dlci;
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((octet, index) => octet === other[index]);
}
