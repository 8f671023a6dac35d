import { describe, expect, test } from 'vitest';
import { conversations, type Conversation, type ConversationStep } from './testing/conversation.ts';
import { play } from './testing/conversation-player.ts';

/** Conversations that are not played, and why. */
const SKIPPED: Readonly<Record<string, string>> = {
  si_all_sockets: 'its counters hold octets that a peer has not acknowledged, which the machine does not tell',
};

const peer = 'tcp:194.185.15.73:10510';
const ok = (port: string): ConversationStep => ({ port, expectRe: '^(\\r\\n#SGACT: [^\\r]+\\r\\n)?\\r\\nOK\\r\\n' });
const dial = (port: string, connId: number, connMode: number): ConversationStep[] => [
  { port, send: `AT#SCFG=${connId},1,300,90,600,50;#SD=${connId},0,10510,"194.185.15.73",0,0,${connMode}\r` },
  { peer: `${peer}#${connId - 1}`, on: 'connect' },
  connMode === 1 ? ok(port) : { port, expect: '\r\nCONNECT\r\n' },
];

/** What leads to the state that a conversation begins in, where that is more than an active context. */
const PREPARATIONS: Readonly<Record<string, readonly ConversationStep[]>> = {
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

test('what is skipped exists', () => {
  const names = all.map(({ name }) => name);
  for (const name of Object.keys(SKIPPED)) expect(names).toContain(name);
});

describe.each(['bare', 'virtual'] as const)('%s', (how) => {
  for (const conversation of all) {
    const { name, clause, basis } = conversation;
    if (how === 'virtual' && isOfVirtualPorts(conversation)) continue;
    const reason = SKIPPED[name];
    if (reason !== undefined) test.skip(`${name}: ${reason}`);
    else {
      const completed = (LEFT_OUT[name] ?? []).reduce(
        (steps, [before, step]) => steps.toSpliced(before, 0, step),
        [...conversation.steps],
      );
      const steps = [...(PREPARATIONS[name] ?? []), ...completed];
      test(`${name} (${clause}; ${basis})`, () => play({ ...conversation, steps }, how));
    }
  }
});
