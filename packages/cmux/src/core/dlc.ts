import type { DlcState } from './dlc-transitions.ts';
import type { ErrorRecovery } from './error-recovery.ts';
import { Inbound } from './inbound.ts';
import type { ModemStatus } from './modem-status.ts';
import { Outbound } from './outbound.ts';
import type { DlcParameters } from './parameter-negotiation.ts';

/** How an attempt to open a DLC ended. */
export type OpenOutcome = 'opened' | 'refused' | 'notAgreed' | 'noAnswer' | 'linkLost' | 'closed';

/** What is counted for each DLC; octets are those of the user, frames those that carry them. */
export interface DlcCounters {
  framesSent: number;
  framesReceived: number;
  bytesSent: number;
  bytesReceived: number;
  /** SABM and DISC sent again because T1 ran out. */
  retransmissions: number;
  /** Times the peer stopped this DLC with FC. */
  stoppedByPeer: number;
  /** Times this end stopped the peer with FC. */
  stoppedByUs: number;
  /** Frames that arrived while the DLC was not open. */
  framesUnexpected: number;
  /** User frames of convergence layer 4 that were given up: a fragment was missing, or they were too long. */
  framesBroken: number;
  /** I frames sent again (error-recovery mode). */
  framesRepeated: number;
  /** REJ sent (error-recovery mode). */
  rejectsSent: number;
  /** Resets after N2 (error-recovery mode). */
  resets: number;
}

function noTraffic(): DlcCounters {
  return {
    framesSent: 0,
    framesReceived: 0,
    bytesSent: 0,
    bytesReceived: 0,
    retransmissions: 0,
    stoppedByPeer: 0,
    stoppedByUs: 0,
    framesUnexpected: 0,
    framesBroken: 0,
    framesRepeated: 0,
    rejectsSent: 0,
    resets: 0,
  };
}

/** One data link connection: what is known about it, no behaviour. */
export class Dlc {
  readonly dlci: number;
  readonly counters = noTraffic();
  readonly outbound = new Outbound();
  readonly inbound = new Inbound(this.counters);
  /** Only in the error-recovery mode, while it is open. */
  recovery: ErrorRecovery | undefined;
  state: DlcState = 'disconnected';
  parameters: DlcParameters;
  /** SABM or DISC sent so far without an answer. */
  tries = 0;
  /** UA or DM has come in answer to the last of them. */
  wasAnswered = false;
  /** When T1 runs out; Infinity while it does not run. */
  t1AtMs = Infinity;
  /** Who waits for it to open and to close. */
  onOpened: ((outcome: OpenOutcome) => void) | undefined;
  onClosed: (() => void)[] = [];
  /** The peer has sent FC = 1: send nothing. */
  stoppedByPeer = false;
  /** Our signals as they shall be. */
  signals: ModemStatus;
  /** The peer's signals as it last told them; undefined where it has not. */
  peerSignals: ModemStatus | undefined;
  /** For the scheduler: frames that others were served since it has had data. */
  age = 0;
  servedAt = 0;
  /** For the scheduler: a shorter frame was already let through before its own. */
  wasPassed = false;

  constructor(dlci: number, parameters: DlcParameters, signals: ModemStatus) {
    this.dlci = dlci;
    this.parameters = parameters;
    this.signals = signals;
    this.outbound.configure(parameters.convergence, parameters.n1);
  }

  /** The length of the next information field that may leave now; -1 where there is none. */
  nextLength(allStopped: boolean): number {
    const isStopped = allStopped || this.stoppedByPeer;
    const { recovery } = this;
    if (recovery === undefined) return this.outbound.nextLength(isStopped);
    if (isStopped || this.state === 'resetting') return -1;
    const length = this.outbound.nextLength(false);
    if (!recovery.maySend(length >= 0)) return -1;
    return recovery.mustRepeat ? recovery.repeatLength : length;
  }

  /** True while something waits that no frame holds, or that the peer has not acknowledged. */
  get hasUnsent(): boolean {
    return !this.outbound.queue.isEmpty || (this.recovery?.outstanding ?? 0) > 0;
  }

  /** UIH on it is a stream of octets and nothing else: the short way for what arrives. */
  get isPlainData(): boolean {
    return this.dlci !== 0 && this.parameters.convergence === 1 && this.isOpen;
  }

  get isOpen(): boolean {
    return this.state === 'connected' || this.state === 'draining' || this.state === 'resetting';
  }
}
