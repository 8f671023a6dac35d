export { Gateway } from './gateway/gateway.ts';
export type { GatewayOptions, PingOptions } from './gateway/gateway-options.ts';
export type { GatewayEnd, GatewayEvent, GatewayPart, GatewayState } from './gateway/gateway-events.ts';
