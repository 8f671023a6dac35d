import type { Clock } from '@cellmux/port';
import type { FrameCapture } from './frame-capture.ts';
import type { GatewayEvent } from './gateway-events.ts';
import type { Services } from './services.ts';
import type { Listener } from './start-listeners.ts';
import { Teardown } from './teardown.ts';

/** What {@link takeDown} ends. */
export interface Standing {
  readonly services: Services;
  readonly listeners: readonly Listener[];
  readonly capture: FrameCapture;
  readonly clock: Clock;
  readonly onEvent: (event: GatewayEvent) => void;
}

/**
 * Ends all that is up, in order: listeners, FTP, PPP, sockets, ports, multiplexer, capture; then the module is asked on the bare
 * line whether it is back in command mode, and the line is closed. Resolves with whether the module answered; never
 * rejects: what cannot be ended is told and left.
 */
export async function takeDown({ services, listeners, capture, clock, onEvent }: Standing): Promise<boolean> {
  const { link, sockets, ppp, at, ftp } = services;
  const teardown = new Teardown(clock, onEvent);
  // Pushed in the order in which it was brought up; the last goes first.
  if (capture.isOn) teardown.push('capture', () => capture.stop());
  if (link.multiplexer !== undefined) teardown.push('multiplexer', () => link.closeMultiplexer());
  if (link.client(3) !== undefined) teardown.push('ports', () => link.closePorts());
  if (sockets.sockets !== undefined) teardown.push('sockets', () => sockets.down());
  if (ppp.call !== undefined) teardown.push('ppp', () => ppp.hangUp());
  if (ppp.hasTun) teardown.push('tun', () => ppp.closeTun());
  if (ppp.host !== undefined) teardown.push('packets', () => Promise.resolve());
  if (ftp.running === undefined) await ftp.end();
  else teardown.push('ftp', () => ftp.end());
  for (const listener of listeners) teardown.push('listeners', () => listener.close());
  await teardown.run();
  at.end();
  ppp.end();
  // The line itself comes last: the module is asked on it first whether it is back in command mode.
  const answer = await link.answersAt();
  if (answer !== undefined) onEvent({ type: 'moduleInCommandMode', verified: answer });
  if (link.isLineOurs) teardown.push('line', () => link.closeLine());
  await teardown.run();
  return answer === true;
}
