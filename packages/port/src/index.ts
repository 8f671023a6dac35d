export { concatBytes, fromHex, fromLatin1, latin1, toHex } from './core/bytes.ts';
export { CellmuxError, hasCode, type CellmuxErrorOptions } from './core/cellmux-error.ts';
export { checkInteger, checkOneOf } from './core/check-option.ts';
export { seededRandom } from './core/random.ts';
export {
  Capture,
  CAPTURE_INTERFACE_LIMIT,
  tapPort,
  type CaptureLayer,
  type CaptureOptions,
  type CaptureSink,
  type CaptureTap,
  type CaptureTapOptions,
} from './capture.ts';
export { CircuitCable } from './circuit-cable.ts';
export { DRIVEN_CIRCUITS, IDLE_CIRCUITS, type Circuits, type PortRole } from './circuits.ts';
export { systemClock, type Cancel, type Clock } from './clock.ts';
export { diagnosticsChannel, type DiagnosticsChannel } from './diagnostics.ts';
export { CLOSE_LINGER_MS, DrivenPort, type DrivenPortOptions, type PortDriver } from './driven-port.ts';
export {
  faultyLine,
  pacedLine,
  type FaultyLine,
  type FaultyLineOptions,
  type LineDirection,
  type LineFaults,
  type LineStats,
  type PacedLine,
  type PacedLineOptions,
} from './faulty-line.ts';
export { memoryPair, type MemoryPair, type MemoryPairOptions } from './memory-pair.ts';
export type { AbortOptions, Port } from './port.ts';
export { portClosedError, portLostError } from './port-errors.ts';
export { PortView, type PortViewChanges } from './port-view.ts';
export { prepend } from './prepend.ts';
export { BACKLOG_LIMIT_BYTES, ReceiveStream, type ReceiveStreamOptions } from './receive-stream.ts';
