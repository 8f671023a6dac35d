import type { CommandContext, DataPhaseEnd } from '@cellmux/at';
import type { Clock } from '@cellmux/port';
import type { PortSession } from '../module/module-services.ts';
import { ReceiveBuffer } from '../sockets/machine/receive-buffer.ts';
import { OnlineExchange } from '../sockets/online-exchange.ts';
import type { Transport } from '../sockets/transport.ts';

/** Bytes of a file that wait for the port; the rest waits with the server. */
export const TRANSFER_WINDOW_BYTES = 16 * 1024;

const NOTHING = new Uint8Array(0);

/** Options of {@link transferOnline}. */
export interface OnlineTransferOptions {
  readonly context: CommandContext<PortSession>;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly direction: 'toHost' | 'toServer';
}

/**
 * The data phase of #FTPGET, #FTPLIST, #FTPPUT and #FTPAPP: CONNECT, then bytes in one direction until the server or the
 * host has had enough. Gives why it ended; what the host gave is then on its way to the server.
 */
export async function transferOnline({
  context,
  transport,
  clock,
  direction,
}: OnlineTransferOptions): Promise<DataPhaseEnd> {
  const buffer = new ReceiveBuffer();
  let isOver = false;
  const pull = (): void => {
    for (;;) {
      const got = transport.read(TRANSFER_WINDOW_BYTES - buffer.length);
      if (got === undefined) return;
      if (direction === 'toHost') buffer.push(got.bytes);
    }
  };
  // RFC 959 knows no escape sequence: its characters never reach the server.
  const phase = await context.connect(undefined, { forwardEscape: false });
  const exchange = new OnlineExchange({
    phase,
    transport,
    clock,
    pktSz: 1,
    txTo: 0,
    isFinished: () => isOver && buffer.length === 0,
    owner: {
      take: (maximum) => {
        const bytes = buffer.take(maximum);
        if (bytes.length > 0) pull();
        return bytes;
      },
      putBack: () => undefined,
      moved: () => undefined,
      overrun: () => undefined,
      encode: (bytes) => (direction === 'toServer' ? bytes : NOTHING),
      finishEncoding: () => NOTHING,
    },
  });
  const running = exchange.run();
  const over = (): void => {
    isOver = true;
    exchange.wake();
  };
  void transport.closed.then(over);
  transport.start({
    readable: () => {
      pull();
      exchange.wake();
    },
    peerFinished: over,
    broken: over,
    drained: () => {
      exchange.drained();
    },
  });
  return running;
}
