/*
 * IP Easy User Guide §4.3.1 to §4.3.5, the commands as they stand there, by the AT client alone: what the library does
 * with them is the other programs' subject.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Server } from 'node:net';
import type { AtClient } from '@cellmux/at';
import { latin1 } from '@cellmux/port';
import { firstValueFrom } from 'rxjs';
import { onePort, type Say } from './guide-setup.ts';
import { freePort } from './web-server.ts';

const ECHO = '88.37.127.146';

export async function run(say: Say): Promise<void> {
  const echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const hosts = { [`${ECHO}:10510`]: `127.0.0.1:${(echo.address() as AddressInfo).port}` };
  await classic(say, hosts);
  await amount(say, hosts);
  await view(say, hosts);
  await hexBothWays(say, hosts);
  await accept(say);
  await toOnline(say, hosts);
  echo.close();
  await closed(echo);
}

/** §4.3.1: one SRING, however much comes. */
async function classic(say: Say, hosts: Record<string, string>): Promise<void> {
  await using module = await activated(hosts);
  const { at } = module;
  await at.command('AT#SCFGEXT=2,0,0,0');
  await at.command(`AT#SD=2,0,10510,"${ECHO}",0,0,1`);
  const first = sring(at);
  await send(at, 2, 'hello');
  assert.equal(await first, 'SRING: 2');
  await send(at, 2, 'hello');
  await until(async () => (await at.command('AT#SI=2')).lines[0] === '#SI: 2,10,0,10,0');
  say('4.3.1: SRING: 2, once; ten bytes wait');
  assert.equal(await receive(at, 2, 5), 'hello');
  assert.equal(await receive(at, 2, 5), 'hello');
}

/** §4.3.2: an SRING for each packet, with what waits. */
async function amount(say: Say, hosts: Record<string, string>): Promise<void> {
  await using module = await activated(hosts);
  const { at } = module;
  await at.command('AT#SCFGEXT=2,1,0,0');
  await at.command(`AT#SD=2,0,10510,"${ECHO}",0,0,1`);
  const first = sring(at);
  await send(at, 2, 'hello');
  assert.equal(await first, 'SRING: 2,5');
  const second = sring(at);
  await send(at, 2, 'hello');
  assert.equal(await second, 'SRING: 2,10');
  const { lines } = await at.command('AT#SI=2');
  assert.deepEqual(lines, ['#SI: 2,10,0,10,0']);
  say('4.3.2: SRING: 2,5 and SRING: 2,10');
}

/** §4.3.3: the data comes with the SRING, as text and as hex. */
async function view(say: Say, hosts: Record<string, string>): Promise<void> {
  await using module = await activated(hosts);
  const { at } = module;
  await at.command('AT#SCFGEXT=1,2,0,0');
  await at.command('AT#SCFGEXT=2,2,1,0');
  await at.command(`AT#SD=1,0,10510,"${ECHO}",0,0,1`);
  await at.command(`AT#SD=2,0,10510,"${ECHO}",0,0,1`);
  const text = sring(at);
  await send(at, 1, 'hello');
  assert.equal(await text, 'SRING: 1,5,hello');
  const hex = sring(at);
  await send(at, 2, 'hello');
  assert.equal(await hex, 'SRING: 2,5,68656C6C6F');
  const long = sring(at);
  await send(at, 1, 'test'.repeat(17));
  assert.equal(await long, `SRING: 1,68,${'test'.repeat(16)}`);
  // What is beyond 64 characters comes with the next one.
  assert.equal(await sring(at), 'SRING: 1,4,test');
  say('4.3.3: SRING: 1,5,hello and SRING: 2,5,68656C6C6F');
}

/** §4.3.3, its note: hex digits in both directions. */
async function hexBothWays(say: Say, hosts: Record<string, string>): Promise<void> {
  await using module = await activated(hosts);
  const { at } = module;
  await at.command('AT#SCFGEXT=1,2,1,0,0,1');
  await at.command(`AT#SD=1,0,10510,"${ECHO}",0,0,1`);
  const hex = sring(at);
  await send(at, 1, '68656C6C6F');
  assert.equal(await hex, 'SRING: 1,5,68656C6C6F');
  assert.deepEqual((await at.command('AT#SI=1')).lines, ['#SI: 1,5,5,0,0']);
  say('4.3.3: 68656C6C6F sent, SRING: 1,5,68656C6C6F');
}

/** §4.3.4: an incoming connection, accepted in command mode. */
async function accept(say: Say): Promise<void> {
  const port = await freePort();
  await using module = await activated({}, { 1000: port });
  const { at } = module;
  await at.command('AT#FRWL=1,"0.0.0.0","0.0.0.0"');
  await at.command('AT#SL=1,1,1000');
  const knock = sring(at);
  const visitor = connect(port, '127.0.0.1').on('error', () => undefined);
  assert.equal(await knock, 'SRING: 1');
  await at.command('AT#SA=1,1');
  assert.match((await at.command('AT#SS=1')).lines[0] ?? '', /^#SS: 1,2,/);
  visitor.destroy();
  say('4.3.4: SRING: 1, accepted, still in command mode');
}

/** §4.3.5: from command mode to online mode; what waits comes first. */
async function toOnline(say: Say, hosts: Record<string, string>): Promise<void> {
  await using module = await activated(hosts);
  const { at } = module;
  await at.command('AT#SCFGEXT=1,1,0,0');
  await at.command(`AT#SD=1,0,10510,"${ECHO}",0,0,1`);
  const waiting = sring(at);
  await send(at, 1, 'Hello');
  assert.equal(await waiting, 'SRING: 1,5');
  const call = await at.connect('AT#SO=1');
  const pending = await firstValueFrom(call.received$);
  assert.equal(Buffer.from(pending).toString(), 'Hello');
  assert.equal(await call.escape(), 'OK');
  await at.command('AT#SH=1');
  say('4.3.5: CONNECT, Hello');
}

async function activated(hosts: Record<string, string>, listenPorts: Record<number, number> = {}) {
  const module = onePort({ hosts, listenPorts });
  await module.at.command('ATE0');
  await module.at.command('AT+CGDCONT=1,"IP","internet","0.0.0.0",0,0');
  for (const connId of [1, 2]) await module.at.command(`AT#SCFG=${connId},1,300,90,600,50`);
  await module.at.command('AT#SGACT=1,1', { timeoutMs: 150_000 });
  return module;
}

/** The next SRING, with the data of the view mode. */
async function sring(at: AtClient): Promise<string> {
  const { text, payload } = await firstValueFrom(at.urcs$);
  return payload === undefined ? text : text + Buffer.from(payload).toString('latin1');
}

async function send(at: AtClient, connId: number, text: string): Promise<void> {
  await at.command(`AT#SSEND=${connId}`, { prompt: { bytes: latin1(text), end: 'ctrlZ' } });
}

async function receive(at: AtClient, connId: number, bytes: number): Promise<string> {
  const { payload } = await at.command(`AT#SRECV=${connId},${bytes}`, {
    countedPayload: (line) => Number(/,(\d+)$/.exec(line)?.[1]),
  });
  return Buffer.from(payload ?? []).toString('latin1');
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function closed(server: Server): Promise<void> {
  if (server.listening) await once(server, 'close');
}
