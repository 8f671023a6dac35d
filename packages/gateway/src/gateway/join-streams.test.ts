import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { joinStreams } from './join-streams.ts';

/** Both ends of a TCP connection of this machine. */
async function tcpPair(): Promise<{ readonly near: Socket; readonly client: Socket }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  const [near] = (await once(server, 'connection')) as [Socket];
  near.on('error', () => undefined);
  server.close();
  onTestFinished(() => {
    client.destroy();
    near.destroy();
  });
  return { near, client };
}

/** The far connection: what was written to it, and what it says. */
class Far extends Duplex {
  written = '';

  override _read(): void {
    // What comes is pushed by the test.
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.written += chunk.toString();
    done();
  }
}

it('carries both directions, each with an end of its own', async () => {
  const { near, client } = await tcpPair();
  const far = new Far();
  joinStreams(near, far);
  client.end('question');
  await once(far, 'finish');
  expect(far.written).toBe('question');
  far.push('answer');
  far.push(null);
  let heard = '';
  for await (const chunk of client as AsyncIterable<Buffer>) heard += chunk.toString();
  expect(heard).toBe('answer');
});

it('resets the near connection when the far one breaks, so that it is not taken for an end', async () => {
  const { near, client } = await tcpPair();
  const far = new Far();
  joinStreams(near, far);
  far.push('half an ans');
  await once(client, 'readable');
  far.destroy(new Error('lost'));
  client.resume();
  await expect(once(client, 'end')).rejects.toMatchObject({ code: 'ECONNRESET' });
});

it('ends the far connection when the near one breaks', async () => {
  const { near, client } = await tcpPair();
  const far = new Far();
  joinStreams(near, far);
  client.resetAndDestroy();
  await once(far, 'close').catch(() => undefined);
  expect(far.destroyed).toBe(true);
});

it('keeps to the listeners that Node takes for no leak', async () => {
  const warnings: string[] = [];
  const onWarning = (warning: Error): number => warnings.push(warning.name);
  process.on('warning', onWarning);
  const { near } = await tcpPair();
  const far = new Far();
  // What a socket of the module and its owners listen to besides.
  for (let count = 0; count < 4; count++) far.on('close', () => undefined).on('error', () => undefined);
  joinStreams(near, far);
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', onWarning);
  expect(warnings).toEqual([]);
});
