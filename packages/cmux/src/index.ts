export { DlcPort } from './dlc-port.ts';
export { Multiplexer, type FrameWatcher, type LinkSettings } from './multiplexer.ts';
export type { CmuxCounters } from './cmux-counters.ts';
export type { DlcOptions } from './dlc-options.ts';
export type { DlcStatus } from './dlc-status.ts';
export type { DlcState } from './core/dlc-transitions.ts';
export type { MultiplexerOptions } from './multiplexer-options.ts';
export type { CmuxEnd, CmuxEndReason, CmuxEvent } from './cmux-event.ts';
export { startMultiplexer, type StartOptions } from './start-multiplexer.ts';
export { stopMultiplexer, type StopOptions } from './stop-multiplexer.ts';
export { blindCloseDown } from './blind-close-down.ts';
export { GENERIC, HE863, type CmuxProfile } from './cmux-profiles.ts';
export { AdvancedDeframer, type AdvancedDeframerOptions } from './core/advanced-deframer.ts';
export { BasicDeframer, type BasicDeframerOptions } from './core/basic-deframer.ts';
export {
  cmuxForms,
  parseCmuxRanges,
  portSpeedsOf,
  type CmuxForm,
  type CmuxParameter,
  type CmuxRanges,
  type CmuxWish,
} from './core/cmux-command.ts';
export { CONTROL, frameTypeOf, POLL_FINAL, SUPERVISORY, type FrameType } from './core/control-field.ts';
export { encodeMessage, MESSAGE, messageTypeOf, readMessages, type MessageType } from './core/control-message.ts';
export type { DlcCounters } from './core/dlc.ts';
export { fcsOf } from './core/fcs.ts';
export {
  addressOf,
  AdvancedEncoder,
  advancedFrameLimit,
  BASIC_OVERHEAD,
  encodeAdvanced,
  encodeBasic,
  encodeBasicFrame,
} from './core/frame-encoder.ts';
export type { Deframer, DeframerCounters, FrameSink } from './core/frame-sink.ts';
export { decodeModemStatus, encodeModemStatus, type ModemStatus } from './core/modem-status.ts';
export {
  decodeParameters,
  defaultPriority,
  encodeParameters,
  type ConvergenceLayer,
  type DataFrameType,
  type DlcParameters,
} from './core/parameter-negotiation.ts';
export {
  decodeFrames,
  type Decoded,
  type DecodedFrame,
  type DecodedMessage,
  type DecodedNoise,
  type DecodeOptions,
} from './core/decode-frames.ts';
export { describeFrame } from './core/describe-frame.ts';
export type { LinkState } from './core/link-context.ts';
export type { LineStatus } from './core/line-status.ts';
export { DEFAULT_PORT_SETTINGS, PORT_MASK, type PortSettings, type RemotePort } from './core/remote-port.ts';
export type { Services } from './core/service-negotiation.ts';
