/** What a part of the fuzzing is told. */
export interface FuzzOptions {
  /** The same seed and number of frames give the same run. */
  readonly seed: number;
  /** Ends when about so many frames' worth has been through. */
  readonly frames: number;
  /** Called now and then with what has been through so far. */
  readonly onProgress?: ((done: FuzzResult) => void) | undefined;
}

/** What has been through. */
export interface FuzzResult {
  /** Frames that were put on lines, and random octets as frames of {@link OCTETS_OF_A_FRAME}. */
  readonly frames: number;
  readonly octets: number;
  /** Streams, lives or pairs. */
  readonly cases: number;
}

/** Random octets are counted as frames of so many: what a frame with a short AT line has. */
export const OCTETS_OF_A_FRAME = 20;

/** One part of the fuzzing. Throws a {@link FuzzFailure} for what must not be. */
export interface FuzzPart {
  readonly name: string;
  /** What is tried and what must hold. */
  readonly title: string;
  /** Its part of all the frames. */
  readonly share: number;
  readonly run: (options: FuzzOptions) => Promise<FuzzResult>;
}

/** Something happened that must not, with all that is needed to see it again. */
export class FuzzFailure extends Error {
  constructor(what: string, details: Readonly<Record<string, unknown>>, cause?: unknown) {
    super(`${what}\n${JSON.stringify(details, undefined, 2)}`, { cause });
    this.name = 'FuzzFailure';
  }
}
