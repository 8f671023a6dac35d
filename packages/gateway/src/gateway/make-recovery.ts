import { CellmuxError, type Clock } from '@cellmux/port';
import { CAUSES } from '../core/recovery/cause.ts';
import { DEFAULT_ATTEMPTS } from '../core/recovery/supervisor.ts';
import type { GatewayEvent } from './gateway-events.ts';
import type { GatewayOptions } from './gateway-options.ts';
import type { OutageHistory } from './outage-history.ts';
import { Recovery, type RepairCrew } from './recovery.ts';

/** What {@link makeRecovery} puts together. */
export interface RecoveryOfGateway {
  readonly options: GatewayOptions['recovery'];
  readonly clock: Clock;
  readonly crew: RepairCrew;
  readonly history: OutageHistory;
  readonly onEvent: (event: GatewayEvent) => void;
  /** Something changed in what works. */
  readonly onChange: () => void;
  /** Nothing more is tried. */
  readonly onGaveUp: (error: unknown) => void;
}

/** The recovery of a gateway, with the defaults of its options; what it does is told as events. */
export function makeRecovery({
  options,
  clock,
  crew,
  history,
  onEvent,
  onChange,
  onGaveUp,
}: RecoveryOfGateway): Recovery {
  const { fromStart: _, ...given } = options === false || options === undefined ? {} : options;
  return new Recovery({
    clock,
    options: {
      firstPauseMs: 1000,
      longestPauseMs: 300_000,
      stableMs: 60_000,
      giveUpAfterMs: Infinity,
      random: Math.random,
      attempts: DEFAULT_ATTEMPTS,
      ...given,
    },
    crew,
    onChange,
    onOutageBegan: ({ id, cause, services }) => {
      onEvent({ type: 'outageBegan', id, cause, services });
    },
    onOutageEnded: (outage, durationMs) => {
      const { id, cause, services, steps } = outage;
      history.add({ ...outage, words: CAUSES[cause].words, durationMs, endedAt: new Date().toISOString() });
      onEvent({ type: 'outageEnded', id, cause, services, durationMs, steps });
    },
    onStep: (step, patient, error) => {
      onEvent({ type: 'stepEnded', step, patient, ...(error === undefined ? {} : { error }) });
    },
    onGaveUp: ({ cause, sinceMs }, error) => {
      onEvent({ type: 'gaveUp', cause, durationMs: clock.now() - sinceMs });
      onGaveUp(error ?? new CellmuxError('ERR_GATEWAY_GAVE_UP', `given up: ${cause}`));
    },
  });
}
