import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, test } from 'vitest';
import { diagnosticsChannel } from './diagnostics.ts';

test('is the channel of that name of node:diagnostics_channel', () => {
  const channel = diagnosticsChannel('cellmux:test:event');
  expect(channel.hasSubscribers).toBe(false);
  const heard: unknown[] = [];
  const listen = (message: unknown): void => void heard.push(message);
  subscribe('cellmux:test:event', listen);
  expect(channel.hasSubscribers).toBe(true);
  channel.publish({ type: 'opened' });
  unsubscribe('cellmux:test:event', listen);
  expect(heard).toEqual([{ type: 'opened' }]);
});
