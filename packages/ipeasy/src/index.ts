export { IpEasy, type ConnectOptions } from './ip-easy.ts';
export type { IpEasyOptions, SocketSettings } from './ip-easy-options.ts';
export type { IpEasyEvent } from './ip-easy-event.ts';
export { IpEasySocket, type SocketAddress } from './ip-easy-socket.ts';
export type { ActivationParameters, ContextDefinition, ContextState } from './contexts.ts';
export { MODULE_ERRORS, moduleError, type ModuleError } from './core/module-errors.ts';
export { SOCKET_STATES, type SocketInfo, type SocketState, type SocketStatus } from './core/socket-status.ts';
