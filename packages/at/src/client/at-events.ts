import type { DataCallEnd } from './data-call.ts';

/** What an {@link AtClient} reports on `events$` and on the channel `cellmux:at:event`. Of a secret line only the name is shown. */
export type AtEvent =
  | { readonly type: 'commandSent'; readonly command: string }
  | {
      readonly type: 'commandEnded';
      readonly command: string;
      /** The result line, or the code of the error it was rejected with. */
      readonly result: string;
      readonly tookMs: number;
    }
  | { readonly type: 'dataCallStarted'; readonly command: string; readonly connectText: string }
  | ({ readonly type: 'dataCallEnded' } & DataCallEnd)
  /** Answers are owed that belong to no running command: a command timed out or was given up. */
  | { readonly type: 'outOfStep'; readonly cause: 'timeout' | 'aborted' | 'dataCall' }
  | { readonly type: 'inStep' }
  /** A line of an answer whose command had been given up; its text is not shown. */
  | { readonly type: 'lateLine'; readonly byteCount: number }
  /** Bytes that were no line: longer than the limit. */
  | { readonly type: 'discarded'; readonly byteCount: number };
