import { once } from 'node:events';
import { Agent, createServer, get, request, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IpEasy } from '@cellmux/ipeasy';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort, setUpModule, testBytes } from './module-setup.ts';

async function serve(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function agentOver(ipEasy: IpEasy, options: ConstructorParameters<typeof Agent>[0] = {}): Agent {
  const agent = new Agent(options);
  agent.createConnection = ipEasy.createConnection;
  onTestFinished(() => {
    agent.destroy();
  });
  return agent;
}

async function bodyOf(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

describe('HTTP of Node over IP Easy', () => {
  it('fetches 1 MiB on each of two sockets of one AT port', async () => {
    const bodies = [testBytes(1 << 20, 1), testBytes(1 << 20, 2)];
    const port = await serve(
      createServer((incoming, response) => response.end(bodies[Number(incoming.url?.slice(1))])),
    );
    const { ipEasy } = await setUpModule({ module: { hosts: { 'www.example.com': '127.0.0.1' } } });
    const got = await Promise.all(
      bodies.map(async (_, index) => {
        const [response] = (await once(
          get({ host: 'www.example.com', port, path: `/${index}`, agent: agentOver(ipEasy) }),
          'response',
        )) as [IncomingMessage];
        return bodyOf(response);
      }),
    );
    got.forEach((body, index) => expect(body.equals(bodies[index] as Buffer)).toBe(true));
  });

  it('keeps a connection alive with an agent, and ends it with time-outs', async () => {
    let connections = 0;
    const server = createServer((incoming, response) => {
      if (incoming.url === '/slow') return;
      incoming.resume().on('end', () => response.end(incoming.headers['content-length'] ?? 'hi'));
    });
    server.on('connection', () => connections++);
    const port = await serve(server);
    const { ipEasy } = await setUpModule();
    const agent = agentOver(ipEasy, { keepAlive: true, timeout: 5000 });
    for (let round = 0; round < 5; round++) {
      const sent = request({ host: '127.0.0.1', port, method: 'POST', agent, timeout: 5000 });
      sent.end(testBytes(10_000));
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      expect((await bodyOf(response)).toString()).toBe('10000');
    }
    expect(connections).toBe(1);
    const late = get({ host: '127.0.0.1', port, path: '/slow', agent, timeout: 200 });
    await once(late, 'timeout');
    late.destroy();
    await once(late, 'error');
  });

  it('heeds the time-out of an agent, without one at the request', async () => {
    const port = await serve(createServer(() => undefined));
    const { ipEasy } = await setUpModule();
    const agent = agentOver(ipEasy, { keepAlive: true, timeout: 150 });
    const silent = get({ host: '127.0.0.1', port: String(port), agent });
    await once(silent, 'timeout');
    silent.destroy();
    await once(silent, 'error');
  });

  it('serves: an http.Server on the connections that the module accepts', async () => {
    const port = await freePort();
    const { ipEasy } = await setUpModule();
    const server = createServer((incoming, response) => {
      let length = 0;
      incoming.on('data', (chunk: Buffer) => (length += chunk.length));
      incoming.on('end', () => response.end(`${incoming.method} ${incoming.url} ${length}`));
    });
    server.keepAliveTimeout = 100;
    await ipEasy.firewall.allow('127.0.0.1');
    await ipEasy.listen({ port }, (socket) => server.emit('connection', socket));
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => {
      agent.destroy();
    });
    for (let round = 0; round < 3; round++) {
      const sent = request({ host: '127.0.0.1', port, path: `/${round}`, method: 'POST', agent });
      sent.end(testBytes(5000));
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      expect((await bodyOf(response)).toString()).toBe(`POST /${round} 5000`);
    }
    // The server ends the connection that has become idle.
    while (ipEasy.sockets.length > 0) await sleep(5);
  });

  it('says why a request cannot be made', async () => {
    const { ipEasy } = await setUpModule();
    const agent = agentOver(ipEasy);
    const [unknown] = (await once(get({ host: 'no.such.name', port: 80, agent }), 'error')) as [unknown];
    expect(unknown).toMatchObject({ code: 'ERR_IPEASY_CANNOT_RESOLVE' });
    const [impossible] = (await once(get({ host: '[::1]', port: 80, agent }), 'error')) as [unknown];
    expect(impossible).toMatchObject({ code: 'ERR_IPEASY_HOST' });
    const refusing = createServer();
    const port = await serve(refusing);
    refusing.close();
    const [refused] = (await once(get({ host: '127.0.0.1', port, agent }), 'error')) as [unknown];
    expect(refused).toMatchObject({ code: 'ERR_IPEASY_REFUSED' });
  });
});
