import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { AtClient, HE863_AT_PROFILE } from '@cellmux/at';
import { VirtualHe863, type VirtualHe863Options } from '@cellmux/he863';
import { IpEasy, type IpEasyOptions } from '@cellmux/ipeasy';
import { memoryPair, type Port } from '@cellmux/port';
import { onTestFinished } from 'vitest';

/** What a test gets: a library over the AT ports of one virtual module. */
export interface ModuleSetup {
  readonly module: VirtualHe863;
  readonly clients: readonly AtClient[];
  readonly ipEasy: IpEasy;
}

/** Options of {@link setUpModule}. */
export interface ModuleSetupOptions {
  readonly module?: VirtualHe863Options;
  readonly ipEasy?: IpEasyOptions;
  /** AT ports of the module; default 1. */
  readonly ports?: number;
  /** Whether context 1 is active already; default true. */
  readonly isActive?: boolean;
  /** Puts something between host and module, for instance a slow line. */
  readonly line?: (index: number) => { readonly dte: Port; readonly dce: Port };
}

/** No pause between commands: the virtual module needs none, and tests run in real time. */
export const FAST_PROFILE = { ...HE863_AT_PROFILE, resultGapMs: 0 };

/** A virtual module and the library on it; both end with the test. */
export async function setUpModule(options: ModuleSetupOptions = {}): Promise<ModuleSetup> {
  const module = new VirtualHe863({ machineNames: false, ...options.module });
  const clients: AtClient[] = [];
  for (let index = 0; index < (options.ports ?? 1); index++) {
    const { dte, dce } = options.line?.(index) ?? memoryPair();
    module.serve(dce);
    clients.push(new AtClient(dte, { profile: FAST_PROFILE }));
  }
  const ipEasy = new IpEasy(clients, options.ipEasy);
  onTestFinished(async () => {
    await ipEasy.close();
    for (const client of clients) await client.close();
    void module.close();
  });
  await ipEasy.prepare();
  if (options.isActive !== false) {
    await ipEasy.defineContext({ cid: 1, apn: 'internet' });
    await ipEasy.activate({ cid: 1 });
  }
  return { module, clients, ipEasy };
}

/** The same octets for the same seed; no two neighbouring blocks are alike. */
export function testBytes(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = (seed * 2_654_435_761) >>> 0;
  for (let index = 0; index < length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[index] = state;
  }
  return bytes;
}

/** A port number that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
