import type { CircuitCable } from '../circuit-cable.ts';
import type { Circuits } from '../circuits.ts';
import type { Cancel, Clock } from '../clock.ts';
import type { DrivenPort, PortDriver } from '../driven-port.ts';
import { portLostError } from '../port-errors.ts';

/** The part of an open device of `serialport` that is used here. */
export interface SerialDevice {
  readonly isOpen: boolean;
  read(buffer: Buffer, offset: number, length: number): Promise<{ readonly bytesRead: number }>;
  write(buffer: Buffer): Promise<void>;
  set(flags: { dtr: boolean; rts: boolean; brk: boolean }): Promise<void>;
  get(): Promise<{ readonly cts: boolean; readonly dsr: boolean; readonly dcd: boolean }>;
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** Bytes given to the device at a time: `send` of more still resolves only when all were taken. */
const WRITE_BYTES = 16 * 1024;
/** How long after the device was hung up the port ends. */
const HANG_UP_MS = 20;
/** Bytes read at a time. */
const READ_BYTES = 16 * 1024;

/** The device under a serial port. It is read only while the port is not paused; the kernel's buffer then fills up. */
export class SerialDriver implements PortDriver {
  readonly #name: string;
  readonly #device: SerialDevice;
  readonly #clock: Clock;
  readonly #pollMs: number;
  readonly #cable: CircuitCable;
  #port: DrivenPort | undefined;
  #isPaused = false;
  #isReading = false;
  #isReleased = false;
  #wasHungUp = false;
  #circuits = { dtr: true, rts: true, break: false };
  #cancelPoll: Cancel | undefined;

  constructor(name: string, device: SerialDevice, cable: CircuitCable, clock: Clock, pollMs: number) {
    this.#name = name;
    this.#device = device;
    this.#cable = cable;
    this.#clock = clock;
    this.#pollMs = pollMs;
  }

  start(port: DrivenPort): void {
    this.#port = port;
    void this.#read();
    void this.#pollCircuits();
  }

  async write(bytes: Uint8Array): Promise<number> {
    const piece = bytes.subarray(0, WRITE_BYTES);
    try {
      await this.#device.write(Buffer.from(piece.buffer, piece.byteOffset, piece.length));
    } catch (error) {
      throw portLostError(this.#name, error);
    }
    return piece.length;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    void this.#read();
  }

  async setCircuits(change: Partial<Circuits>): Promise<void> {
    const { dtr = this.#circuits.dtr, rts = this.#circuits.rts, break: brk = this.#circuits.break } = change;
    this.#circuits = { dtr, rts, break: brk };
    try {
      await this.#device.set({ dtr, rts, brk });
    } catch {
      // A pty has no circuits: they are kept and told to nobody.
    }
  }

  async close(how: 'inOrder' | 'atOnce'): Promise<void> {
    if (how === 'inOrder') await this.#device.drain().catch(() => undefined);
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#cancelPoll?.();
    if (this.#device.isOpen) await this.#device.close();
  }

  async #read(): Promise<void> {
    if (this.#isReading || this.#isReleased) return;
    this.#isReading = true;
    try {
      while (!this.#isPaused && this.#device.isOpen) {
        const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
        const { bytesRead } = await this.#device.read(buffer, 0, READ_BYTES);
        // A copy, unless it fills the buffer well: a few bytes must not hold on to 16 KiB.
        const chunk = buffer.subarray(0, bytesRead);
        this.#port?.received(
          bytesRead * 2 > READ_BYTES ? new Uint8Array(chunk.buffer, 0, bytesRead) : new Uint8Array(chunk),
        );
      }
    } catch (error) {
      if ((error as { canceled?: boolean }).canceled !== true) this.#port?.failed(portLostError(this.#name, error));
    } finally {
      this.#isReading = false;
    }
  }

  /** `serialport` tells no changes, and of a device that was hung up it reads nothing for ever: so both are asked for. */
  async #pollCircuits(): Promise<void> {
    try {
      const { cts, dsr, dcd } = await this.#device.get();
      this.#cable.change({ cts, dsr, dcd });
    } catch (error) {
      if (error instanceof Error && /input\/output|EIO|no such device/i.test(error.message)) {
        // What was read just before it was hung up is still on its way here.
        if (this.#wasHungUp) {
          this.#port?.failed(portLostError(this.#name, error));
          return;
        }
        this.#wasHungUp = true;
      }
      // A pty has no circuits; it is still asked, since it can be hung up.
    }
    if (!this.#isReleased)
      this.#cancelPoll = this.#clock.after(
        this.#wasHungUp ? HANG_UP_MS : this.#pollMs,
        () => void this.#pollCircuits(),
      );
  }
}
