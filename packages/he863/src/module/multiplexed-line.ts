import { Multiplexer } from '@cellmux/cmux';
import type { Port } from '@cellmux/port';
import type { He863Module } from './he863-module.ts';
import type { PortSession } from './module-services.ts';
import { LineGate } from './line-gate.ts';

/**
 * Runs the multiplexer's responder on a line, with an AT port on each DLC that the host opens, until the host closes it
 * down, the line dies, or no SABM comes in time. Gives the line back for AT.
 */
export async function multiplex(
  line: Port,
  module: He863Module,
  session: PortSession,
  signal: AbortSignal,
): Promise<Port | undefined> {
  const { clock, checked } = module;
  const multiplexer = new Multiplexer(line, {
    role: 'responder',
    n1: checked.n1,
    dlciCount: checked.dlciCount,
    clock,
  });
  const dlcs = multiplexer.incoming$.subscribe((dlc) => {
    module.openPort(new LineGate(dlc, clock), dlc.dlci);
  });
  const tooLate = new AbortController();
  const cancel = clock.after(checked.cmuxStartMs, () => {
    tooLate.abort(new DOMException('no SABM came', 'TimeoutError'));
  });
  module.carriesMultiplexer(session, true);
  try {
    await multiplexer.start({ signal: AbortSignal.any([tooLate.signal, signal]) });
    cancel();
    module.emit({ type: 'multiplexerStarted', port: line.name });
    const { reason } = await multiplexer.ended;
    module.emit({ type: 'multiplexerEnded', port: line.name, reason });
  } catch {
    module.emit({ type: 'multiplexerEnded', port: line.name, reason: tooLate.signal.aborted ? 'noSabm' : 'lineLost' });
  } finally {
    cancel();
    dlcs.unsubscribe();
  }
  await multiplexer.close();
  module.carriesMultiplexer(session, false);
  return multiplexer.released;
}
