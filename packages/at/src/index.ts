export { AtClient, type AtClientOptions, type AtMode } from './client/at-client.ts';
export type { AtEvent } from './client/at-events.ts';
export { GENERIC_AT_PROFILE, HE863_AT_PROFILE, type AtProfile, type Probe } from './client/at-profile.ts';
export { atString } from './client/at-string.ts';
export { responseBefore } from './client/command-job.ts';
export type {
  AtResponse,
  CommandOptions,
  ConnectOptions,
  HandedOver,
  PromptText,
  Urc,
} from './client/command-options.ts';
export type { DataCall, DataCallEnd, EscapeOptions } from './client/data-call.ts';
export { CME_ERRORS, cmeCode, errorTextKey } from './core/cme-errors.ts';
export { CMS_ERRORS, cmsCode } from './core/cms-errors.ts';
export { commandLineFacts, textFault, type CommandLineFacts, type TextFault } from './core/command-line.ts';
export { EscapeAvoidance } from './core/escape-avoidance.ts';
export { DataEndScanner, type DataEndScannerOptions, type HeldState } from './core/data-end-scanner.ts';
export {
  integerOf,
  listAllows,
  parseInformation,
  parseValues,
  textOf,
  type AtInformation,
  type AtListItem,
  type AtValue,
} from './core/information.ts';
export * from './core/limits.ts';
export { LineReader, type CountedLine, type LineReaderOptions, type ReaderEvent } from './core/line-reader.ts';
export {
  ResponseParser,
  type ResponseEvent,
  type ResponseParserOptions,
  type RunningCommand,
} from './core/response-parser.ts';
export {
  CALL_RESULTS,
  callResult,
  connectText,
  NUMERIC_RESULTS,
  PLAIN_RESULTS,
  plainResult,
  verboseOf,
  type FinalKind,
  type FinalResult,
} from './core/result-codes.ts';
export { STANDARD_URCS, UrcTable, type LineOwner, type UrcPattern } from './core/urc-table.ts';
export * from './server/index.ts';
