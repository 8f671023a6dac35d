export { connectTcp, type ConnectTcpOptions } from './connect-tcp.ts';
export { listenTcp, TCP_CONNECTION_LIMIT, type ListenTcpOptions, type TcpListener } from './listen-tcp.ts';
