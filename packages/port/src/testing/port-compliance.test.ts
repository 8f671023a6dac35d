import { firstValueFrom } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { pacedLine, type PacedLineOptions } from '../faulty-line.ts';
import { memoryPair } from '../memory-pair.ts';
import { PortView } from '../port-view.ts';
import { prepend } from '../prepend.ts';
import { openPty } from '../pty/index.ts';
import { openSerial } from '../serial/index.ts';
import { connectTcp, listenTcp } from '../tcp/index.ts';
import { portCompliance, type PortPair } from './port-compliance.ts';
import { VirtualClock } from './virtual-clock.ts';

const virtualLine = (options: PacedLineOptions) => (): Promise<PortPair> => {
  const clock = new VirtualClock();
  const { dte, dce } = pacedLine({ ...options, clock });
  return Promise.resolve({
    dte,
    dce,
    run: (promise) => clock.run(promise),
    pass: () => clock.advance(300),
  });
};

describe('memory', () => {
  for (const { name, run } of portCompliance(() => Promise.resolve(memoryPair()))) test(name, run);
});

describe('memory behind a view', () => {
  const makePair = (): Promise<PortPair> => {
    const { dte, dce } = memoryPair();
    return Promise.resolve({ dte: new PortView(dte, {}), dce: prepend(dce, new Uint8Array()) });
  };
  for (const { name, run } of portCompliance(makePair)) test(name, run);
});

describe('paced line', () => {
  for (const { name, run } of portCompliance(virtualLine({ baudRate: 921_600 }))) test(name, run);
});

describe('line without pace', () => {
  for (const { name, run } of portCompliance(virtualLine({}))) test(name, run);
});

describe('TCP', () => {
  const makePair = async (): Promise<PortPair> => {
    const listener = await listenTcp({ port: 0 });
    const accepted = firstValueFrom(listener.ports$);
    const dte = await connectTcp(listener.address);
    return { dte, dce: await accepted, end: () => listener.close() };
  };
  const options = { hasCircuits: false, holdsLessThanOctets: 12 << 20 };
  for (const { name, run } of portCompliance(makePair, options)) test(name, run);
});

describe.runIf(process.platform === 'linux')('serial device on a pty', () => {
  const makePair = async (): Promise<PortPair> => {
    const dce = await openPty();
    return { dte: await openSerial({ path: dce.path }), dce };
  };
  const options = { hasCircuits: false, farEnd: { dte: 'fails', dce: 'stays' } } as const;
  for (const { name, run } of portCompliance(makePair, options)) test(name, run);
});

test('a port that loses what nobody waits for is found out', async () => {
  const makePair = (): Promise<PortPair> => {
    const { dte, dce } = memoryPair();
    dce.received$.subscribe();
    return Promise.resolve({ dte, dce, pass: () => Promise.resolve() });
  };
  const found: string[] = [];
  for (const { name, run } of portCompliance(makePair)) {
    const outcome = await Promise.race([
      run().then(
        () => 'passes',
        () => 'fails',
      ),
      new Promise<string>((resolve) => setTimeout(resolve, 100, 'hangs')),
    ]);
    if (outcome !== 'passes') found.push(name);
  }
  expect(found.length).toBeGreaterThan(1);
});
