import { concatBytes, fromLatin1, latin1, memoryPair } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { AtClient } from './at-client.ts';
import type { DataCall } from './data-call.ts';

interface Step {
  readonly port?: string;
  readonly send?: string;
  readonly expect?: string;
  readonly expectRe?: string;
  readonly ppp?: string;
}

interface Conversation {
  readonly name: string;
  readonly steps: readonly Step[];
}

const conversations = JSON.parse(
  readFileSync(new URL('../../vectors/ipeasy-conversations.json', import.meta.url), 'utf8'),
) as Conversation[];

/** One port's part of a conversation: what the host sends, and what the module says to it. */
interface Exchange {
  readonly send: string;
  readonly says: string[];
}

function exchangesOf(steps: readonly Step[]): Exchange[] {
  const exchanges: Exchange[] = [{ send: '', says: [] }];
  for (const { send, expect: says, expectRe } of steps) {
    if (send !== undefined) exchanges.push({ send, says: [] });
    // A regular expression stands for one of several answers: one that fits all of them.
    const sample =
      expectRe === undefined ? says : expectRe.startsWith('^\\r\\n[^') ? '\r\ntext\r\n\r\nOK\r\n' : ANY_ERROR;
    if (sample !== undefined) exchanges.at(-1)!.says.push(sample);
  }
  return exchanges;
}

const ANY_ERROR = '\r\n+CME ERROR: connection failed\r\n';
const PROMPT = '\r\n> ';
const CONNECT = '\r\nCONNECT\r\n';

const ports = conversations
  // Those that show the frames of the multiplexer have no AT text of their own.
  .filter(({ steps }) => !steps.some((step) => 'sendHex' in step))
  .flatMap(({ name, steps }) =>
    [...new Set(steps.flatMap(({ port }) => port ?? []))].map((port) => ({
      title: `${name}, port ${port}`,
      exchanges: exchangesOf(steps.filter((step) => step.port === port)),
    })),
  );

/**
 * The module says what stands in the conversation; the client must send what stands there and nothing else, take every
 * answer for what it is, and give the rest as unsolicited lines or as data.
 */
describe('conversations with modules', () => {
  test.each(ports)('$title', async ({ exchanges }) => {
    const clock = new VirtualClock();
    const { dte, dce } = memoryPair();
    let heard = '';
    dce.received$.subscribe((chunk) => (heard += fromLatin1(chunk)));
    const say = (text: string): void => void dce.send(latin1(text));
    const client = new AtClient(dte, { clock });
    const urcs: string[] = [];
    client.urcs$.subscribe(({ text }) => urcs.push(text));
    const data: Uint8Array[] = [];
    let call: DataCall | undefined;
    const calls = client.incomingCalls$.subscribe((incoming) => {
      enter(incoming);
    });
    const enter = (entered: DataCall): void => {
      call = entered;
      call.received$.subscribe((chunk) => data.push(chunk));
    };

    for (let index = 0; index < exchanges.length; index++) {
      const { send, says } = exchanges[index]!;
      heard = '';
      let rest = [...says];
      if (call?.isClosed === true) call = undefined;
      if (call !== undefined && send === '+++') {
        const escaped = call.escape();
        await clock.advance(2200);
        expect(heard).toBe('+++');
        say(rest.shift()!);
        await clock.advance(1000);
        expect(await escaped).toBe(says[0]!.trim());
      } else if (call !== undefined) {
        await clock.run(call.send(latin1(send)));
        expect(heard).toBe(send);
      } else if (send.length > 81) {
        await expect(client.command(send.slice(0, -1))).rejects.toMatchObject({ code: 'ERR_AT_LINE_TOO_LONG' });
        rest = [];
      } else if (send !== '') {
        const line = send.slice(0, -1);
        const first = rest.shift();
        if (first === undefined) continue;
        if (first.startsWith(CONNECT) || (first === '\r\nNO CARRIER\r\n' && /#SO|#FTP(GET|PUT)|#SD/.test(line))) {
          const dialled = client.connect(line);
          await clock.advance(30);
          say(first);
          if (first.startsWith(CONNECT)) enter(await clock.run(dialled));
          else await expect(clock.run(dialled)).rejects.toMatchObject({ code: 'ERR_AT_NO_CARRIER' });
        } else {
          const text = first === PROMPT ? exchanges[++index]! : undefined;
          const counted = /#SSENDEXT/.test(line);
          const body = counted ? text?.send : text?.send.slice(0, -1);
          // The client does not call off a text that it was given.
          if (text?.send.endsWith('\x1b') === true) return;
          const answered = client.command(line, {
            countedPayload: (information) => {
              const count = /^#SRECV: \d,(\d+)$/.exec(information)?.[1];
              const hex = /\r\n([0-9A-F]{10})\r\n/.test(first) ? 2 : 1;
              return count === undefined ? undefined : Number(count) * hex;
            },
            ...(body === undefined
              ? {}
              : { prompt: { bytes: latin1(body), end: counted ? ('counted' as const) : ('ctrlZ' as const) } }),
          });
          await clock.advance(30);
          expect(heard).toBe(send);
          let final = first;
          while (!/(OK|ERROR.*)\r\n$/.test(final) && final !== PROMPT) {
            urcs.length = 0;
            say(final);
            await clock.advance(0);
            expect(urcs).toEqual([final.trim()]);
            final = rest.shift()!;
          }
          say(final);
          if (text !== undefined) {
            await clock.advance(30);
            expect(heard).toBe(send + text.send);
            rest = [...text.says];
            final = rest.shift()!;
            say(final);
          }
          const failed = /\r\n(ERROR|\+CME ERROR: .*)\r\n$/.exec(final)?.[1];
          if (failed !== undefined) {
            await expect(clock.run(answered)).rejects.toMatchObject({
              code: failed === 'ERROR' ? 'ERR_AT_ERROR' : 'ERR_AT_CME',
            });
          } else {
            const { lines, payload } = await clock.run(answered);
            const told = lines.join('\r\n') + (payload === undefined ? '' : `\r\n${fromLatin1(payload)}`);
            expect(final.replaceAll('\r\n', '')).toBe(`${told.replaceAll('\r\n', '')}OK`);
          }
        }
      }

      // What is left is said by itself: data, unsolicited lines, the end of a call.
      for (const said of rest) {
        urcs.length = 0;
        data.length = 0;
        const current = call;
        const wasOnline = client.mode === 'data';
        // So long that nothing of what was sent can have gone to command mode.
        if (wasOnline) await clock.advance(2000);
        say(said);
        await clock.advance(500);
        if (said === CONNECT) expect(call).toBeDefined();
        else if (wasOnline && said === '\r\nNO CARRIER\r\n') expect(current?.isClosed).toBe(true);
        else if (wasOnline) expect(fromLatin1(concatBytes(data))).toBe(said);
        else expect(`\r\n${urcs.join('\r\n\r\n')}\r\n`).toBe(said);
      }
    }
    calls.unsubscribe();
  });
});
