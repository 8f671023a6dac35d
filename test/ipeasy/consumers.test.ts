import { spawn } from 'node:child_process';
import { once, type EventEmitter } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { createServer as createHttpsServer, Agent as HttpsAgent, get as httpsGet } from 'node:https';
import { connect, createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as tlsConnect } from 'node:tls';
import { ReadlineParser } from '@serialport/parser-readline';
import { Aedes } from 'aedes';
import mqtt from 'mqtt';
import { createTransport } from 'nodemailer';
import { SMTPServer } from 'smtp-server';
import { Client as UndiciClient, Agent as UndiciAgent, fetch as undiciFetch } from 'undici';
import { WebSocket, WebSocketServer } from 'ws';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeCertificate } from './certificate.ts';
import { freePort, setUpModule, testBytes } from './module-setup.ts';

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const MOSQUITTO = '/usr/sbin/mosquitto';
const hasMosquitto = existsSync(MOSQUITTO);

/** A Mosquitto of its own on loopback; ended with the test. */
async function startMosquitto(): Promise<number> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'cellmux-mqtt-'));
  chmodSync(folder, 0o755);
  const configuration = join(folder, 'mosquitto.conf');
  writeFileSync(configuration, `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\n`);
  const child = spawn(MOSQUITTO, ['-c', configuration], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true });
  });
  for (let attempt = 0; attempt < 200; attempt++) {
    const probe = connect(port, '127.0.0.1');
    const isThere = await new Promise<boolean>((resolve) => {
      probe.once('connect', () => {
        resolve(true);
      });
      probe.once('error', () => {
        resolve(false);
      });
    });
    probe.destroy();
    if (isThere) return port;
    await sleep(25);
  }
  throw new Error('mosquitto does not listen');
}

describe('libraries, unmodified, over IP Easy sockets', () => {
  it('tls.connect and https', async () => {
    const { key, cert } = makeCertificate();
    const body = testBytes(200_000);
    const server = createHttpsServer({ key, cert }, (_, response) => response.end(body));
    const port = await listen(server);
    onTestFinished(() => {
      server.closeAllConnections();
    });
    const { ipEasy } = await setUpModule({ module: { hosts: { 'www.example.com': '127.0.0.1' } } });
    const agent = new HttpsAgent({ keepAlive: true, ca: cert });
    agent.createConnection = (options, callback) => {
      const socket = ipEasy.createConnection({ host: 'www.example.com', port });
      const secure = tlsConnect({ socket: socket, ca: cert, servername: 'www.example.com' });
      void options;
      void callback;
      return secure;
    };
    for (let round = 0; round < 2; round++) {
      const chunks: Buffer[] = [];
      const [response] = (await once(httpsGet({ host: 'www.example.com', port, agent }), 'response')) as [
        IncomingMessage,
      ];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      expect(Buffer.concat(chunks).equals(body)).toBe(true);
    }
    expect(ipEasy.sockets).toHaveLength(1);
    agent.destroy();
  });

  it('undici: client and fetch', async () => {
    const server = createHttpServer((incoming, response) => {
      let length = 0;
      incoming.on('data', (chunk: Buffer) => (length += chunk.length));
      incoming.on('end', () => response.end(JSON.stringify({ length, path: incoming.url })));
    });
    const port = await listen(server);
    onTestFinished(() => {
      server.closeAllConnections();
    });
    const { ipEasy } = await setUpModule();
    const connect = (
      { hostname, port: target }: { hostname: string; port: string },
      callback: (error: Error | null, socket: never) => void,
    ): void => {
      ipEasy.connect({ host: hostname, port: Number(target || 80) }).then(
        (socket) => {
          callback(null, socket as never);
        },
        (error: unknown) => {
          callback(error as Error, undefined as never);
        },
      );
    };
    const client = new UndiciClient(`http://127.0.0.1:${port}`, { connect: connect as never });
    for (let round = 0; round < 3; round++) {
      const { body } = await client.request({ method: 'POST', path: `/${round}`, body: testBytes(20_000) });
      expect(await body.json()).toEqual({ length: 20_000, path: `/${round}` });
    }
    await client.close();
    const dispatcher = new UndiciAgent({ connect: connect as never });
    const response = await undiciFetch(`http://127.0.0.1:${port}/fetch`, { dispatcher });
    expect(await response.json()).toEqual({ length: 0, path: '/fetch' });
    await dispatcher.close();
    await expect(
      undiciFetch('http://no.such.name/', { dispatcher: new UndiciAgent({ connect: connect as never }) }),
    ).rejects.toMatchObject({ cause: { code: 'ERR_IPEASY_CANNOT_RESOLVE' } });
  });

  it('ws: messages both ways, and the closing handshake', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    onTestFinished(() => {
      server.close();
    });
    server.on('connection', (peer) => peer.on('message', (data, isBinary) => peer.send(data, { binary: isBinary })));
    const { port } = server.address() as AddressInfo;
    const { ipEasy } = await setUpModule();
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, {
      createConnection: (() => ipEasy.createConnection({ host: '127.0.0.1', port })) as never,
    });
    await once(socket, 'open');
    for (const message of [Buffer.from('hello'), testBytes(70_000)]) {
      socket.send(message);
      const [echo] = (await once(socket, 'message')) as [Buffer];
      expect(echo.equals(message)).toBe(true);
    }
    socket.close(1000, 'done');
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).toBe(1000);
  });

  it('mqtt.js with a real broker', async () => {
    const broker = await Aedes.createBroker();
    const server = createTcpServer((socket) => {
      broker.handle(socket, undefined);
    });
    const port = await listen(server);
    const { ipEasy } = await setUpModule();
    const client = new mqtt.MqttClient(() => ipEasy.createConnection({ host: '127.0.0.1', port }), {
      protocolVersion: 4,
      reconnectPeriod: 0,
    });
    const events: EventEmitter = client as never;
    await once(events, 'connect');
    await client.subscribeAsync('cell/#', { qos: 1 });
    const message = testBytes(5000);
    const arrived = once(events, 'message');
    await client.publishAsync('cell/1', message, { qos: 1 });
    const [topic, payload] = (await arrived) as [string, Buffer];
    expect(topic).toBe('cell/1');
    expect(payload.equals(message)).toBe(true);
    await client.endAsync();
    await new Promise<void>((resolve) => {
      broker.close(resolve);
    });
  });

  it.skipIf(!hasMosquitto && process.env['CI'] === undefined)(
    `mqtt.js with Mosquitto, online${hasMosquitto ? '' : ' (skipped: apt-get install mosquitto)'}`,
    async () => {
      expect(hasMosquitto).toBe(true);
      const port = await startMosquitto();
      const { ipEasy } = await setUpModule({ ports: 2 });
      const make = (clientId: string): mqtt.MqttClient =>
        new mqtt.MqttClient(() => ipEasy.createConnection({ host: '127.0.0.1', port, mode: 'online' }), {
          protocolVersion: 5,
          reconnectPeriod: 0,
          clientId,
        });
      const [sender, receiver] = [make('sender'), make('receiver')];
      await receiver.subscribeAsync('cell/+', { qos: 2 });
      const messages = Array.from({ length: 10 }, (_, index) => testBytes(1 + index * 2000, index + 1));
      const arrived: Buffer[] = [];
      receiver.on('message', (_topic, payload) => arrived.push(payload));
      for (const [index, message] of messages.entries()) {
        await sender.publishAsync(`cell/${index}`, message, { qos: 2 });
      }
      while (arrived.length < messages.length) await sleep(5);
      arrived.forEach((payload, index) => expect(payload.equals(messages[index] as Buffer)).toBe(true));
      await sender.endAsync();
      await receiver.endAsync();
    },
  );

  it('nodemailer with a real SMTP server and AUTH LOGIN', async () => {
    const mails: string[] = [];
    const server = new SMTPServer({
      disabledCommands: ['STARTTLS'],
      authMethods: ['LOGIN'],
      onAuth: (auth, _session, callback) => {
        if (auth.username === 'gw' && auth.password === 'secret') callback(null, { user: 'gw' });
        else callback(new Error('no'));
      },
      onData: (stream, _session, callback) => {
        let text = '';
        stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
        stream.on('end', () => {
          mails.push(text);
          callback();
        });
      },
    });
    server.listen(0, '127.0.0.1');
    await once(server.server, 'listening');
    onTestFinished(() => {
      server.close();
    });
    const { port } = server.server.address() as AddressInfo;
    const { ipEasy } = await setUpModule();
    const transport = createTransport({
      host: '127.0.0.1',
      port,
      secure: false,
      auth: { user: 'gw', pass: 'secret' },
      authMethod: 'LOGIN',
      getSocket: (_options: unknown, callback: (error: Error | null, socket?: unknown) => void) => {
        ipEasy.connect({ host: '127.0.0.1', port }).then(
          (connection) => {
            callback(null, { connection });
          },
          (error: unknown) => {
            callback(error as Error);
          },
        );
      },
    } as never);
    const sent = await transport.sendMail({
      from: 'a@example.com',
      to: 'b@example.com',
      subject: 'A subject',
      text: 'x'.repeat(20_000),
    });
    expect((sent as { accepted: string[] }).accepted).toEqual(['b@example.com']);
    expect(mails).toHaveLength(1);
    expect(mails[0]).toContain('Subject: A subject');
    transport.close();
  });

  it('@serialport/parser-readline, piped and iterated', async () => {
    const lines = Array.from({ length: 500 }, (_, index) => `line ${index} ${'.'.repeat(index % 70)}`);
    const server = createTcpServer((socket) => socket.end(lines.map((line) => `${line}\r\n`).join('')));
    const port = await listen(server);
    const { ipEasy } = await setUpModule();
    const piped: string[] = [];
    const first = await ipEasy.connect({ host: '127.0.0.1', port });
    const parser = first.pipe(new ReadlineParser({ delimiter: '\r\n' }));
    parser.on('data', (line: string) => piped.push(line));
    await once(parser, 'end');
    expect(piped).toEqual(lines);
    const second = await ipEasy.connect({ host: '127.0.0.1', port });
    const iterated: string[] = [];
    await pipeline(
      second,
      new ReadlineParser({ delimiter: '\r\n', readableObjectMode: true }),
      async (source: AsyncIterable<string>) => {
        for await (const line of source) if (line !== '') iterated.push(line);
      },
    );
    expect(iterated).toEqual(lines);
  });
});
