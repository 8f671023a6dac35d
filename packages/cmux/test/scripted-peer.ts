import { fromHex, memoryPair, type MemoryPair } from '@cellmux/port';
import { VirtualClock } from '@cellmux/port/testing';
import { CONTROL, POLL_FINAL } from '../src/core/control-field.ts';
import { decodeFrames, type DecodedFrame } from '../src/core/decode-frames.ts';
import { describeFrame } from '../src/core/describe-frame.ts';
import { addressOf, encodeBasicFrame } from '../src/core/frame-encoder.ts';
import { Multiplexer } from '../src/multiplexer.ts';
import type { MultiplexerOptions } from '../src/multiplexer-options.ts';

/** A module in a test's hands: what the host sends is there to look at, and it answers what the test says. */
export class ScriptedPeer {
  readonly clock = new VirtualClock();
  readonly line: MemoryPair;
  readonly host: Multiplexer;
  /** Frames that the host has sent and the test has not taken. */
  #frames: DecodedFrame[] = [];

  constructor(options: MultiplexerOptions = {}) {
    this.line = memoryPair();
    this.host = new Multiplexer(this.line.dte, { clock: this.clock, ...options });
    this.line.dce.received$.subscribe((chunk) => {
      const { items } = decodeFrames(chunk);
      this.#frames.push(...items.filter((item) => item.kind === 'frame'));
    });
  }

  /** What the host has sent since this was last called, in words. */
  async heard(): Promise<string[]> {
    await this.clock.advance(0);
    return this.#frames.splice(0).map(describeFrame);
  }

  /** Sends octets given as hex digits. */
  async raw(hex: string): Promise<void> {
    await this.octets(fromHex(hex) ?? new Uint8Array());
  }

  /** Sends an unnumbered frame as a responder does. */
  async say(type: 'SABM' | 'UA' | 'DM' | 'DISC', dlci: number): Promise<void> {
    const isResponse = type === 'UA' || type === 'DM';
    const address = addressOf(dlci, isResponse ? 1 : 0);
    await this.octets(encodeBasicFrame(address, CONTROL[type] | POLL_FINAL, new Uint8Array()));
  }

  /** Sends information in UIH. */
  async data(dlci: number, info: Uint8Array | string): Promise<void> {
    const octets = typeof info === 'string' ? (fromHex(info) ?? new Uint8Array()) : info;
    await this.octets(encodeBasicFrame(addressOf(dlci, 0), CONTROL.UIH, octets));
  }

  /** Brings the link up. */
  async up(): Promise<void> {
    const started = this.host.start();
    await this.clock.advance(0);
    await this.say('UA', 0);
    await this.clock.run(started);
    await this.heard();
  }

  /** Sends octets as they are. */
  async octets(octets: Uint8Array): Promise<void> {
    await this.line.dce.send(octets);
    await this.clock.advance(0);
  }
}
