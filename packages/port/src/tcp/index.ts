export { connectTcp, type ConnectTcpOptions } from './connect-tcp.ts';
export { listenTcp, type ListenTcpOptions, type TcpListener } from './listen-tcp.ts';
export { tcpPort, type TcpPortOptions } from './tcp-port.ts';
