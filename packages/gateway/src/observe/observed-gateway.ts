import type { Gateway } from '../gateway/gateway.ts';

/** What observers need of a gateway. */
export type ObservedGateway = Pick<Gateway, 'events$' | 'status'>;
