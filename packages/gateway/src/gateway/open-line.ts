import { VirtualHe863 } from '@cellmux/he863';
import { CellmuxError, memoryPair, type AbortOptions, type Port } from '@cellmux/port';
import type { LineName } from '../core/line-name.ts';
import type { GatewayOptions } from './gateway-options.ts';

/** Rate of a serial device unless it is said, bit/s. */
export const DEFAULT_BAUD_RATE = 115_200;

/** A line, and what goes with it when it is done with. */
export interface OpenLine {
  readonly port: Port;
  /** False where it is somebody else's, who closes it. */
  readonly isOurs?: boolean;
  close(): Promise<void>;
}

/** How a line is opened. */
export interface LineOptions extends AbortOptions {
  /** Of a serial device, bit/s; default 115200. */
  readonly baudRate?: number | undefined;
  /** RTS/CTS of a serial device; default true. */
  readonly rtscts?: boolean | undefined;
}

/** Opens a line by its name. Rejects with the transport's own error, `ERR_PORT_…`. */
export async function openLine(line: LineName, options: LineOptions = {}): Promise<OpenLine> {
  const { baudRate = DEFAULT_BAUD_RATE, rtscts = true, signal } = options;
  switch (line.kind) {
    case 'serial': {
      // Loaded when it is needed: it brings a native library, which a line of another kind can do without.
      const { openSerial } = await import('@cellmux/port/serial');
      const port = await openSerial({ path: line.path, baudRate, rtscts, signal });
      return { port, isOurs: true, close: () => port.close() };
    }
    case 'tcp': {
      const { connectTcp } = await import('@cellmux/port/tcp');
      const port = await connectTcp({ host: line.host, port: line.port, signal });
      return { port, isOurs: true, close: () => port.close() };
    }
    case 'virtual': {
      const module = new VirtualHe863();
      const { dte, dce } = memoryPair({ name: 'virtual HE863' });
      module.serve(dce);
      return {
        port: dte,
        isOurs: true,
        close: async () => {
          await dte.close();
          await module.close();
        },
      };
    }
  }
}

/**
 * What opens the line of a gateway, again and again. A Port that was handed in is given once; asked for again while it is
 * closed, it rejects with `ERR_GATEWAY_LINE_NOT_REOPENED`.
 */
export function lineOpener({
  line,
  baudRate,
  rtscts,
}: Pick<GatewayOptions, 'line' | 'baudRate' | 'rtscts'>): (signal: AbortSignal) => Promise<OpenLine> {
  if (typeof line === 'function') {
    return async (signal) => ({ isOurs: true, ...(await line({ signal })) });
  }
  if ('kind' in line) return (signal) => openLine(line, { baudRate, rtscts, signal });
  return () => {
    if (!line.isClosed) return Promise.resolve({ port: line, isOurs: false, close: () => Promise.resolve() });
    return Promise.reject(
      new CellmuxError('ERR_GATEWAY_LINE_NOT_REOPENED', `${line.name} is lost, and this program cannot open it again`, {
        hint: 'Give a device, an address or a function that opens the line instead of a Port that is open.',
      }),
    );
  };
}
