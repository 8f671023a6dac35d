import { take } from 'rxjs';
import { expect, test } from 'vitest';
import { fromLatin1, latin1 } from './core/bytes.ts';
import { memoryPair } from './memory-pair.ts';
import { prepend } from './prepend.ts';
import { settle } from './testing/virtual-clock.ts';

test('the first subscriber gets the bytes first, the next one what the port has kept', async () => {
  const { dte, dce } = memoryPair();
  await dce.send(latin1('two '));
  const port = prepend(prepend(dte, latin1('one ')), latin1('zero '));
  const got: string[] = [];
  port.received$.pipe(take(1)).subscribe((chunk) => got.push(fromLatin1(chunk)));
  expect(got).toEqual(['zero ']);
  port.received$.pipe(take(1)).subscribe((chunk) => got.push(fromLatin1(chunk)));
  let completed = false;
  port.received$.subscribe({ next: (chunk) => got.push(fromLatin1(chunk)), complete: () => (completed = true) });
  await dce.send(latin1('three'));
  expect(got.join('')).toBe('zero one two three');
  await port.close();
  expect({ completed, isClosed: dte.isClosed }).toEqual({ completed: true, isClosed: true });
});

test('is the port in all else', async () => {
  const { dte, dce } = memoryPair();
  const port = prepend(dte, latin1('x'));
  expect(port).toMatchObject({ name: dte.name, role: 'dte', circuits: dte.circuits, isClosed: false });
  expect(prepend(dte, new Uint8Array())).toBe(dte);
  const got: string[] = [];
  dce.received$.subscribe((chunk) => got.push(fromLatin1(chunk)));
  await port.send(latin1('hello'));
  await port.setCircuits({ rts: false });
  port.pause();
  void dce.send(latin1('later'));
  await settle();
  expect({ got, rts: dce.circuits.rts }).toEqual({ got: ['hello'], rts: false });
  const received: string[] = [];
  port.received$.subscribe((chunk) => received.push(fromLatin1(chunk)));
  expect(received).toEqual(['x']);
  port.resume();
  await settle();
  expect(received).toEqual(['x', 'later']);
  await port[Symbol.asyncDispose]();
});
