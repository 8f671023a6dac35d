import { connect } from 'node:net';
import type { AbortOptions, Port } from '../port.ts';
import { tcpError, tcpPort, type TcpPortOptions } from './tcp-port.ts';

/** Options of {@link connectTcp}. */
export interface ConnectTcpOptions extends TcpPortOptions, AbortOptions {
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

/**
 * Connects to a TCP server and gives the connection as a Port: a serial line that a terminal server hands out, or a
 * virtual module.
 *
 * Rejects with `ERR_PORT_NOT_FOUND` when nothing answers there (`context.reason` is the system's code), and with the
 * signal's reason when it is aborted.
 */
export function connectTcp({ host, port, signal, ...options }: ConnectTcpOptions): Promise<Port> {
  if (signal?.aborted === true) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const onAbort = (): void => {
      socket.destroy();
      reject(signal?.reason);
    };
    const onError = (error: Error): void => {
      signal?.removeEventListener('abort', onAbort);
      reject(tcpError(`cannot connect to ${host}:${port}`, error, 'ERR_PORT_NOT_FOUND'));
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('error', onError);
    socket.once('connect', () => {
      signal?.removeEventListener('abort', onAbort);
      socket.off('error', onError);
      resolve(tcpPort(socket, 'dte', options));
    });
  });
}
