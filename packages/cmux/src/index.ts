export { DlcPort } from './dlc-port.ts';
export { Multiplexer, type CmuxCounters, type DlcOptions, type FrameWatcher } from './multiplexer.ts';
export type { MultiplexerOptions } from './multiplexer-options.ts';
export type { CmuxEnd, CmuxEndReason, CmuxEvent } from './cmux-event.ts';
