import { Worker } from 'node:worker_threads';

/** What the reading thread is told. */
export interface TunReaderData {
  readonly koffiPath: string;
  readonly fd: number;
  readonly wakeFd: number;
  /** Cells of {@link READER_CELL}. */
  readonly shared: SharedArrayBuffer;
  /** Octets that are read before they are handed over. */
  readonly batchBytes: number;
  /** Room for one packet. */
  readonly packetBytes: number;
  /** Batches that may wait for the main thread. */
  readonly batchLimit: number;
}

/** Words shared with the reading thread. */
export const READER_CELL = { stop: 0, batchesWaiting: 1 } as const;

/** Packets of one wake: their octets one behind another, and where each begins. */
export interface TunBatch {
  readonly octets: Uint8Array;
  readonly starts: Uint32Array;
}

/**
 * What runs in the thread. Its text is handed to the thread as it stands, so it must not use anything from outside
 * itself. `poll` blocks this thread and no other: neither the main thread nor the pool that file and DNS operations share.
 */
function readTun(
  data: TunReaderData,
  load: (path: string) => unknown,
  post: (message: unknown, transfer: readonly ArrayBuffer[]) => void,
): void {
  interface Koffi {
    load(path: null): { func(declaration: string): (...values: unknown[]) => number };
    errno(): number;
  }
  const [POLLIN, EAGAIN, EINTR, EIO] = [1, 11, 4, 5];
  const [STOP, WAITING] = [0, 1];
  const koffi = load(data.koffiPath) as Koffi;
  const libc = koffi.load(null);
  const poll = libc.func('int poll(void *, unsigned long, int)');
  const read = libc.func('long read(int, void *, size_t)');
  const cells = new Int32Array(data.shared);
  const scratch = new Uint8Array(data.batchBytes + data.packetBytes);
  const starts = new Uint32Array(1024);
  const descriptors = new Int32Array(4);
  const events = new Int16Array(descriptors.buffer);
  descriptors[0] = data.fd;
  descriptors[2] = data.wakeFd;
  for (;;) {
    events[2] = POLLIN;
    events[6] = POLLIN;
    poll(descriptors, 2, -1);
    if (Atomics.load(cells, STOP) !== 0) return;
    let used = 0;
    let count = 0;
    let failure = 0;
    while (count < starts.length && used < data.batchBytes) {
      const octets = read(data.fd, scratch.subarray(used), data.packetBytes);
      if (octets <= 0) {
        const errno = octets < 0 ? koffi.errno() : 0;
        if (errno === EINTR) continue;
        if (errno !== EAGAIN) failure = errno;
        break;
      }
      starts[count++] = used;
      used += octets;
    }
    if (count > 0) {
      const batch = { octets: scratch.slice(0, used), starts: starts.slice(0, count) };
      Atomics.add(cells, WAITING, 1);
      post(batch, [batch.octets.buffer, batch.starts.buffer]);
    }
    if (failure === EIO) {
      // The interface is down, which poll does not wait for.
      Atomics.wait(cells, STOP, 0, 200);
    } else if (failure !== 0) {
      post({ errno: failure }, []);
      return;
    }
    while (Atomics.load(cells, STOP) === 0 && Atomics.load(cells, WAITING) >= data.batchLimit) {
      Atomics.wait(cells, WAITING, Atomics.load(cells, WAITING), 1000);
    }
  }
}

/** Starts the thread. It posts {@link TunBatch}es, and `{ errno }` once when the device is gone. */
export function startTunReader(data: TunReaderData): Worker {
  // Loaders that run TypeScript directly may name inner functions with a helper that the thread does not have.
  const source = `
    const __name = (value) => value;
    const { parentPort, workerData } = require('node:worker_threads');
    (${readTun.toString()})(workerData, require, (message, transfer) => parentPort.postMessage(message, transfer));
  `;
  return new Worker(source, { eval: true, workerData: data, execArgv: [], name: 'cellmux tun' });
}
