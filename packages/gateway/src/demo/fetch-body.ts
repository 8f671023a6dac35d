import type { IpEasy, IpEasySocket } from '@cellmux/ipeasy';
import { crc32 as crc32Of } from './crc32.ts';
import { get } from 'node:http';
import type { DemoBody } from './web-server.ts';
import type { BodyReport } from './demo-report.ts';

/** How far a fetch is. */
export interface FetchProgress {
  readonly path: string;
  readonly bytes: number;
  readonly expectedBytes: number;
}

/** What {@link fetchBody} needs. */
export interface FetchOptions {
  readonly sockets: IpEasy;
  readonly host: string;
  readonly port: number;
  readonly body: DemoBody;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: FetchProgress) => void;
}

/** Fetches a body with Node's own HTTP client over an IP Easy socket, and compares its length and CRC-32. */
export function fetchBody({ sockets, host, port, body, signal, onProgress }: FetchOptions): Promise<BodyReport> {
  return new Promise((resolve, reject) => {
    const startedMs = performance.now();
    let socket: IpEasySocket | undefined;
    let connId: number | undefined;
    const request = get({
      host,
      port,
      path: body.path,
      signal,
      createConnection: () => {
        socket = sockets.createConnection({ host, port });
        socket.once('connect', () => (connId = socket?.connId));
        return socket;
      },
    });
    request.on('error', reject);
    request.on('response', (response) => {
      let bytes = 0;
      let crc32 = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        crc32 = crc32Of(chunk, crc32);
        onProgress({ path: body.path, bytes, expectedBytes: body.bytes.length });
      });
      response.on('error', reject);
      response.on('end', () => {
        resolve({
          url: `http://${host}:${port}${body.path}`,
          connId,
          bytes,
          expectedBytes: body.bytes.length,
          crc32: hex(crc32),
          expectedCrc32: hex(body.crc32),
          seconds: (performance.now() - startedMs) / 1000,
          verified: response.statusCode === 200 && bytes === body.bytes.length && crc32 === body.crc32,
        });
      });
    });
  });
}

function hex(crc32: number): string {
  return crc32.toString(16).toUpperCase().padStart(8, '0');
}
