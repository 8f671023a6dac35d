export { IpEasy } from './ip-easy.ts';
export type { SocketSettingsTable } from './socket-queries.ts';
export type { AtPortState } from './lanes.ts';
export type { ExtendedSocketConfig, SocketConfig } from './core/socket-config.ts';
export type { AnyIpEasySocket } from './socket-factory.ts';
export type { ConnectOptions, CreateConnectionOptions } from './dial-settings.ts';
export type { IpEasyOptions, SocketSettings } from './ip-easy-options.ts';
export type { IpEasyEvent } from './ip-easy-event.ts';
export { IpEasySocket, type SocketAddress } from './ip-easy-socket.ts';
export { DATAGRAM_QUEUE_LIMIT_BYTES, DATAGRAM_QUEUE_LIMIT_COUNT } from './datagram-channel.ts';
export { IpEasyDatagramSocket, type RemoteInfo } from './ip-easy-datagram-socket.ts';
export { IpEasyServer, type IncomingConnection, type ServerOptions } from './ip-easy-server.ts';
export { IpEasyFtp } from './ftp/ip-easy-ftp.ts';
export { openFtp, type OpenFtpOptions } from './ftp/open-ftp.ts';
export type {
  FtpDownloadOptions,
  FtpOptions,
  FtpProgress,
  FtpTransferOptions,
  FtpType,
  FtpUploadOptions,
} from './ftp/ftp-options.ts';
export { IpEasyMail, type Mail, type MailAccount } from './ip-easy-mail.ts';
export { LegacyIpEasy, LegacySocket, type LegacyConnectOptions, type LegacyOptions } from './legacy-ip-easy.ts';
export { Firewall, type FirewallRule } from './firewall.ts';
export type { ActivationParameters, ContextDefinition, ContextState } from './contexts.ts';
export type { QualityOfService, QualityOfService2g, QualityOfService3g } from './quality-of-service.ts';
export { MODULE_ERRORS, moduleError, type ModuleError } from './core/module-errors.ts';
export { SOCKET_STATES, type SocketInfo, type SocketState, type SocketStatus } from './core/socket-status.ts';
