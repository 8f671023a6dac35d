import {
  addressOf,
  advancedFrameLimit,
  CONTROL,
  encodeAdvanced,
  encodeBasicFrame,
  encodeMessage,
  MESSAGE,
  POLL_FINAL,
  SUPERVISORY,
  type MessageType,
} from '@cellmux/cmux';
import { concatBytes } from '@cellmux/port';
import type { FuzzRandom } from './fuzz-random.ts';

const MESSAGES = Object.keys(MESSAGE) as MessageType[];
const NOTHING = new Uint8Array(0);

/** What a peer may say that has read the standard, holds to none of it, and knows how to write an FCS. */
export class HostileFrames {
  readonly #random: FuzzRandom;
  readonly #option: 'basic' | 'advanced';
  /** C/R of what the peer commands, mostly. */
  readonly #commandBit: 0 | 1;

  constructor(random: FuzzRandom, option: 'basic' | 'advanced', isInitiator: boolean) {
    this.#random = random;
    this.#option = option;
    this.#commandBit = isInitiator ? 1 : 0;
  }

  /** An unnumbered frame without information. */
  unnumbered(type: 'SABM' | 'UA' | 'DM' | 'DISC', dlci: number): Uint8Array {
    const isCommand = type === 'SABM' || type === 'DISC';
    return this.frame(addressOf(dlci, this.#bit(isCommand)), CONTROL[type] | POLL_FINAL, NOTHING);
  }

  /** Any frame; several messages, now and then, where it is for the control channel. */
  any(): Uint8Array {
    const random = this.#random;
    const dlci = random.chance(0.4) ? 0 : random.chance(0.9) ? random.between(1, 4) : random.below(64);
    const address = addressOf(dlci, this.#bit(random.chance(0.7)));
    const kind = random.below(20);
    if (kind < 2) return this.unnumbered('SABM', dlci);
    if (kind < 4)
      return this.unnumbered(random.oneOf(['UA', 'DM', 'DISC']), random.chance(0.9) ? random.below(5) : dlci);
    if (kind < 7 && this.#option === 'advanced') return this.#numbered(address);
    if (kind === 7) return this.frame(address, random.below(256), random.octets(random.below(4)).slice());
    const info = dlci === 0 ? this.#messages() : random.octets(random.below(40)).slice();
    return this.frame(address, random.chance(0.9) ? CONTROL.UIH : CONTROL.UI, info);
  }

  frame(address: number, control: number, info: Uint8Array): Uint8Array {
    if (this.#option === 'basic') return encodeBasicFrame(address, control, info);
    const out = new Uint8Array(advancedFrameLimit(info.length));
    return out.slice(0, encodeAdvanced(out, 0, address, control, info, 0, info.length));
  }

  #numbered(address: number): Uint8Array {
    const random = this.#random;
    const poll = random.chance(0.3) ? POLL_FINAL : 0;
    const nr = random.below(8) << 5;
    if (random.chance(0.5)) {
      const info = random.octets(random.below(40)).slice();
      return this.frame(address, (random.below(8) << 1) | nr | poll, info);
    }
    return this.frame(address, SUPERVISORY[random.oneOf(['RR', 'RNR', 'REJ'] as const)] | nr | poll, NOTHING);
  }

  #messages(): Uint8Array {
    const random = this.#random;
    const messages = Array.from({ length: random.chance(0.8) ? 1 : random.between(2, 5) }, () => this.#message());
    const all = concatBytes(messages);
    return random.chance(0.05) ? all.subarray(0, random.below(all.length + 1)) : all;
  }

  #message(): Uint8Array {
    const random = this.#random;
    const type = random.oneOf(MESSAGES);
    const octets = encodeMessage(type, random.chance(0.7), this.#value(type));
    if (random.chance(0.05)) octets[0] = random.below(256);
    if (random.chance(0.02)) octets[1] = random.below(256);
    return octets;
  }

  #value(type: MessageType): Uint8Array {
    const random = this.#random;
    if (random.chance(0.05)) return random.octets(random.below(12)).slice();
    const dlci = random.chance(0.9) ? random.below(5) : random.below(64);
    const about = (dlci << 2) | 3;
    switch (type) {
      case 'PN':
        return Uint8Array.of(
          dlci,
          random.oneOf([0x00, 0x00, 0x01, 0x02, 0x10, 0x20, 0x30, 0x32, random.below(256)]),
          random.below(64),
          random.below(256),
          random.chance(0.3) ? random.below(4) : random.below(256),
          random.chance(0.8) ? 0 : random.below(256),
          random.below(256),
          random.below(8),
        );
      case 'MSC':
        return random.chance(0.8)
          ? Uint8Array.of(about, random.below(256))
          : Uint8Array.of(about, random.below(256), random.below(256));
      case 'RPN':
        return random.chance(0.3) ? Uint8Array.of(about) : Uint8Array.of(about, ...random.octets(7));
      case 'RLS':
        return Uint8Array.of(about, random.below(16));
      case 'SNC':
        return Uint8Array.of(about, ...random.octets(random.below(3)));
      case 'NSC':
        return Uint8Array.of(MESSAGE[random.oneOf(MESSAGES)] | (random.chance(0.8) ? 2 : 0));
      case 'Test':
        return random.octets(random.below(30)).slice();
      default:
        return NOTHING;
    }
  }

  #bit(isCommand: boolean): 0 | 1 {
    const isUsual = this.#random.chance(0.9);
    return isCommand === isUsual ? this.#commandBit : ((1 - this.#commandBit) as 0 | 1);
  }
}
