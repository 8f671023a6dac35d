import { closeSync, readSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { CircuitCable } from '../circuit-cable.ts';
import { IDLE_CIRCUITS, type PortRole } from '../circuits.ts';
import type { Cancel, Clock } from '../clock.ts';
import { DrivenPort, type PortDriver } from '../driven-port.ts';
import type { Port } from '../port.ts';
import { portLostError } from '../port-errors.ts';
import { removeDeviceLink } from './device-link.ts';
import { openingsAndClosings, type Libc } from './libc.ts';

/** Bytes given to the kernel at a time; it takes some 4 to 13 KiB of them. */
const WRITE_BYTES = 64 * 1024;
/** How soon a full pty is tried again: doubled from the first to the last, since nothing tells when there is room. */
const RETRY_MS = { first: 1, last: 8 };
/** How often is looked whether a program has opened or closed the device. */
const WATCH_MS = 100;

/** A pty that this program made: the port is its master, {@link path} is what other programs open. */
export interface PtyPort extends Port {
  /** The slave device, `/dev/pts/7`. */
  readonly path: string;
  /** The symbolic link to it, if one was asked for. */
  readonly link: string | undefined;
}

/** What a {@link PtyDriver} works on. */
export interface PtyFiles {
  readonly name: string;
  readonly path: string;
  readonly link: string | undefined;
  readonly master: number;
  /** Kept open, so that the master outlives the programs that come and go. */
  readonly slave: number;
  /** From {@link Libc.watch}. */
  readonly watch: number;
  readonly libc: Libc;
  readonly clock: Clock;
}

class PtyDriver implements PortDriver {
  readonly #files: PtyFiles;
  readonly #stream: ReadStream;
  readonly #cable: CircuitCable;
  readonly #events = Buffer.alloc(4096);
  #openCount = 0;
  #cancelWatch: Cancel;
  #cancelRetry: Cancel | undefined;
  #isReleased = false;

  constructor(files: PtyFiles, cable: CircuitCable) {
    this.#files = files;
    this.#cable = cable;
    // Owns the master from here on and closes it.
    this.#stream = new ReadStream(files.master);
    this.#cancelWatch = files.clock.after(WATCH_MS, this.#look);
  }

  start(port: DrivenPort): void {
    this.#stream.on('data', (chunk) => {
      // The program's DTR is on before its first byte.
      if (this.#openCount === 0) this.#readEvents();
      port.received(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
    });
    this.#stream.on('error', (error) => {
      port.failed(portLostError(this.#files.name, error));
    });
    this.#stream.on('end', () => {
      port.ended();
    });
  }

  write(bytes: Uint8Array): number | Promise<number> {
    return this.#tryWrite(bytes) || this.#writeLater(bytes, RETRY_MS.first);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  async close(how: 'inOrder' | 'atOnce'): Promise<void> {
    if (how === 'inOrder') await this.#readByAll();
    this.#release();
  }

  #tryWrite(bytes: Uint8Array): number {
    try {
      return writeSync(this.#files.master, bytes, 0, Math.min(bytes.length, WRITE_BYTES));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
      throw portLostError(this.#files.name, error);
    }
  }

  #writeLater(bytes: Uint8Array, delayMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const retry = (nextMs: number): void => {
        this.#cancelRetry = this.#files.clock.after(nextMs, () => {
          try {
            const octets = this.#tryWrite(bytes);
            if (octets > 0) resolve(octets);
            else retry(Math.min(nextMs * 2, RETRY_MS.last));
          } catch (error) {
            reject(error);
          }
        });
      };
      retry(delayMs);
    });
  }

  /** A master that closes takes with it what the slave's reader has not read: it is waited for, if there is one. */
  #readByAll(): Promise<void> {
    this.#readEvents();
    return new Promise((resolve) => {
      let emptyLooks = 0;
      const look = (): void => {
        if (this.#isReleased) {
          resolve();
          return;
        }
        emptyLooks = this.#files.libc.unreadOctets(this.#files.slave) === 0 ? emptyLooks + 1 : 0;
        // What was written a moment ago is on its way from one kernel buffer to the next, and in neither count.
        if (this.#openCount === 0 || emptyLooks > 2) resolve();
        else this.#cancelRetry = this.#files.clock.after(RETRY_MS.last, look);
      };
      look();
    });
  }

  readonly #look = (): void => {
    this.#readEvents();
    this.#cancelWatch = this.#files.clock.after(WATCH_MS, this.#look);
  };

  #readEvents(): void {
    for (;;) {
      let length: number;
      try {
        length = readSync(this.#files.watch, this.#events);
      } catch {
        // EAGAIN: nothing more has happened.
        return;
      }
      for (const change of openingsAndClosings(this.#events.subarray(0, length))) this.#openedOrClosed(change);
    }
  }

  #openedOrClosed(change: 1 | -1): void {
    this.#openCount = Math.max(0, this.#openCount + change);
    if (this.#openCount === 0) {
      // The next program is to find the device as the first one did.
      this.#files.libc.endExclusive(this.#files.slave);
      this.#files.libc.makeRaw(this.#files.slave);
    }
    this.#cable.change({ dtr: this.#openCount > 0, rts: this.#openCount > 0 });
  }

  #release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#cancelWatch();
    this.#cancelRetry?.();
    this.#stream.destroy();
    closeSync(this.#files.slave);
    closeSync(this.#files.watch);
    if (this.#files.link !== undefined) removeDeviceLink(this.#files.link, this.#files.path);
  }
}

/** The port over an open pty. */
export function ptyPort(files: PtyFiles, role: PortRole, backlogLimitBytes: number): PtyPort {
  const cable = new CircuitCable({ ...IDLE_CIRCUITS, dtr: false, rts: false });
  const driver = new PtyDriver(files, cable);
  const { name, path, link, clock } = files;
  const port = new DrivenPort({ name, role, driver, cable, clock, backlogLimitBytes });
  driver.start(port);
  return Object.assign(port, { path, link });
}
