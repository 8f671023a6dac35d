/*
 * DLC parameter negotiation, 3GPP TS 27.010 §5.4.6.3.1:
 *
 * octet 1   DLCI (bits 0 to 5)
 * octet 2   bits 0 to 3 frame type (0 UIH, 1 UI, 2 I), bits 4 to 7 convergence layer less 1
 * octet 3   priority (bits 0 to 5)
 * octet 4   T1 in 10 ms
 * octet 5   N1, low octet
 * octet 6   N1, high octet
 * octet 7   N2
 * octet 8   k (bits 0 to 2)
 *
 * For example `83 11 01 00 07 0A 40 00 03 02`: DLCI 1, UIH, layer 1, priority 7, T1 100 ms, N1 64, N2 3, k 2.
 */

/** How data travels on a DLC: UIH without a check of the data, UI with one, I with acknowledgement and repetition. */
export type DataFrameType = 'UIH' | 'UI' | 'I';

/** Convergence layers, §5.5: 1 octets, 2 octets with V.24 signals, 3 whole frames, 4 frames in fragments. */
export type ConvergenceLayer = 1 | 2 | 3 | 4;

/** What two ends agree on for a DLC. */
export interface DlcParameters {
  readonly frameType: DataFrameType;
  readonly convergence: ConvergenceLayer;
  /** 0 to 63, smaller is more urgent. */
  readonly priority: number;
  /** Acknowledgement timer in ms, 10 to 2550 in steps of 10. */
  readonly t1Ms: number;
  /** Longest information field in octets, 1 to 32768. */
  readonly n1: number;
  /** Retransmissions, 0 to 255. */
  readonly n2: number;
  /** Window of the error-recovery mode, 1 to 7. */
  readonly k: number;
}

/**
 * The smallest N1 with which a convergence layer carries anything: layer 2 puts two octets of signals in front of the data
 * while a break lasts, layer 4 a header octet.
 */
export const N1_FROM: Readonly<Record<ConvergenceLayer, number>> = { 1: 1, 2: 3, 3: 1, 4: 2 };

const FRAME_TYPES: readonly DataFrameType[] = ['UIH', 'UI', 'I'];

/** The value of a PN message. */
export function encodeParameters(dlci: number, parameters: DlcParameters): Uint8Array {
  const { frameType, convergence, priority, t1Ms, n1, n2, k } = parameters;
  return Uint8Array.of(
    dlci & 0x3f,
    FRAME_TYPES.indexOf(frameType) | ((convergence - 1) << 4),
    priority & 0x3f,
    Math.min(255, Math.max(1, Math.round(t1Ms / 10))),
    n1 & 0xff,
    n1 >> 8,
    n2 & 0xff,
    k & 0x07,
  );
}

/** Reads the value of a PN message; undefined for a length, frame type or layer that does not exist, and for N1 = 0. */
export function decodeParameters(value: Uint8Array): { dlci: number; parameters: DlcParameters } | undefined {
  if (value.length !== 8) return undefined;
  const [dlci, kind, priority, t1, n1Low, n1High, n2, k] = value as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const frameType = FRAME_TYPES[kind & 0x0f];
  const convergence = (kind >> 4) + 1;
  const n1 = n1Low | (n1High << 8);
  if (frameType === undefined || !isConvergenceLayer(convergence) || n1 === 0) return undefined;
  return {
    dlci: dlci & 0x3f,
    parameters: { frameType, convergence, priority: priority & 0x3f, t1Ms: t1 * 10, n1, n2, k: k & 0x07 },
  };
}

function isConvergenceLayer(value: number): value is ConvergenceLayer {
  return value >= 1 && value <= 4;
}

/**
 * The priority of a DLC where none is agreed, §5.6: DLCI 0 has 0; then 7 for DLCIs 1 to 7, 15 for 8 to 15, and so on; 61
 * for the last.
 */
export function defaultPriority(dlci: number): number {
  return dlci === 0 ? 0 : Math.min(61, dlci | 7);
}
