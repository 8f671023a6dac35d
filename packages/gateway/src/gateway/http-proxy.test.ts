import { CellmuxError } from '@cellmux/port';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Dial } from './dial.ts';
import { HttpProxy } from './http-proxy.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const directDial: Dial = async ({ host, port }, { signal } = {}) => {
  const socket = connect(port, host);
  try {
    await once(socket, 'connect', { signal });
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return socket;
};

async function origin(handler: RequestListener): Promise<number> {
  const server: Server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function proxyTo(dial: Dial): Promise<HttpProxy> {
  const proxy = await HttpProxy.listen({ local: { host: '127.0.0.1', port: 0 }, dial });
  cleanups.push(() => proxy.close());
  return proxy;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly whole: boolean;
}

function ask(proxy: HttpProxy, path: string, options: { method?: string; body?: string } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { port } = proxy.address;
    const outgoing = request({ port, path, method: options.method ?? 'GET', agent: false }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (text: string) => (body += text));
      answer.on('error', () => undefined);
      answer.on('close', () => {
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body, whole: answer.complete });
      });
    });
    outgoing.on('error', reject);
    outgoing.setHeader('Proxy-Connection', 'keep-alive');
    outgoing.end(options.body);
  });
}

async function connectThrough(proxy: HttpProxy, authority: string, behind = ''): Promise<Socket> {
  const client = connect(proxy.address.port, '127.0.0.1');
  cleanups.push(() => client.destroy());
  client.setEncoding('latin1');
  client.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n${behind}`);
  return client;
}

async function everything(stream: Socket): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk as string;
  return text;
}

describe('HttpProxy, requests with an absolute URI', () => {
  it('passes request and answer on, without the headers between neighbours', async () => {
    const seen: { url?: string | undefined; headers?: IncomingMessage['headers']; body?: string } = {};
    const port = await origin((incoming, outgoing) => {
      seen.url = incoming.url;
      seen.headers = incoming.headers;
      let body = '';
      incoming.on('data', (chunk: Buffer) => (body += chunk.toString()));
      incoming.on('end', () => {
        seen.body = body;
        outgoing.setHeader('X-Answer', ['a', 'b']);
        outgoing.statusCode = 201;
        outgoing.end('done');
      });
    });
    const proxy = await proxyTo(directDial);
    const answer = await ask(proxy, `http://127.0.0.1:${port}/path?query=1`, { method: 'POST', body: 'to be sent' });
    expect(answer).toMatchObject({ status: 201, body: 'done', headers: { 'x-answer': 'a, b' }, whole: true });
    expect(seen).toMatchObject({ url: '/path?query=1', body: 'to be sent' });
    expect(seen.headers).not.toHaveProperty('proxy-connection');
  });

  it('breaks the answer off where the far host does, so that it is not taken for whole', async () => {
    const port = await origin((_, outgoing) => {
      outgoing.writeHead(200, { 'Content-Length': 1000 });
      outgoing.write('only this');
      setImmediate(() => outgoing.destroy());
    });
    const answer = await ask(await proxyTo(directDial), `http://127.0.0.1:${port}/`);
    expect(answer).toMatchObject({ status: 200, whole: false });
  });

  it('answers 400 to what is no proxy request', async () => {
    const proxy = await proxyTo(directDial);
    expect(await ask(proxy, '/path')).toMatchObject({ status: 400 });
    expect(await ask(proxy, 'https://a/')).toMatchObject({ status: 400 });
    const client = await connectThrough(proxy, 'nonsense');
    expect(await everything(client)).toMatch(/^HTTP\/1.1 400 /);
  });

  it('tells the client in one sentence why the far host is not reached', async () => {
    const failures: Record<string, [code: string, status: number]> = {
      'no.such.host': ['ERR_IPEASY_CANNOT_RESOLVE', 502],
      'refuses.example': ['ERR_IPEASY_REFUSED', 502],
      'silent.example': ['ERR_IPEASY_CONNECT_TIMEOUT', 504],
      'busy.example': ['ERR_GATEWAY_SOCKETS_BUSY', 503],
    };
    const proxy = await proxyTo(({ host }) =>
      Promise.reject(new CellmuxError(failures[host]?.[0] ?? '', `cannot reach ${host}`)),
    );
    for (const [host, [code, status]] of Object.entries(failures)) {
      const answer = await ask(proxy, `http://${host}/`);
      expect(answer).toMatchObject({ status, headers: { 'cellmux-error': code } });
      expect(answer.body).toMatch(new RegExp(`^cannot reach ${host} \\(${code}\\)\\. .*\\n$`));
      const tunnel = await everything(await connectThrough(proxy, `${host}:443`));
      expect(tunnel).toContain(`HTTP/1.1 ${status} `);
      expect(tunnel).toContain(`cannot reach ${host} (${code}). `);
    }
  });
});

describe('HttpProxy, CONNECT', () => {
  it('is transparent both ways, also for what came right behind the request', async () => {
    const echo = createTcpServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
    await once(echo, 'listening');
    cleanups.push(() => echo.close());
    const proxy = await proxyTo(directDial);
    const client = await connectThrough(proxy, `127.0.0.1:${(echo.address() as AddressInfo).port}`, 'early ');
    client.end('and late');
    expect(await everything(client)).toBe('HTTP/1.1 200 Connection established\r\n\r\nearly and late');
  });

  it('gives up dialling when the client leaves', async () => {
    let dialled: AbortSignal | undefined;
    const proxy = await proxyTo(
      (_, { signal } = {}) =>
        new Promise((_resolve, reject) => {
          dialled = signal;
          signal?.addEventListener('abort', () => {
            reject(signal.reason as Error);
          });
        }),
    );
    const client = await connectThrough(proxy, 'far.example:80');
    await expect.poll(() => dialled).toBeDefined();
    client.destroy();
    await expect.poll(() => dialled?.aborted).toBe(true);
  });

  it('breaks open connections off when it is closed: nobody takes that for an end in order', async () => {
    const server = createTcpServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => server.close());
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const proxy = await proxyTo(directDial);
    const client = await connectThrough(proxy, `127.0.0.1:${(server.address() as AddressInfo).port}`);
    const [socket] = await accepted;
    socket.on('error', () => undefined);
    socket.resume();
    const heard: string[] = [];
    client.on('error', (error: NodeJS.ErrnoException) => heard.push(String(error.code)));
    client.on('end', () => heard.push('end'));
    client.resume();
    await expect.poll(() => client.bytesRead).toBeGreaterThan(0);
    await proxy.close();
    await expect.poll(() => socket.closed && client.closed).toBe(true);
    expect(heard).toEqual(['ECONNRESET']);
  });

  it('with a token lets in who gives it, and nobody else, for CONNECT and for requests', async () => {
    const seen: IncomingMessage['headers'][] = [];
    const port = await origin((incoming, outgoing) => {
      seen.push(incoming.headers);
      outgoing.end('in');
    });
    const token = 'sentinel-of-the-token';
    const proxy = await HttpProxy.listen({ local: { host: '127.0.0.1', port: 0 }, dial: directDial, token });
    cleanups.push(() => proxy.close());
    const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
    const outside = [undefined, '', 'Basic', basic(`me:${token}x`), basic('me:'), `Bearer ${token}x`, token];
    const inside = [basic(`me:${token}`), basic(`:${token}`), `bearer ${token}`, `Bearer ${token}`];
    const asked = async (credentials: string | undefined): Promise<readonly string[]> => {
      const header = credentials === undefined ? '' : `Proxy-Authorization: ${credentials}\r\n`;
      const talk = async (text: string): Promise<string> => {
        const client = connect(proxy.address.port, '127.0.0.1');
        cleanups.push(() => client.destroy());
        client.setEncoding('latin1');
        client.write(text);
        return everything(client);
      };
      const where = `127.0.0.1:${port}`;
      const inner = `GET / HTTP/1.1\r\nHost: ${where}\r\nConnection: close\r\n\r\n`;
      return await Promise.all([
        talk(`GET http://${where}/ HTTP/1.1\r\nHost: ${where}\r\n${header}Connection: close\r\n\r\n`),
        talk(`CONNECT ${where} HTTP/1.1\r\nHost: ${where}\r\n${header}\r\n${inner}`),
      ]);
    };
    for (const credentials of outside) {
      for (const answer of await asked(credentials)) {
        expect(answer, String(credentials)).toMatch(
          /^HTTP\/1\.1 407 .*\r\n(.*\r\n)*Proxy-Authenticate: Basic realm="cellmux"/i,
        );
        expect(answer).not.toContain('sentinel');
      }
    }
    expect(seen).toEqual([]);
    for (const credentials of inside) {
      for (const answer of await asked(credentials)) expect(answer, credentials).toMatch(/\r\n\r\n(2\r\n)?in/);
    }
    expect(seen).toHaveLength(2 * inside.length);
    expect(JSON.stringify(seen)).not.toContain('sentinel');
  });

  it('says in one sentence that it cannot listen', async () => {
    const proxy = await proxyTo(directDial);
    await expect(HttpProxy.listen({ local: proxy.address, dial: directDial })).rejects.toMatchObject({
      code: 'ERR_GATEWAY_LOCAL',
      message: expect.stringMatching(/the proxy cannot listen on 127\.0\.0\.1:\d+: that address is already in use/),
    });
  });
});
