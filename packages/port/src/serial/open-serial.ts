import type { SerialPort } from 'serialport';
import type { Circuits } from '../circuits.ts';
import { systemClock, type Cancel, type Clock } from '../clock.ts';
import { CellmuxError } from '../core/cellmux-error.ts';
import { checkInteger } from '../core/check-option.ts';
import { DrivenPort, type PortDriver } from '../driven-port.ts';
import { optionalPeer } from '../optional-peer.ts';
import type { Port } from '../port.ts';

/** The most octets given to the device at once. */
const WRITE_LIMIT_BYTES = 4096;

/** Options of {@link openSerial}. */
export interface OpenSerialOptions {
  /** The device, for example `/dev/ttyUSB0` or `COM3`. */
  readonly path: string;
  /** 50 to 10 000 000 Bd, default 115200. */
  readonly baudRate?: number;
  /** Flow control by RTS and CTS; default true. Give false for a device without these lines. */
  readonly rtscts?: boolean;
  /** How often DCD, DSR and CTS are read, in ms, 10 to 10 000; default 100. Devices do not tell when they change. */
  readonly circuitPollMs?: number;
  /** See `Port.received$`. */
  readonly backlogLimitBytes?: number;
  readonly clock?: Clock;
}

class SerialDriver implements PortDriver {
  readonly #device: SerialPort;
  stopPolling: Cancel = () => undefined;

  constructor(device: SerialPort) {
    this.#device = device;
  }

  write(bytes: Uint8Array): Promise<number> {
    const count = Math.min(bytes.length, WRITE_LIMIT_BYTES);
    return new Promise((resolve, reject) => {
      this.#device.write(Buffer.from(bytes.subarray(0, count)), undefined, (error) => {
        if (error instanceof Error) reject(error);
        else resolve(count);
      });
    });
  }

  pause(): void {
    // The stream stops reading; with rtscts the system then drops RTS when its own buffer is full.
    this.#device.pause();
  }

  resume(): void {
    this.#device.resume();
  }

  setCircuits({ dtr, rts, break: brk }: Partial<Circuits>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#device.set(
        { ...(dtr !== undefined && { dtr }), ...(rts !== undefined && { rts }), ...(brk !== undefined && { brk }) },
        (error) => {
          if (error === null) resolve();
          else reject(error);
        },
      );
    });
  }

  async close(how: 'inOrder' | 'atOnce'): Promise<void> {
    this.stopPolling();
    if (!this.#device.isOpen) return;
    if (how === 'inOrder') {
      await new Promise<void>((resolve) => {
        this.#device.drain(() => {
          resolve();
        });
      });
    }
    await new Promise<void>((resolve) => {
      this.#device.close(() => {
        resolve();
      });
    });
  }
}

function openError(path: string, cause: Error): CellmuxError {
  const kinds: readonly (readonly [RegExp, string, string])[] = [
    [/no such file|ENOENT|cannot find/i, 'ERR_PORT_NOT_FOUND', 'Check the name; is the module plugged in and powered?'],
    [
      /permission|EACCES|access denied/i,
      'ERR_PORT_PERMISSION',
      'Add yourself to the group of the device (often dialout).',
    ],
    [/lock|busy|EBUSY|EAGAIN/i, 'ERR_PORT_BUSY', 'Another program has the device open: end it first.'],
  ];
  const [, code, hint] = kinds.find(([pattern]) => pattern.test(cause.message)) ?? [
    undefined,
    'ERR_PORT_OPEN_FAILED',
    'Is it a serial device?',
  ];
  return new CellmuxError(code, `cannot open ${path}: ${cause.message}`, { cause, hint, context: { path } });
}

/**
 * Opens a serial device as a Port, the terminal's end. Needs the package `serialport`.
 *
 * Rejects with `ERR_PORT_NOT_FOUND`, `ERR_PORT_PERMISSION`, `ERR_PORT_BUSY` or `ERR_PORT_OPEN_FAILED`, each with a hint,
 * and with `ERR_PORT_DEPENDENCY_MISSING` without the package. A device that is unplugged ends the port with
 * `ERR_PORT_LOST`.
 */
export async function openSerial(options: OpenSerialOptions): Promise<Port> {
  const { path, rtscts = true, clock = systemClock } = options;
  const baudRate = checkInteger('baudRate', options.baudRate ?? 115200, 50, 10_000_000);
  const circuitPollMs = checkInteger('circuitPollMs', options.circuitPollMs ?? 100, 10, 10_000);
  const { SerialPort } = await optionalPeer('serialport', () => import('serialport'));
  const device = new SerialPort({ path, baudRate, rtscts, autoOpen: false });
  await new Promise<void>((resolve, reject) => {
    device.open((error) => {
      if (error === null) resolve();
      else reject(openError(path, error));
    });
  });
  const driver = new SerialDriver(device);
  const { backlogLimitBytes } = options;
  const port = new DrivenPort({ name: path, role: 'dte', driver, clock, backlogLimitBytes });
  device.on('data', (chunk: Buffer) => {
    // The device's pool is shared by later reads of the same block; a chunk must stay as it is.
    port.received(new Uint8Array(chunk));
  });
  device.on('close', (error: Error | null) => {
    if (error === null) port.ended();
    else port.failed(lost(path, error));
  });
  device.on('error', (error: Error) => {
    port.failed(lost(path, error));
  });
  const poll = (): void => {
    device.get((error, status) => {
      // A pty has no such lines: what was set is all there is to know.
      if (error !== null || status === undefined || port.isClosed) return;
      port.circuitsChanged({ cts: status.cts, dsr: status.dsr, dcd: status.dcd });
      driver.stopPolling = clock.after(circuitPollMs, poll);
    });
  };
  poll();
  return port;
}

function lost(path: string, cause: Error): CellmuxError {
  return new CellmuxError('ERR_PORT_LOST', `${path} was lost: ${cause.message}`, {
    cause,
    hint: 'Was the module unplugged or reset?',
    context: { path },
  });
}
