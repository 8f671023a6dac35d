/** Why octets of the line were not taken as a frame. */
export interface DeframerCounters {
  /** Frames handed on. */
  frames: number;
  /** Octets that belong to no frame and are no flags. */
  noiseOctets: number;
  /** Headers that no frame can have: EA = 0, DLCI 62 or 63, unknown control octet, information where none may be. */
  badHeader: number;
  /** Frames whose length field says more than N1. */
  tooLong: number;
  /** Frames without a flag where their length says it must be (basic option). */
  noClosingFlag: number;
  /** Frames with header and flags in order and a wrong FCS. */
  badFcs: number;
  /** Frames that their sender ended with `7D 7E` (advanced option). */
  aborted: number;
  /** Frames found inside a frame that never ended, after the inter-octet time-out. */
  foundLate: number;
}

/** All zero. */
export function noFrames(): DeframerCounters {
  return {
    frames: 0,
    noiseOctets: 0,
    badHeader: 0,
    tooLong: 0,
    noClosingFlag: 0,
    badFcs: 0,
    aborted: 0,
    foundLate: 0,
  };
}

/** Where a deframer puts what it finds. Called from within `receive`; must not call the deframer other than `stop`. */
export interface FrameSink {
  /**
   * A frame whose header, length, FCS and flags all agree. Its information field is `bytes[start]` to `bytes[end - 1]`.
   * `bytes` is either the chunk that `receive` was given or memory of the deframer's own that it will overwrite.
   */
  frame(bytes: Uint8Array, address: number, control: number, start: number, end: number): void;
  /** Octets `bytes[start]` to `bytes[end - 1]` belong to no frame; repeated flags are not among them. */
  noise(bytes: Uint8Array, start: number, end: number): void;
}

/** What both deframers are to the layer above. */
export interface Deframer {
  readonly counters: DeframerCounters;
  /** The longest information field taken, in octets. May be raised, not lowered. */
  n1: number;
  /** True while octets are held that may become a frame: then {@link idle} has work to do. */
  readonly isPending: boolean;
  /** Octets held; never more than N1 + 8. */
  readonly pendingOctets: number;
  /** Takes the next octets of the line, in chunks of any size. Keeps no reference to `chunk`. */
  receive(chunk: Uint8Array): void;
  /** To be called when the line has been silent for the inter-octet time-out. */
  idle(): void;
  /** From within a sink: takes no frame after this one. What follows it is kept for {@link takeRest}. */
  stop(): void;
  /** The octets behind the frame at which it was stopped. */
  takeRest(): Uint8Array;
}
