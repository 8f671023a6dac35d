import { HE863, startMultiplexer } from '@cellmux/cmux';
import { memoryPair, type Port } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { onTestFinished } from 'vitest';
import { VirtualHe863, type He863Event, type VirtualHe863Options } from '../index.ts';
import { LineHost } from './line-host.ts';

/** A virtual module on one line, in virtual time, and what it tells of itself. Closed when the test is over. */
export function served(options: VirtualHe863Options = {}) {
  const clock = new VirtualClock();
  const module = new VirtualHe863({ clock, machineNames: false, ...options });
  onTestFinished(() => module.close());
  const events: He863Event[] = [];
  module.events$.subscribe((event) => events.push(event));
  const { dte, dce } = memoryPair();
  module.serve(dce);
  return { clock, module, line: dte, events };
}

/** The same with the multiplexer on the line and a host on each of three virtual ports, echo off. */
export async function multiplexed(options: VirtualHe863Options = {}) {
  const made = served(options);
  const { clock, line } = made;
  const multiplexer = await clock.run(startMultiplexer(line, { profile: HE863, clock }));
  const ports: Port[] = [];
  for (const dlci of [1, 2, 3]) ports.push(await clock.run(multiplexer.open(dlci)));
  const hosts = ports.map((port) => new LineHost(port));
  const host = (dlci: number): LineHost => hosts[dlci - 1] as LineHost;
  /** Says it on a port; gives what came back within 50 ms. */
  const ask = async (dlci: number, text: string): Promise<string> => {
    await host(dlci).say(text);
    await clock.advance(50);
    return host(dlci).heard();
  };
  for (const dlci of [1, 2, 3]) await ask(dlci, 'ATE0\r');
  return { ...made, multiplexer, ports, hosts, ask };
}
