import { createRequire } from 'node:module';
import type * as SerialPortPackage from 'serialport';
import { dependencyMissingError } from '../dependency.ts';
import type { Port } from '../port.ts';
import { PortBinding } from './port-binding.ts';

/** Options of {@link asSerialPort}. */
export interface SerialPortViewOptions {
  /** What `baudRate` says, for code that asks; a port has none of its own. Default 115200. */
  readonly baudRate?: number;
  /** Bytes that the stream holds; default 65536, as serialport has it. */
  readonly highWaterMark?: number;
  /** Emits `end` after `close`, for code that waits for it; default false, as serialport has it. */
  readonly endOnClose?: boolean;
}

/**
 * A genuine `SerialPort` of the package `serialport` over a port, for existing code and parsers: it opens by itself,
 * `set` and `get` drive and read the port's circuits, `drain` waits for what was written, `close` closes the port. When
 * the port ends it emits `close` with an error whose `disconnected` is true, as for a device that is unplugged.
 *
 * @throws CellmuxError `ERR_PORT_DEPENDENCY_MISSING` when `serialport` is not installed.
 */
export function asSerialPort(port: Port, options: SerialPortViewOptions = {}): SerialPortPackage.SerialPort {
  let serialport: typeof SerialPortPackage;
  try {
    // Loaded only here, and in time for a result that is not a promise.
    serialport = createRequire(import.meta.url)('serialport') as typeof SerialPortPackage;
  } catch (error) {
    throw dependencyMissingError('serialport', 'asSerialPort', error);
  }
  const { baudRate = 115_200, ...rest } = options;
  let binding: PortBinding | undefined;
  const bindings = {
    list: () => Promise.resolve([]),
    open: ({ baudRate: wanted }: { baudRate: number }) => {
      if (port.isClosed) return Promise.reject(new Error(`Opening ${port.name}: it is closed`));
      binding ??= new PortBinding(port, wanted);
      return Promise.resolve(binding);
    },
  };
  // Its options have no `binding`, but it takes one: that is what makes it a genuine SerialPort on another device.
  const settings = { ...rest, path: port.name, baudRate, binding: bindings };
  return new serialport.SerialPort(settings);
}
