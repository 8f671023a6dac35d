/** What the multiplexer counted for one DLC. */
export interface DlcCount {
  readonly framesSent: number;
  readonly framesReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** Flag, address, control, FCS and flag around every information field, and two length octets at the most. */
const FRAME_OVERHEAD_OCTETS = 7;

/** Octets of the line, both ways, that one DLC takes: its own and those of the frames around them. */
export function lineOctets({ framesSent, framesReceived, bytesSent, bytesReceived }: DlcCount): number {
  return bytesSent + bytesReceived + (framesSent + framesReceived) * FRAME_OVERHEAD_OCTETS;
}
