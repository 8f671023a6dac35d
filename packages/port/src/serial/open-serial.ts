import type * as SerialPortPackage from 'serialport';
import { CircuitCable } from '../circuit-cable.ts';
import { systemClock, type Clock } from '../clock.ts';
import { checkInteger, checkOneOf } from '../core/check-option.ts';
import { dependencyMissingError } from '../dependency.ts';
import { DrivenPort } from '../driven-port.ts';
import { checkBacklogLimit } from '../machine-limits.ts';
import type { AbortOptions, Port } from '../port.ts';
import { SerialDriver } from './serial-driver.ts';
import { serialOpenError } from './serial-errors.ts';

/** Options of {@link openSerial}. */
export interface OpenSerialOptions extends AbortOptions {
  /** The device, `/dev/ttyUSB0` or `COM3`. */
  readonly path: string;
  /** Bits a second, 50 to 12000000; default 115200. */
  readonly baudRate?: number;
  /** Hardware flow control: then `pause()` reaches the far side, through RTS. Default false. */
  readonly rtscts?: boolean;
  /** Default 8. */
  readonly dataBits?: 5 | 6 | 7 | 8;
  /** Default `none`. */
  readonly parity?: 'none' | 'even' | 'odd';
  /** Default 1. */
  readonly stopBits?: 1 | 2;
  /** Keeps other programs off the device; default true. */
  readonly lock?: boolean;
  /** How often CTS, DSR and DCD are asked for, 10 to 60000 ms; default 100. */
  readonly circuitsPollMs?: number;
  /** Backlog in bytes, 131072 to 2^30; default 262144. */
  readonly backlogLimitBytes?: number;
  readonly clock?: Clock;
}

/**
 * Opens a serial device as a port, the terminal's end (DTE), with DTR and RTS on. Without `rtscts`, `pause()` only stops
 * reading: the kernel keeps some KiB, and what comes after that is lost. RI cannot be read through `serialport`.
 *
 * Rejects with `ERR_PORT_NOT_FOUND`, `ERR_PORT_BUSY`, `ERR_PORT_PERMISSION`, `ERR_PORT_NOT_A_DEVICE`,
 * `ERR_PORT_OPEN_FAILED`, `ERR_PORT_DEPENDENCY_MISSING` (serialport), `ERR_OPTION_RANGE`, or the signal's reason.
 */
export async function openSerial(options: OpenSerialOptions): Promise<Port> {
  const { path, rtscts = false, lock = true, signal, clock = systemClock } = options;
  const settings = {
    path,
    rtscts,
    lock,
    baudRate: checkInteger('baudRate', options.baudRate ?? 115_200, 50, 12_000_000),
    dataBits: checkOneOf('dataBits', options.dataBits ?? 8, [5, 6, 7, 8]),
    parity: checkOneOf('parity', options.parity ?? 'none', ['none', 'even', 'odd']),
    stopBits: checkOneOf('stopBits', options.stopBits ?? 1, [1, 2]),
  };
  const circuitsPollMs = checkInteger('circuitsPollMs', options.circuitsPollMs ?? 100, 10, 60_000);
  const backlogLimitBytes = checkBacklogLimit(options.backlogLimitBytes);
  signal?.throwIfAborted();
  let serialport: typeof SerialPortPackage;
  try {
    serialport = await import('serialport');
  } catch (error) {
    throw dependencyMissingError('serialport', 'A serial device', error);
  }
  let device;
  try {
    device = await serialport.SerialPort.binding.open(settings);
  } catch (error) {
    throw serialOpenError(path, error);
  }
  if (signal?.aborted === true) {
    await device.close();
    throw signal.reason;
  }
  const cable = new CircuitCable();
  const driver = new SerialDriver(path, device, cable, clock, circuitsPollMs);
  const port = new DrivenPort({ name: path, role: 'dte', driver, cable, clock, backlogLimitBytes });
  driver.start(port);
  return port;
}
