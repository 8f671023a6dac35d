import { describe, expect, test } from 'vitest';
import { conversations, type Conversation, type ConversationStep } from './testing/conversation.ts';
import { play } from './testing/conversation-player.ts';

const peer = 'tcp:194.185.15.73:10510';
const ok = (port: string): ConversationStep => ({ port, expectRe: '^(\\r\\n#SGACT: [^\\r]+\\r\\n)?\\r\\nOK\\r\\n' });
const dial = (port: string, connId: number, connMode: number, number = connId - 1): ConversationStep[] => [
  { port, send: `AT#SCFG=${connId},1,300,90,600,50;#SD=${connId},0,10510,"194.185.15.73",0,0,${connMode}\r` },
  { peer: `${peer}#${number}`, on: 'connect' },
  connMode === 1 ? ok(port) : { port, expect: '\r\nCONNECT\r\n' },
];

/** Octets to the peer of a connId, by #SSENDEXT. */
const sends = (port: string, connId: number, bytes: number): ConversationStep[] => [
  { port, send: `AT#SSENDEXT=${connId},${bytes}\r` },
  { port, expect: '\r\n> ' },
  { port, send: 's'.repeat(bytes) },
  ok(port),
];

/** Octets from the n-th peer to a connId; the host reads some of them. */
const receives = (port: string, connId: number, number: number, bytes: number, read: number): ConversationStep[] => [
  { peer: `${peer}#${number}`, on: 'send', data: 'r'.repeat(bytes) },
  { port, expect: `\r\nSRING: ${connId}\r\n` },
  { port, send: `AT#SRECV=${connId},${read}\r` },
  { port, expect: `\r\n#SRECV: ${connId},${read}\r\n${'r'.repeat(read)}\r\n\r\nOK\r\n` },
  ...(bytes > read ? [{ port, expect: `\r\nSRING: ${connId}\r\n` }] : []),
];

/** What leads to the state that a conversation begins in, where that is more than an active context. */
const PREPARATIONS: Readonly<Record<string, readonly ConversationStep[]>> = {
  si_all_sockets: [
    { port: 'A', send: 'AT+CGDCONT=1,"IP","internet";#SGACT=1,1\r' },
    ok('A'),
    ...[1, 2, 3, 6].flatMap((connId, index) => dial('A', connId, 1, index + 1)),
    ...sends('A', 1, 73),
    ...sends('A', 3, 489),
    ...receives('A', 1, 1, 410, 400),
    ...receives('A', 2, 2, 100, 100),
    ...receives('A', 3, 3, 110, 100),
    ...receives('A', 6, 4, 158, 98),
    // By then all of that is acknowledged.
    { port: 'A', quietMs: 31_000 },
    ...sends('A', 1, 50),
    ...sends('A', 3, 100),
  ],
  socket_status_snapshot: [
    { port: 'A.dlc1', send: 'AT+CGDCONT=1,"IP","internet";#SGACT=1,1\r' },
    ok('A.dlc1'),
    { port: 'A.dlc1', send: 'AT#SL=1,1,21\r' },
    ok('A.dlc1'),
    ...dial('A.dlc1', 2, 1),
    ...dial('A.dlc1', 3, 1),
    ...dial('A.dlc2', 4, 0),
    { peer: `${peer}#2`, on: 'send', data: 'unread' },
    { port: 'A.dlc1', expect: '\r\nSRING: 3\r\n' },
  ],
};

/** Steps that a conversation leaves out: before which of its steps, and what. */
const LEFT_OUT: Readonly<Record<string, readonly [before: number, step: ConversationStep][]>> = {
  // Where #SKTOP goes.
  cmux_sktop_first_port_only: [
    [3, { peer: 'tcp:www.telit.com:80', on: 'connect' }],
    [0, ok('A.dlc1')],
    [0, { port: 'A.dlc1', send: 'AT#SKTSET=0,80,"www.telit.com"\r' }],
  ],
};

const all = conversations();
const isOfVirtualPorts = ({ steps }: Conversation): boolean =>
  steps.some(({ port, send }) => port?.includes('.dlc') === true || send?.startsWith('AT+CMUX') === true);

/** Of both kinds: those that a virtual port can have, and those that are about the multiplexer itself. */
test('all conversations are there, and what is prepared belongs to one', () => {
  const names = all.map(({ name }) => name);
  expect(names).toHaveLength(54);
  expect(new Set(names).size).toBe(names.length);
  expect(all.reduce((sum, { steps }) => sum + steps.length, 0)).toBe(712);
  expect(all.filter(isOfVirtualPorts).map(({ name }) => name)).toHaveLength(5);
  for (const name of [...Object.keys(PREPARATIONS), ...Object.keys(LEFT_OUT)]) expect(names).toContain(name);
});

describe.each(['bare', 'virtual'] as const)('%s', (how) => {
  for (const conversation of all) {
    const { name, clause, basis } = conversation;
    if (how === 'virtual' && isOfVirtualPorts(conversation)) continue;
    const completed = (LEFT_OUT[name] ?? []).reduce(
      (steps, [before, step]) => steps.toSpliced(before, 0, step),
      [...conversation.steps],
    );
    const steps = [...(PREPARATIONS[name] ?? []), ...completed];
    test(`${name} (${clause}; ${basis})`, () => play({ ...conversation, steps }, how));
  }
});
