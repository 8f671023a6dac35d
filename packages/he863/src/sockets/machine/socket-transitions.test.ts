import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SOCKET_EVENTS, SOCKET_STATUS, socketStep, type SocketEvent, type SocketState } from './socket-transitions.ts';

const STATES = Object.keys(SOCKET_STATUS) as SocketState[];
const COMMANDS: readonly SocketEvent[] = [
  'dial',
  'resume',
  'shutdown',
  'listen',
  'unlisten',
  'accept',
  'acceptCommand',
  'receive',
  'send',
];

/** `state event -> state answer`, as the documents have it. */
const DOCUMENTED: readonly (readonly [SocketState, SocketEvent, SocketState, unknown])[] = [
  ['closed', 'dial', 'opening', undefined],
  ['suspended', 'dial', 'suspended', 552],
  ['listening', 'dial', 'listening', 552],
  ['online', 'escape', 'suspended', 'OK'],
  ['online', 'hangUp', 'closed', 'NO CARRIER'],
  ['closed', 'resume', 'closed', 'NO CARRIER'],
  ['pending', 'resume', 'online', undefined],
  ['listening', 'resume', 'listening', 566],
  ['closed', 'shutdown', 'closed', 'OK'],
  ['incoming', 'shutdown', 'closed', 'OK'],
  ['online', 'shutdown', 'online', 552],
  ['listening', 'listen', 'listening', 564],
  ['incoming', 'unlisten', 'closed', 'OK'],
  ['listening', 'accept', 'listening', 551],
  ['closed', 'accept', 'closed', 551],
  ['incoming', 'accept', 'online', undefined],
  ['incoming', 'acceptCommand', 'suspended', 'OK'],
  ['suspended', 'receive', 'suspended', 555],
  ['online', 'receive', 'online', 552],
  ['pending', 'send', 'pending', undefined],
  ['suspended', 'data', 'pending', undefined],
  ['pending', 'drained', 'suspended', undefined],
  ['suspended', 'peerFin', 'closed', undefined],
  ['pending', 'peerFin', 'pending', undefined],
  ['pending', 'delivered', 'closed', undefined],
  ['online', 'peerFin', 'online', undefined],
  ['online', 'delivered', 'closed', 'NO CARRIER'],
  ['pending', 'inactive', 'closed', undefined],
  ['listening', 'contextLost', 'closed', undefined],
  ['incoming', 'peerLeaves', 'listening', undefined],
];

describe('the life of a connId', () => {
  it.each(DOCUMENTED)('%s, %s -> %s %s', (state, event, to, answer) => {
    const step = socketStep(state, event);
    expect([step.to, step.answer]).toEqual([to, answer]);
  });

  it('answers every command in every state, or goes on with it', () => {
    for (const event of COMMANDS) {
      for (const state of STATES) {
        const { to, answer } = socketStep(state, event);
        expect(to !== state || answer !== undefined || (['receive', 'send'] as string[]).includes(event)).toBe(true);
      }
    }
  });

  it('ends everything when the context is gone, and #SH ends all that is not online', () => {
    for (const state of STATES) {
      expect(socketStep(state, 'contextLost').to).toBe('closed');
      if (state !== 'online') expect(socketStep(state, 'shutdown').to).toBe('closed');
    }
  });

  it('says NO CARRIER once for every connection that ends by itself', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...SOCKET_EVENTS), { maxLength: 60 }), (events) => {
        let state: SocketState = 'closed';
        let owed = 0;
        for (const event of events) {
          const { to, effects, answer }: ReturnType<typeof socketStep> = socketStep(state, event);
          const wasConnected = ['online', 'suspended', 'pending'].includes(state);
          const byHost = event === 'shutdown';
          const isAbandoned = state === 'incoming' && event === 'abandoned';
          if ((wasConnected && to === 'closed' && !byHost) || isAbandoned) owed++;
          if (effects.includes('noCarrier') || (answer === 'NO CARRIER' && state === 'online')) owed--;
          expect(owed).toBe(0);
          // Whatever closes a connId lets go of what it held.
          if (to === 'closed' && wasConnected) {
            expect(effects.some((effect) => effect === 'close' || effect === 'abort')).toBe(true);
          }
          if (to === 'closed' && (state === 'listening' || state === 'incoming')) {
            expect(effects).toContain('stopListening');
          }
          state = to;
        }
      }),
      { examples: [[['listen', 'peerConnects', 'abandoned']]] },
    );
  });
});
