import type { Socket } from 'node:net';
import type { PortRole } from '../circuits.ts';
import { systemClock, type Clock } from '../clock.ts';
import { DrivenPort, type PortDriver } from '../driven-port.ts';
import { MACHINE_BACKLOG_LIMIT_BYTES } from '../machine-limits.ts';
import type { Port } from '../port.ts';
import { portLostError } from '../port-errors.ts';

/** Bytes given to the system at a time. */
const WRITE_BYTES = 64 * 1024;
/** How long a socket that was closed here waits for the peer to close too; nobody waits for that. */
const GOODBYE_MS = 1000;

/** Options of {@link socketPort}. */
export interface SocketPortOptions {
  readonly name: string;
  readonly role: PortRole;
  readonly clock?: Clock | undefined;
  readonly backlogLimitBytes?: number | undefined;
}

/** A port over a connected socket. The socket must allow half-open connections: what is queued outlives the peer's FIN. */
export function socketPort(socket: Socket, options: SocketPortOptions): Port {
  const clock = options.clock ?? systemClock;
  let isGoodbyeSaid = false;
  const driver: PortDriver = {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        const piece = bytes.subarray(0, WRITE_BYTES);
        socket.write(piece, (error) => {
          if (error) reject(portLostError(options.name, error));
          else resolve(piece.length);
        });
      }),
    pause: () => {
      socket.pause();
    },
    resume: () => {
      socket.resume();
    },
    close: (how) => {
      if (isGoodbyeSaid) return undefined;
      if (how === 'atOnce') {
        socket.destroy();
        return undefined;
      }
      return new Promise((resolve) => {
        socket.end(() => {
          isGoodbyeSaid = true;
          // A socket that is closed with bytes unread resets the connection, and the peer then loses what it has not
          // read yet: its own goodbye is waited for, what it still sends is dropped.
          const cancel = clock.after(GOODBYE_MS, () => socket.destroy());
          socket.once('close', cancel);
          socket.once('end', () => socket.destroy());
          if (socket.readableEnded) socket.destroy();
          socket.resume();
          resolve();
        });
      });
    },
  };
  const port = new DrivenPort({
    ...options,
    driver,
    backlogLimitBytes: options.backlogLimitBytes ?? MACHINE_BACKLOG_LIMIT_BYTES,
  });
  socket.setNoDelay(true);
  socket.on('data', (chunk) => {
    port.received(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
  });
  socket.on('end', () => {
    port.farSideEnded();
  });
  socket.on('error', (error) => {
    port.failed(portLostError(options.name, error));
  });
  socket.on('close', () => {
    port.ended();
  });
  return port;
}
