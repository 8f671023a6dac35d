/** What is counted for the whole link, besides what the deframer counts. */
export interface LinkCounters {
  framesSent: number;
  framesReceived: number;
  /** Octets handed to the line and taken from it, all of them. */
  octetsSent: number;
  octetsReceived: number;
  /** Control messages that were cut short or had a length that theirs cannot have. */
  malformedMessages: number;
  /** Commands of the peer that were answered with NSC. */
  unknownMessages: number;
  /** Answers to nothing that was asked. */
  unexpectedAnswers: number;
  /** Frames that came back as they were sent: the far end echoes, and is in AT command mode. */
  echoes: number;
  /** Answers that were not sent because too many were waiting: the peer asks faster than the line takes answers. */
  answersDropped: number;
  /** Times the line was stopped by XOFF. */
  lineStops: number;
  /** Supervisory and I frames for a DLC that is not in error-recovery mode. */
  unexpectedFrames: number;
}

/** All zero. */
export function noCounts(): LinkCounters {
  return {
    framesSent: 0,
    framesReceived: 0,
    octetsSent: 0,
    octetsReceived: 0,
    malformedMessages: 0,
    unknownMessages: 0,
    unexpectedAnswers: 0,
    echoes: 0,
    answersDropped: 0,
    lineStops: 0,
    unexpectedFrames: 0,
  };
}
