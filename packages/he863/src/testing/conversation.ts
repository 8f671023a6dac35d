import { readFileSync } from 'node:fs';

/** One step of a conversation. What is expected is text with one character for each octet. */
export interface ConversationStep {
  /** `A`, `B`: the line of module A or B; `A.dlc1`: a virtual port of it. */
  readonly port?: string;
  readonly send?: string;
  readonly expect?: string;
  /** Other answers that are as good. */
  readonly alt?: readonly string[];
  /** A regular expression over the whole answer. */
  readonly expectRe?: string;
  /** The host says nothing for so long. */
  readonly quietMs?: number;
  readonly sendHex?: string;
  readonly expectHex?: string;
  /** Any frames, or none. */
  readonly expectHexAny?: boolean;
  /** PPP's phases, run by the player. */
  readonly ppp?: string;
  /** The other end on the network: `tcp:host:port` is where it listens, or where the module does; `#2` a second one. */
  readonly peer?: string;
  readonly on?: 'connect' | 'send' | 'recv' | 'close';
  readonly data?: string;
  /** The step may be missing. */
  readonly optional?: boolean;
  readonly note?: string;
}

/** A conversation with a module: the guide's own, or one of its rules. */
export interface Conversation {
  readonly name: string;
  readonly clause: string;
  readonly basis: string;
  /** What is so before the first step. */
  readonly assumes: readonly string[];
  readonly steps: readonly ConversationStep[];
}

/** All conversations of the vectors. */
export function conversations(): readonly Conversation[] {
  const file = new URL('../../vectors/ipeasy-conversations.json', import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as Conversation[];
}
