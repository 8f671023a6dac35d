import {
  chmodSync,
  closeSync,
  constants,
  lstatSync,
  openSync,
  readlinkSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { ReadStream } from 'node:tty';
import type { PortRole } from '../circuits.ts';
import { systemClock, type Clock } from '../clock.ts';
import { CellmuxError } from '../core/cellmux-error.ts';
import { DrivenPort, type PortDriver } from '../driven-port.ts';
import type { Port } from '../port.ts';
import { ptyCalls, type PtyCalls } from './libc.ts';

/** How soon a full pty is tried again: at 921600 Bd, what a reader takes of a buffer meanwhile is some hundred octets. */
const FULL_RETRY_MS = 3;

/** Options of {@link openPty}. */
export interface OpenPtyOptions {
  /** A symbolic link to the device is made here, and removed on close. One that is there already is replaced. */
  readonly link?: string;
  /** Permissions of the device; default 0o600, the owner only. */
  readonly mode?: number;
  /** Which end of the line this is: default `dce`, for a program that opens the device as a terminal would. */
  readonly role?: PortRole;
  /** See `Port.received$`. */
  readonly backlogLimitBytes?: number;
  readonly clock?: Clock;
}

/** A pty of our own: we hold the master, another program opens {@link path} as if it were a serial device. */
export interface PtyPort extends Port {
  /** The device for the other program, for example `/dev/pts/7`. */
  readonly path: string;
  /** The symbolic link, where one was asked for. */
  readonly link: string | undefined;
}

class PtyDriver implements PortDriver {
  readonly #master: ReadStream;
  readonly #masterFd: number;
  readonly #slaveFd: number;
  readonly #calls: PtyCalls;
  readonly #clock: Clock;
  readonly #cleanUp: () => void;
  #isOver = false;

  constructor(
    master: { readonly stream: ReadStream; readonly fd: number },
    slaveFd: number,
    calls: PtyCalls,
    clock: Clock,
    cleanUp: () => void,
  ) {
    this.#master = master.stream;
    this.#masterFd = master.fd;
    this.#slaveFd = slaveFd;
    this.#calls = calls;
    this.#clock = clock;
    this.#cleanUp = cleanUp;
  }

  /**
   * The master does not block, and a stream would: the event loop must not stand still because a program has opened the
   * device and does not read. So a full buffer is asked again a little later.
   */
  async write(bytes: Uint8Array): Promise<number> {
    while (!this.#isOver) {
      try {
        const count = writeSync(this.#masterFd, bytes, 0, bytes.length);
        if (count > 0) return count;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      }
      await this.#wait(FULL_RETRY_MS);
    }
    return 0;
  }

  pause(): void {
    this.#master.pause();
  }

  resume(): void {
    this.#master.resume();
  }

  async close(how: 'inOrder' | 'atOnce'): Promise<void> {
    if (this.#isOver) return;
    // Closing the master hangs the device up, and what its reader has not taken would be gone.
    while (how === 'inOrder' && !this.#isOver && this.#calls.unreadBytes(this.#slaveFd) > 0) await this.#wait(10);
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cleanUp();
    this.#master.destroy();
    closeSync(this.#slaveFd);
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.after(ms, resolve);
    });
  }
}

class Pty extends DrivenPort implements PtyPort {
  readonly path: string;
  readonly link: string | undefined;

  constructor(path: string, link: string | undefined, options: ConstructorParameters<typeof DrivenPort>[0]) {
    super(options);
    this.path = path;
    this.link = link;
  }
}

function makeLink(link: string, path: string): void {
  const old = lstatSync(link, { throwIfNoEntry: false });
  if (old !== undefined && !old.isSymbolicLink()) {
    throw new CellmuxError('ERR_PORT_LINK_TAKEN', `${link} exists and is not a symbolic link`, {
      hint: 'Choose another name, or move that file away.',
      context: { link },
    });
  }
  if (old !== undefined) unlinkSync(link);
  symlinkSync(path, link);
}

function removeLink(link: string, path: string): void {
  try {
    if (readlinkSync(link) === path) unlinkSync(link);
  } catch {
    // Somebody removed it before us.
  }
}

/**
 * Makes a pty, raw and without echo: a serial device for another program, with a Port on our side. It outlives programs
 * that open and close it. A pty has no circuits. Needs the package `koffi`; Linux only.
 *
 * Rejects with `ERR_PORT_PTY`, `ERR_PORT_LINK_TAKEN`, `ERR_PORT_DEPENDENCY_MISSING`.
 */
export async function openPty(options: OpenPtyOptions = {}): Promise<PtyPort> {
  const { link, mode = 0o600, role = 'dce', clock = systemClock, backlogLimitBytes } = options;
  const calls = await ptyCalls();
  const fd = calls.openMaster(constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  const path = calls.slavePath(fd);
  // Held open: without any reader of the device the master would end with EIO when a program closes it.
  const slaveFd = openSync(path, constants.O_RDWR | constants.O_NOCTTY);
  try {
    calls.makeRaw(slaveFd);
    chmodSync(path, mode);
    if (link !== undefined) makeLink(link, path);
  } catch (error) {
    closeSync(slaveFd);
    closeSync(fd);
    throw error;
  }
  const stream = new ReadStream(fd);
  const cleanUp = (): void => {
    if (link !== undefined) removeLink(link, path);
  };
  const driver = new PtyDriver({ stream, fd }, slaveFd, calls, clock, cleanUp);
  const port = new Pty(path, link, { name: link ?? path, role, driver, clock, backlogLimitBytes });
  stream.on('data', (chunk: Buffer) => {
    port.received(new Uint8Array(chunk));
  });
  stream.on('error', (error) => {
    port.failed(new CellmuxError('ERR_PORT_LOST', `${port.name} was lost: ${error.message}`, { cause: error }));
  });
  stream.on('close', () => {
    port.ended();
  });
  return port;
}
