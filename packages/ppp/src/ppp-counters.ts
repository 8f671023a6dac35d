import type { FrameDecoderCounters } from './core/frame-decoder.ts';

/** Counters of a link since it was made. */
export interface PppCounters extends FrameDecoderCounters {
  readonly bytesSent: number;
  readonly packetsSent: number;
  readonly packetBytesSent: number;
  readonly packetsReceived: number;
  readonly packetBytesReceived: number;
  /** Received packets that had no subscriber. */
  readonly packetsUnheard: number;
  readonly droppedByPhase: number;
  readonly protocolRejectsSent: number;
  readonly controlFramesDropped: number;
}
