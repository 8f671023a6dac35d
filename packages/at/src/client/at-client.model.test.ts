import { CellmuxError, fromLatin1, latin1, memoryPair } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SerialModule } from '../../test/serial-module.ts';
import { AtClient } from './at-client.ts';
import type { DataCall } from './data-call.ts';

type Op =
  | {
      readonly do: 'command';
      readonly how: 'ok' | 'cme' | 'silent';
      readonly delayMs: number;
      readonly urgent: boolean;
    }
  | { readonly do: 'abortedCommand'; readonly delayMs: number; readonly afterMs: number }
  | { readonly do: 'dial' | 'escape' | 'close' | 'hangUp' | 'urc' }
  | { readonly do: 'send' | 'receive'; readonly text: string }
  | { readonly do: 'advance'; readonly ms: number };

const data = fc
  .array(fc.constantFrom('\r\nOK\r\n', '\r\nNO CARRIER\r\n', '\r\n', '\r', 'x', '\r\nSRING: 9\r\n', '+'), {
    minLength: 1,
    maxLength: 4,
  })
  // A module that tells the escape by its chunk alone must not get one as data; how data avoids it has its own test.
  .map((parts) => `:${parts.join('')}`);

const op: fc.Arbitrary<Op> = fc.oneof(
  fc.record({
    do: fc.constant('command' as const),
    how: fc.constantFrom('ok' as const, 'ok' as const, 'cme' as const, 'silent' as const),
    delayMs: fc.constantFrom(0, 10, 900, 1100, 2500),
    urgent: fc.boolean(),
  }),
  fc.record({
    do: fc.constant('abortedCommand' as const),
    delayMs: fc.constantFrom(0, 100),
    afterMs: fc.constantFrom(0, 50, 150),
  }),
  fc.record({
    do: fc.constantFrom('dial' as const, 'escape' as const, 'close' as const, 'hangUp' as const, 'urc' as const),
  }),
  fc.record({ do: fc.constantFrom('send' as const, 'receive' as const), text: data }),
  fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(0, 1, 20, 200, 1000, 3000) }),
);

/** What must hold for one call: all data, byte for byte, and one end. */
interface CallRecord {
  readonly call: DataCall;
  received: string;
  said: string;
  sent: string;
  completed: number;
}

const TIMEOUT_MS = 1000;

test('property: whatever happens in whatever order, every answer is its own and every byte arrives', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(op, { maxLength: 25 }), async (ops) => {
      const clock = new VirtualClock();
      const { dte, dce } = memoryPair();
      const module = new SerialModule(dce, clock);
      const client = new AtClient(dte, { clock, timeoutMs: TIMEOUT_MS });
      const urcs: string[] = [];
      client.urcs$.subscribe(({ text }) => urcs.push(text));
      const saidUrcs: string[] = [];
      const calls: CallRecord[] = [];
      const settled: Promise<void>[] = [];
      let number = 100;

      const check = (mine: number, how: string, promise: Promise<{ lines: readonly string[] }>): void => {
        settled.push(
          promise.then(
            ({ lines }) => {
              expect([how, lines]).toEqual(['ok', [`+N: ${mine}`]]);
            },
            (error: unknown) => {
              if (!(error instanceof CellmuxError)) expect(error).toBe('aborted');
              else if (error.code === 'ERR_AT_CME') expect([how, error.context['cme']]).toEqual(['cme', mine]);
              else expect(error.code).toMatch(/^ERR_AT_(TIMEOUT|IN_DATA_MODE)$/);
            },
          ),
        );
      };

      for (const step of ops) {
        const current = calls.at(-1);
        switch (step.do) {
          case 'command': {
            const mine = number++;
            const line = `AT+N=${mine},${step.how},${step.delayMs}`;
            check(mine, step.how, client.command(line, { urgent: step.urgent }));
            break;
          }
          case 'abortedCommand': {
            const mine = number++;
            const abort = new AbortController();
            clock.after(step.afterMs, () => {
              abort.abort('aborted');
            });
            check(mine, 'ok', client.command(`AT+N=${mine},ok,${step.delayMs}`, { signal: abort.signal }));
            break;
          }
          case 'dial':
            settled.push(
              client.connect('ATD1').then(
                (call) => {
                  const record: CallRecord = {
                    call,
                    received: '',
                    said: `<${module.calls.length}>`,
                    sent: '',
                    completed: 0,
                  };
                  calls.push(record);
                  call.received$.subscribe({
                    next: (chunk) => (record.received += fromLatin1(chunk)),
                    complete: () => record.completed++,
                  });
                },
                (error: unknown) => {
                  expect((error as CellmuxError).code).toMatch(/^ERR_AT_(TIMEOUT|IN_DATA_MODE)$/);
                },
              ),
            );
            break;
          case 'escape':
            if (current !== undefined) {
              settled.push(current.call.escape().then((answer) => void expect(answer).toMatch(/^(OK|NO CARRIER)$/)));
            }
            break;
          case 'close':
            if (current !== undefined) settled.push(current.call.close());
            break;
          case 'hangUp':
            module.hangUp();
            break;
          case 'urc':
            saidUrcs.push(`SRING: ${saidUrcs.length + 1},5`);
            module.urc(saidUrcs.at(-1)!);
            break;
          case 'receive':
            if (module.mode === 'data' && current?.call.isClosed === false && client.mode === 'data') {
              current.said += step.text;
              module.say(step.text);
            }
            break;
          case 'send':
            if (module.mode === 'data' && current?.call.isClosed === false) {
              settled.push(
                current.call.send(latin1(step.text)).then(
                  () => void (current.sent += step.text),
                  (error: unknown) => void expect(error).toMatchObject({ code: 'ERR_PORT_CLOSED' }),
                ),
              );
              // The module must have it before it hears of anything else.
              await clock.advance(0);
            }
            break;
          case 'advance':
            await clock.advance(step.ms);
            break;
        }
      }
      await clock.advance(60_000);
      if (client.mode === 'data') {
        module.hangUp();
        await clock.advance(10_000);
      }
      await clock.run(Promise.all(settled));
      expect(client.mode).toBe('command');
      expect(await clock.run(client.command('AT+N=99,ok,0'))).toEqual({ lines: ['+N: 99'], result: 'OK' });
      expect(urcs).toEqual(saidUrcs);
      for (const record of calls) {
        expect(record.received).toBe(record.said);
        expect(record.completed).toBe(1);
      }
      expect(module.calls.length).toBeGreaterThanOrEqual(calls.length);
      for (const record of calls) expect(module.calls).toContain(record.sent);
      // No command is carried out twice.
      expect(new Set(module.executed).size).toBe(module.executed.length);
      await client.close();
      expect(clock.pendingTimers).toBe(0);
    }),
    { numRuns: 120 },
  );
});
