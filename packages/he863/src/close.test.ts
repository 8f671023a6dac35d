import { memoryPair } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VirtualHe863 } from './index.ts';
import { dialNetwork, NetworkServer, type NetworkPeer } from './sockets/testing/network-peer.ts';
import { LineHost } from './testing/line-host.ts';

/** What may happen before the module is closed, in any order; the host waits for no answer unless it says so. */
type Deed =
  | { readonly do: 'command'; readonly line: string }
  | { readonly do: 'escape' | 'settle' | 'dial in' | 'peers end' | 'peers break' | 'line ends' | 'reset' }
  | { readonly do: 'breathe'; readonly turns: number }
  | { readonly do: 'peers send'; readonly bytes: number };

const connId = fc.integer({ min: 1, max: 6 });
const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 6, arbitrary: connId.map((id) => command(`#SD=${id},0,80,"peer",0,0,1`)) },
  { weight: 2, arbitrary: connId.map((id) => command(`#SD=${id},0,80,"peer"`)) },
  { weight: 2, arbitrary: connId.map((id) => command(`#SD=${id},1,80,"peer",0,0,1`)) },
  { weight: 6, arbitrary: connId.map((id) => command(`#SH=${id}`)) },
  { weight: 4, arbitrary: connId.map((id) => command(`#SL=${id},1,1024`)) },
  { weight: 2, arbitrary: connId.map((id) => command(`#SL=${id},0,1024`)) },
  { weight: 2, arbitrary: connId.map((id) => command(`#SLUDP=${id},1,1024`)) },
  { weight: 2, arbitrary: connId.map((id) => command(`#SA=${id},1`)) },
  { weight: 2, arbitrary: connId.map((id) => command(`#SO=${id}`)) },
  { weight: 2, arbitrary: connId.map((id) => command(`#SSENDEXT=${id},3\rabc`)) },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(
        '#SGACT=1,0',
        '#SGACT=1,1',
        '#SGACT=2,1',
        '#SKTD=0,80,"peer"',
        '#SKTL=1,0,1025',
        '#FTPOPEN="peer","a","b"',
        'H',
      )
      .map(command),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom('escape', 'dial in', 'peers end', 'peers break').map((what) => ({ do: what })),
  },
  { weight: 6, arbitrary: fc.constant({ do: 'settle' } as const) },
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 200 }).map((turns) => ({ do: 'breathe', turns }) as const) },
  { weight: 1, arbitrary: fc.constantFrom('line ends', 'reset').map((what) => ({ do: what })) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 100_000 }).map((bytes) => ({ do: 'peers send', bytes }) as const) },
);

function command(line: string): Deed {
  return { do: 'command', line };
}

/** How many turns of the event loop a close may take: the machine's own goodbyes, no timer of the module. */
const TURNS = 2000;

class Life {
  readonly clock = new VirtualClock();
  readonly module: VirtualHe863;
  readonly #network: NetworkServer;
  readonly #host: LineHost;
  readonly #dialledIn: NetworkPeer[] = [];
  #listeningPort = 0;

  constructor(network: NetworkServer) {
    this.#network = network;
    this.module = new VirtualHe863({
      clock: this.clock,
      machineNames: false,
      hosts: { peer: `127.0.0.1:${network.port}` },
      listenPorts: { 1024: 0, 1025: 0 },
    });
    this.module.events$.subscribe((event) => {
      const listening = event.type === 'socket' ? /listening on .*:(\d+)$/.exec(event.what) : null;
      if (listening !== null) this.#listeningPort = Number(listening[1]);
    });
    const { dte, dce } = memoryPair();
    this.module.serve(dce);
    this.#host = new LineHost(dte);
  }

  async begin(): Promise<void> {
    await this.#host.ask('ATE0+CGDCONT=1,"IP","a";+CGDCONT=2,"IP","b"\r');
    await this.#host.ask('AT#FRWL=1,"127.0.0.1","255.0.0.0";#SGACT=1,1\r');
  }

  async live(deeds: readonly Deed[]): Promise<void> {
    for (const each of deeds) await this.#carryOut(each);
  }

  /** Closes the module; false when it did not end within {@link TURNS}. */
  async closes(): Promise<boolean> {
    let isClosed = false;
    void this.module.close().then(() => {
      isClosed = true;
    });
    for (let turn = 0; turn < TURNS && !isClosed; turn++) {
      await this.clock.advance(1);
      await new Promise((resolve) => setTimeout(resolve, turn < 200 ? 0 : 1));
    }
    for (const { socket } of [...this.#network.peers, ...this.#dialledIn]) socket.destroy();
    return isClosed;
  }

  async #carryOut(deed: Deed): Promise<void> {
    const peers = [...this.#network.peers, ...this.#dialledIn];
    switch (deed.do) {
      case 'command':
        void this.#host.say(`AT${deed.line}\r`).catch(() => undefined);
        return;
      case 'escape':
        await this.clock.advance(1100);
        void this.#host.say('+++').catch(() => undefined);
        await this.clock.advance(1100);
        return;
      case 'settle':
        for (let turn = 0; turn < 3; turn++) {
          await this.clock.advance(1);
          await new Promise((resolve) => setTimeout(resolve, 0));
        }
        return;
      case 'breathe':
        // Promises have their turn, the machine's network has not.
        for (let turn = 0; turn < deed.turns; turn++) await Promise.resolve();
        return;
      case 'dial in': {
        if (this.#listeningPort === 0) return;
        const peer = await dialNetwork(this.#listeningPort).catch(() => undefined);
        if (peer !== undefined) this.#dialledIn.push(peer);
        return;
      }
      case 'peers send':
        for (const peer of peers) if (peer.socket.writable) peer.send(new Uint8Array(deed.bytes));
        return;
      case 'peers end':
        for (const { socket } of peers) socket.end();
        return;
      case 'peers break':
        for (const { socket } of peers) socket.resetAndDestroy();
        return;
      case 'line ends':
        await this.#host.port.close({ signal: AbortSignal.abort() });
        return;
      case 'reset':
        void this.module.reset();
        await this.clock.advance(600);
        void this.#host.say('ATE0#FRWL=1,"127.0.0.1","255.0.0.0";#SGACT=1,1\r').catch(() => undefined);
    }
  }
}

describe('close', () => {
  test('always ends, whatever was opened, shut, accepted or broken before, and whoever waits for what', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(deed, { maxLength: 25 }), async (deeds) => {
        const network = await NetworkServer.listen();
        try {
          const life = new Life(network);
          await life.begin();
          await life.live(deeds);
          expect(await life.closes()).toBe(true);
        } finally {
          network.close();
        }
      }),
      { numRuns: 80 },
    );
  });

  test('right behind #SH, however far that has come', async () => {
    const network = await NetworkServer.listen();
    try {
      for (let turns = 0; turns < 300; turns += 6) {
        const life = new Life(network);
        await life.begin();
        await life.live([
          command('#SD=1,0,80,"peer"'),
          { do: 'escape' },
          command('#SH=1'),
          command('#SL=2,1,1024'),
          { do: 'breathe', turns },
        ]);
        expect(await life.closes()).toBe(true);
      }
    } finally {
      network.close();
    }
  });
});
