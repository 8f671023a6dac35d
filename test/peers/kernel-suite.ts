import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Multiplexer, type DlcPort } from '@cellmux/cmux';
import { concatBytes, faultyLine, type FaultyLine, type Port } from '@cellmux/port';
import { captureToFile, type FileCapture } from '@cellmux/port/file';
import { openPty, type PtyPort } from '@cellmux/port/pty';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DLCIS, GsmGuest, MARK, type GsmUse } from './gsm-guest.ts';
import { describeWithPeers } from './peer-programs.ts';
import { pump } from './pump.ts';
import { readCmuxCapture } from './tshark.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
/**
 * n_gsm drops without a word what its tty's 64 KiB cannot take, and its stop (FC) comes when the tty's reader is 4 KiB behind;
 * between the two lies all that is under way in two ptys and a guest that gets no processor time. So no more than this is
 * ever under way on a DLC, as with the window of a TCP.
 */
const WINDOW_BYTES = 24 * KIB;
/** User-mode Linux misses now and then that its line can be written again, until something arrives. */
const POKE_MS = 20;
const SEED = 0x6d6f6465;
/** A busy machine takes ten times as long. */
const LIMIT_MS = 300_000;
/** Before vitest gives up, which tells nothing. */
const BODY_LIMIT_MS = 200_000;

const XOFF = 0x13;
/** Each of a thousand octets or so, both ways. */
const FAULTS = { dropRate: 0.0005, flipRate: 0.0005, insertRate: 0.0005 };
const NO_FAULTS = { dropRate: 0, flipRate: 0, insertRate: 0 };
const DAMAGED_FRAMES = 40;
/** A port that damage has stopped keeps nobody longer. */
const STALL_MS = 1000;
/** The kernel looks for forgotten octets after ten times its T1, which is a second. */
const QUIET_MS = 1500;

interface Run {
  readonly multiplexer: Multiplexer;
  readonly kernel: GsmGuest;
  /** The DLC that the kernel opens, or that is opened now. */
  readonly open: (dlci: number) => Promise<DlcPort>;
  /** The multiplexer's line, and an octet that is no part of a frame on it. */
  readonly near: Port;
  readonly noise: number;
  /** What damages the line, where that is wanted. */
  readonly faulty: FaultyLine | undefined;
}

/** Everything that a port receives, from its opening on. */
class Received {
  readonly #chunks: Uint8Array[] = [];
  #wake: () => void = () => undefined;
  #error: unknown;
  length = 0;

  readonly port: DlcPort;

  constructor(port: DlcPort) {
    this.port = port;
    port.received$.subscribe({
      next: (chunk) => {
        this.#chunks.push(chunk);
        this.length += chunk.length;
        this.#wake();
      },
      error: (error: unknown) => {
        this.#error = error;
        this.#wake();
      },
    });
  }

  bytes(): Uint8Array {
    return concatBytes(this.#chunks);
  }

  async until(isThere: () => boolean): Promise<void> {
    while (!isThere()) {
      if (this.#error !== undefined) throw new Error('the port failed', { cause: this.#error });
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

const lengthOf = (received: readonly Received[]): number => received.reduce((sum, { length }) => sum + length, 0);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The DLCs that the peer opens, by DLCI, each as it comes. */
function incoming(multiplexer: Multiplexer): (dlci: number) => Promise<DlcPort> {
  const arrived: DlcPort[] = [];
  const waiting = new Map<number, (port: DlcPort) => void>();
  multiplexer.incoming$.subscribe((port) => {
    const wanted = waiting.get(port.dlci);
    if (wanted === undefined) arrived.push(port);
    else {
      waiting.delete(port.dlci);
      wanted(port);
    }
  });
  return (dlci) => {
    const index = arrived.findIndex((port) => port.dlci === dlci);
    const port = index < 0 ? undefined : arrived.splice(index, 1)[0];
    return port === undefined ? new Promise((resolve) => waiting.set(dlci, resolve)) : Promise.resolve(port);
  };
}

const PEERS = ['linux.uml', 'gcc', 'perl', 'insmod', 'pppd', 'ping', 'tshark'] as const;

/** All that is tried with the kernel's n_gsm in one role with one option: each is a file, so that all run at once. */
export function describeKernel(kernel: GsmUse['kernel'], option: GsmUse['option']): void {
  describeWithPeers(`the Linux kernel's n_gsm as ${kernel}, ${option} option`, PEERS, () => {
    suite(kernel, option);
  });
}

function suite(kernel: GsmUse['kernel'], option: GsmUse['option']): void {
  const toHost = new Map<number, Uint8Array>(DLCIS.map((dlci) => [dlci, randomBytes(MIB)]));
  let folder: string;
  let line: PtyPort;
  let secondLine: PtyPort;
  let guest: GsmGuest | undefined;
  let capture: FileCapture;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cellmux-capture-'));
    capture = await captureToFile(join(folder, 'line.pcapng'), { pendingLimitBytes: 64 * MIB });
    line = await openPty();
    secondLine = await openPty();
  });

  afterEach(async () => {
    await guest?.stop();
    guest = undefined;
    await line.close();
    await secondLine.close();
    await capture.close();
    rmSync(folder, { recursive: true });
  });

  async function start(use: GsmUse): Promise<GsmGuest> {
    guest = new GsmGuest(line.path, secondLine.path, toHost, use);
    await guest.printed('attached');
    return guest;
  }

  async function run(use: GsmUse, body: (run: Run) => Promise<void>): Promise<void> {
    let faulty: FaultyLine | undefined;
    let near: Port = line;
    if (use.damage === true) {
      faulty = faultyLine({ seed: SEED });
      near = faulty.dte;
      pump(faulty.dce, line);
    }
    const { option, mtu } = use;
    const multiplexer = new Multiplexer(near, {
      role: use.kernel === 'host' ? 'responder' : 'initiator',
      option,
      // The kernel takes XON and XOFF out of frames of the advanced option.
      softwareFlow: option === 'advanced',
      n1: mtu,
      // A guest on a busy machine is slow.
      t1Ms: 2500,
      t2Ms: 2550,
      n2: 10,
    });
    const [lastFrames, lastMessages]: [string[], string[]] = [[], []];
    const tap = capture.capture.tap('cmux', { name: 'line', role: use.kernel === 'host' ? 'dce' : 'dte' });
    multiplexer.onFrame = (direction, frame) => {
      tap[direction](frame);
      const isMessage = ((frame[1] ?? 0) & 0xfc) === 0;
      const list = isMessage ? lastMessages : lastFrames;
      list.push(`${direction} ${Buffer.from(frame.subarray(0, 16)).toString('hex')}`);
      if (list.length > 40) list.shift();
    };
    const opened = incoming(multiplexer);
    // A host opens DLCI 0 as soon as it is there, and not for long.
    const up = use.kernel === 'host' ? multiplexer.start() : undefined;
    up?.catch(() => undefined);
    const kernel = await start(use);
    // Noise to the basic option, which leads this kernel out of any state (zeros would be an address without an end), a flag of the
    // advanced one; in the multiplexer's own queue, so that it never falls into a frame.
    // A damaged octet may be an XON to the kernel, which then stops for good: it takes XON for XOFF, and goes on at XOFF.
    const noise = option === 'basic' ? 0xff : 0x7e;
    const call = option === 'advanced' && use.damage === true ? [noise, XOFF] : [noise];
    let isPoking = false;
    const poke = setInterval(() => {
      if (isPoking) return;
      isPoking = true;
      const done = (): void => {
        isPoking = false;
      };
      near.send(Uint8Array.from(call)).then(done, done);
    }, POKE_MS);
    let limit: NodeJS.Timeout | undefined;
    const overdue = new Promise<never>((_, reject) => {
      limit = setTimeout(() => {
        reject(new Error('it takes too long'));
      }, BODY_LIMIT_MS);
    });
    overdue.catch(() => undefined);
    try {
      await (up ?? multiplexer.start());
      const open = use.kernel === 'host' ? opened : (dlci: number) => multiplexer.open(dlci);
      await Promise.race([body({ multiplexer, kernel, open, near, noise, faulty }), overdue]);
    } catch (error) {
      const state = {
        dlcs: multiplexer.dlcs,
        lastFrames,
        lastMessages,
        counters: multiplexer.counters,
        stored: DLCIS.map((dlci) => kernel.storedBytes(dlci)),
        rounds: kernel.console.match(/peer: .*/g)?.slice(-20),
        line: faulty?.stats,
      };
      throw new Error(`${String(error)}\n${JSON.stringify(state)}\n${kernel.console.slice(-2000)}`, { cause: error });
    } finally {
      clearTimeout(limit);
      clearInterval(poke);
    }
    await near.close({ signal: AbortSignal.abort() });
    expect((await multiplexer.ended).reason).toBe('lineLost');
  }

  /** Opens all three DLCs at both ends. */
  async function openAll({ kernel, open }: Run, round: number): Promise<DlcPort[]> {
    kernel.forget();
    const ports: DlcPort[] = [];
    for (const dlci of DLCIS) {
      kernel.tell(round, `-open-${dlci}`);
      ports.push(await open(dlci));
      await kernel.said(round, dlci, 'open');
    }
    return ports;
  }

  /** Random bytes both ways at once on one DLC, verified at both ends. */
  async function exchange(
    kernel: GsmGuest,
    received: Received,
    round: number,
    bytes: number,
    head: Uint8Array = new Uint8Array(0),
  ): Promise<void> {
    const { port } = received;
    const { dlci } = port;
    const mine = randomBytes(bytes);
    const before = received.length;
    const send = async (): Promise<void> => {
      await port.send(head);
      for (let offset = 0; offset < bytes; offset += 4 * KIB) {
        while (offset - kernel.storedBytes(dlci) > WINDOW_BYTES) await pause(5);
        await port.send(mine.subarray(offset, Math.min(bytes, offset + 4 * KIB)));
      }
    };
    await Promise.all([send(), received.until(() => received.length - before >= bytes)]);
    await kernel.said(round, dlci, 'complete');
    const theirs = toHost.get(dlci)?.subarray(0, bytes) ?? new Uint8Array(0);
    expect(Buffer.compare(received.bytes().subarray(before), theirs), `DLCI ${dlci} from the kernel`).toBe(0);
    expect(Buffer.compare(kernel.stored(dlci), mine), `DLCI ${dlci} at the kernel`).toBe(0);
  }

  async function closeAll(use: GsmUse, kernel: GsmGuest, ports: readonly DlcPort[], round: number): Promise<void> {
    kernel.tell(round, '-done');
    if (use.kernel === 'module') await Promise.all(ports.map((port) => port.close()));
    await Promise.all(DLCIS.map((dlci) => kernel.said(round, dlci, 'closed')));
  }

  /** What tshark says of the run: every frame is there, and none is wrong but the one that is wrong on purpose. */
  async function checkCapture(frames: number): Promise<void> {
    const tap = capture.capture.tap('cmux');
    tap.sent(Uint8Array.of(0xf9, 0x03, 0x3f, 0x01, 0x1d, 0xf9));
    await capture.close();
    expect(capture.capture.dropped).toBe(0);
    const seen = await readCmuxCapture(capture.path);
    expect(seen.frames).toBeGreaterThan(frames);
    expect(seen).toEqual({ frames: capture.capture.recorded, incorrect: [capture.capture.recorded], malformed: [] });
  }

  it.each([127, 31, 512].map((mtu): GsmUse => ({ kernel, option, mtu, bytes: [MIB, 32 * KIB] })))(
    'mtu $mtu: three DLCs carry $bytes bytes each way at once',
    async (use) => {
      await run(use, async (it) => {
        const { multiplexer, kernel } = it;
        for (const [index, bytes] of use.bytes.entries()) {
          const round = index + 1;
          const ports = await openAll(it, round);
          const received = ports.map((port) => new Received(port));
          kernel.tell(round);
          await Promise.all(received.map((one) => exchange(kernel, one, round, bytes)));
          await closeAll(use, kernel, ports, round);
        }
        const { badFcs, badHeader, tooLong, noClosingFlag, noiseOctets } = multiplexer.counters;
        expect({ badFcs, badHeader, tooLong, noClosingFlag, noiseOctets }).toEqual({
          badFcs: 0,
          badHeader: 0,
          tooLong: 0,
          noClosingFlag: 0,
          noiseOctets: 0,
        });
      });
      await checkCapture((6 * (use.bytes[0] ?? 0)) / use.mtu);
    },
    LIMIT_MS,
  );

  if (kernel === 'module' && option === 'basic')
    it(
      'answers no CLD, and nothing after it: the ladder has an end all the same',
      async () => {
        await start({ kernel: 'module', option: 'basic', mtu: 127, bytes: [] });
        const multiplexer = new Multiplexer(line, { t1Ms: 500, t2Ms: 600, n2: 3 });
        await multiplexer.start();
        await multiplexer.close();
        // It marks DLCI 0 as dead before its own DISC is on its way, and then sends nothing any more.
        expect(await multiplexer.ended).toEqual({ reason: 'closedUnanswered' });
      },
      LIMIT_MS,
    );

  if (kernel === 'host')
    it(
      'pppd at both ends of DLCI 1 while the others carry data',
      async () => {
        const use: GsmUse = { kernel, option, mtu: 127, bytes: [128 * KIB], ppp: true };
        await run(use, async (it) => {
          const { kernel } = it;
          const ports = await openAll(it, 1);
          const [call, ...others] = ports;
          if (call === undefined) throw new Error('no port');
          const unjoin = pump(call, secondLine);
          kernel.tell(1);
          await Promise.all([
            kernel.printedAny(/20 packets transmitted, 20 received/),
            ...others.map((port) => exchange(kernel, new Received(port), 1, 128 * KIB)),
          ]);
          kernel.tell(1, '-done');
          // 5: ended by a signal.
          await kernel.said(1, 1, 'pppd exit 5');
          await closeAll(use, kernel, ports, 1);
          unjoin();
        });
        await checkCapture(3000);
      },
      LIMIT_MS,
    );

  it(
    'after damage every DLC works',
    async () => {
      const use: GsmUse = { kernel, option, mtu: 127, bytes: [48 * KIB], damage: true };
      await run(use, async (it) => {
        const { kernel, multiplexer, near, noise, faulty } = it;
        const ports = await openAll(it, 1);
        const received = ports.map((port) => new Received(port));
        kernel.tell(1);
        faulty?.setFaults(FAULTS);
        const damagedFrames = (): number => {
          const { badFcs, badHeader, tooLong, noClosingFlag, aborted } = multiplexer.counters;
          return badFcs + badHeader + tooLong + noClosingFlag + aborted;
        };
        const chat = async (port: DlcPort): Promise<void> => {
          while (damagedFrames() < DAMAGED_FRAMES) {
            await Promise.race([port.send(randomBytes(1000)), pause(STALL_MS)]);
            await pause(20);
          }
        };
        await Promise.all(ports.map(chat));
        faulty?.setFaults(NO_FAULTS);
        kernel.tell(1, '-calm');
        await Promise.all(DLCIS.map((dlci) => kernel.said(1, dlci, 'calm')));
        for (let before = -1; before < lengthOf(received);) {
          before = lengthOf(received);
          await pause(QUIET_MS);
        }
        // What a damaged length makes the kernel wait for; else it could be the three marks.
        await near.send(new Uint8Array(2 * use.mtu).fill(noise));
        kernel.tell(1, '-again');
        await Promise.all(received.map((one) => exchange(kernel, one, 1, 48 * KIB, MARK)));
        await closeAll(use, kernel, ports, 1);
      });
      await checkCapture(100);
    },
    LIMIT_MS,
  );
}
