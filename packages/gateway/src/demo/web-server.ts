import { crc32 as crc32Of } from './crc32.ts';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A body that the demo's web server has. */
export interface DemoBody {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly crc32: number;
}

/** A web server of the demo. */
export interface DemoWebServer extends AsyncDisposable {
  readonly port: number;
}

/** Octets that look random and are the same for the same seed (xorshift32); a damaged or shifted octet shows in the CRC. */
export function demoBody(path: string, length: number, seed: number): DemoBody {
  const bytes = Buffer.alloc(length);
  let state = seed | 1;
  for (let index = 0; index < length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[index] = state & 0xff;
  }
  return { path, bytes, crc32: crc32Of(bytes) };
}

/** Serves the bodies on loopback, each with its length and nothing else to help the reader. */
export async function startWebServer(bodies: readonly DemoBody[]): Promise<DemoWebServer> {
  const server = createServer((request, response) => {
    const body = bodies.find(({ path }) => path === request.url);
    if (body === undefined) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': body.bytes.length });
    response.end(body.bytes);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
