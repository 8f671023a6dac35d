/** What a gateway gives: PPP on DLCI 1, IP Easy sockets on DLCI 2, AT on DLCI 3. */
export const SERVICES = ['ppp', 'sockets', 'at'] as const;
export type Service = (typeof SERVICES)[number];

/** Whose trouble it is: one service's, or that of the link (line, module, multiplexer) on which all of them stand. */
export type Patient = Service | 'link';

/**
 * What helps, the mildest first. `redial` sets a service up anew on the port that it has; `reopenDlc` closes its DLC and
 * opens it again; the others concern the link, and with it all services.
 */
export const STEPS = ['redial', 'reopenDlc', 'restartMultiplexer', 'resetModule', 'reopenLine'] as const;
export type Step = (typeof STEPS)[number];

/** What a cause asks for. */
export interface CauseRow {
  /** Whose trouble it is where the report does not say. */
  readonly ofLink: boolean;
  /** Where repair begins. */
  readonly first: Step;
  /** The strongest step that can help; nothing beyond is tried. */
  readonly last: Step;
  /** Pause between two attempts: growing, or always the same where waiting is all that helps, ms. */
  readonly pause: 'backOff' | number;
  /** Higher is nearer to the root: of two causes of one outage it is the one that is told. */
  readonly depth: 0 | 1 | 2 | 3;
  /** The whole module has it: services that suffer from it are one outage. */
  readonly isShared?: boolean;
  /** For people. */
  readonly words: string;
}

/** Everything that a gateway knows to go wrong, and what it does about it. */
export const CAUSES = {
  lineLost: {
    ofLink: true,
    first: 'reopenLine',
    last: 'reopenLine',
    pause: 'backOff',
    depth: 3,
    words: 'the line is gone',
  },
  lineSilent: {
    ofLink: true,
    first: 'restartMultiplexer',
    last: 'resetModule',
    pause: 'backOff',
    depth: 2,
    words: 'the module does not answer on the line',
  },
  multiplexerStuck: {
    ofLink: true,
    first: 'restartMultiplexer',
    last: 'resetModule',
    pause: 'backOff',
    depth: 2,
    words: 'the multiplexer does not answer',
  },
  multiplexerClosed: {
    ofLink: true,
    first: 'restartMultiplexer',
    last: 'resetModule',
    pause: 'backOff',
    depth: 2,
    words: 'the module closed the multiplexer',
  },
  multiplexerRefused: {
    ofLink: true,
    first: 'restartMultiplexer',
    last: 'resetModule',
    pause: 'backOff',
    depth: 2,
    words: 'the module refuses AT+CMUX',
  },
  moduleRestarted: {
    ofLink: true,
    first: 'restartMultiplexer',
    last: 'resetModule',
    pause: 'backOff',
    depth: 3,
    words: 'the module has restarted',
  },
  portClosed: {
    ofLink: false,
    first: 'reopenDlc',
    last: 'resetModule',
    pause: 'backOff',
    depth: 1,
    words: 'the module closed the virtual port',
  },
  portStuck: {
    ofLink: false,
    first: 'reopenDlc',
    last: 'resetModule',
    pause: 'backOff',
    depth: 1,
    words: 'the virtual port does not answer',
  },
  callDropped: {
    ofLink: false,
    first: 'redial',
    last: 'resetModule',
    pause: 'backOff',
    depth: 0,
    words: 'the PPP call was dropped',
  },
  callSilent: {
    ofLink: false,
    first: 'redial',
    last: 'resetModule',
    pause: 'backOff',
    depth: 0,
    words: 'PPP hears nothing more',
  },
  dialFailed: {
    ofLink: false,
    first: 'redial',
    last: 'resetModule',
    pause: 'backOff',
    depth: 0,
    words: 'the call does not come up',
  },
  contextLost: {
    ofLink: false,
    first: 'redial',
    last: 'resetModule',
    pause: 'backOff',
    depth: 0,
    words: 'the network took the context',
  },
  activationRefused: {
    ofLink: false,
    first: 'redial',
    last: 'resetModule',
    pause: 'backOff',
    depth: 0,
    words: 'the context cannot be activated',
  },
  // A reset does not bring coverage, and takes the time of a search: waiting is better for as long as the module answers.
  registrationLost: {
    ofLink: false,
    first: 'redial',
    last: 'redial',
    pause: 5000,
    depth: 2,
    isShared: true,
    words: 'the module is not registered with a network',
  },
  // A SIM that lost contact comes back with a restart of the module, not by asking again.
  simError: {
    ofLink: false,
    first: 'redial',
    last: 'resetModule',
    pause: 'backOff',
    depth: 3,
    isShared: true,
    words: 'the SIM does not work',
  },
  // Only a person can enter the right PIN; a reset would bring nothing and the module would be lost to him meanwhile.
  simLocked: {
    ofLink: false,
    first: 'redial',
    last: 'redial',
    pause: 60_000,
    depth: 3,
    isShared: true,
    words: 'the SIM wants its PIN or PUK',
  },
  // Only a person can help; asking too often gets a SIM barred.
  accessRefused: {
    ofLink: false,
    first: 'redial',
    last: 'redial',
    pause: 300_000,
    depth: 3,
    words: 'the network refuses user or password',
  },
  unknown: {
    ofLink: false,
    first: 'redial',
    last: 'resetModule',
    pause: 'backOff',
    depth: 0,
    words: 'for an unknown reason',
  },
} as const satisfies Readonly<Record<string, CauseRow>>;

export type Cause = keyof typeof CAUSES;

/** True for a step that takes all services down. */
export function concernsLink(step: Step): boolean {
  return step !== 'redial' && step !== 'reopenDlc';
}

/** The place of a step among {@link STEPS}. */
export function strengthOf(step: Step): number {
  return STEPS.indexOf(step);
}
