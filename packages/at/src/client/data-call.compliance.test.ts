import { memoryPair, type Port } from '@cellmux/port';
import { portCompliance, VirtualClock, type PortPair } from '@cellmux/port/testing';
import { describe, test } from 'vitest';
import { AtClient, AtServer, type DataPhase } from '../index.ts';

/** A call and the module's data phase of it, as two ports at the two ends of one line. */
async function callPair(): Promise<PortPair> {
  const clock = new VirtualClock();
  const { dte, dce } = memoryPair();
  let phase: DataPhase | undefined;
  const server = new AtServer<object>(
    dce,
    [
      {
        name: 'D',
        execute: async (context) => {
          phase = await context.connect();
          return (await phase.ended) === 'escaped' ? 'OK' : 'NO CARRIER';
        },
      },
    ],
    { session: {}, clock },
  );
  const client = new AtClient(dte, { clock });
  await clock.run(client.command('ATE0&C1'));
  const call: Port = await clock.run(client.connect('ATD1', { hangUp: false }));
  return {
    dte: call,
    dce: phase!,
    run: (promise) => clock.run(promise),
    pass: () => clock.advance(50),
    end: async () => {
      await clock.run(client.close());
      await server.close();
    },
  };
}

describe('a call is a Port', () => {
  for (const { name, run } of portCompliance(callPair)) test(name, run);
});
