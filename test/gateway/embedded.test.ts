import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { runMeter } from './embedded.ts';

it('a program that embeds the gateway sends, hears of states, and ends in order when its signal aborts', async () => {
  const server = createServer((client) => client.end('thanks')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const received: string[] = [];
  server.on('connection', (client) => client.on('data', (chunk: Buffer) => received.push(chunk.toString())));
  const said: string[] = [];
  const ending = new AbortController();
  const { port } = server.address() as AddressInfo;
  const running = runMeter(
    { line: { kind: 'virtual' } },
    { host: '127.0.0.1', port },
    (line) => said.push(line),
    ending.signal,
  );
  await expect.poll(() => said, { timeout: 30_000 }).toContain('server thanks');
  ending.abort(new Error('enough'));
  await running;
  expect(received.join('')).toBe('reading +CSQ: 21,0\n');
  expect(said[0]).toBe('state idle');
  expect(said).toContain('state up');
  expect(said.at(-1)).toBe('state stopped');
  server.close();
});
