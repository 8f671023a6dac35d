import { VirtualHe863 } from '@cellmux/he863';
import { memoryPair, type AbortOptions, type Port } from '@cellmux/port';
import type { LineName } from '../core/line-name.ts';

/** Rate of a serial device unless it is said, bit/s. */
export const DEFAULT_BAUD_RATE = 115_200;

/** A line, and what goes with it when it is done with. */
export interface OpenLine {
  readonly port: Port;
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
      return { port, close: () => port.close() };
    }
    case 'tcp': {
      const { connectTcp } = await import('@cellmux/port/tcp');
      const port = await connectTcp({ host: line.host, port: line.port, signal });
      return { port, close: () => port.close() };
    }
    case 'virtual': {
      const module = new VirtualHe863();
      const { dte, dce } = memoryPair({ name: 'virtual HE863' });
      module.serve(dce);
      return {
        port: dte,
        close: async () => {
          await dte.close();
          await module.close();
        },
      };
    }
  }
}
