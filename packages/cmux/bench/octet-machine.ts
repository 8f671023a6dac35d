/*
 * What the figures are measured against: the plain state machine, one switch for each octet and a table for the FCS, as
 * nearly all implementations of CMUX in C have it (there is no other in JavaScript). It checks header, length, FCS and
 * closing flag, copies the information into a buffer and hands on an array of its own for each frame. Nothing is made
 * slow on purpose: states are small integers, arrays are typed, loops go by index.
 */

const TABLE = new Uint8Array(256);
for (let octet = 0; octet < 256; octet++) {
  let register = octet;
  for (let bit = 0; bit < 8; bit++) register = (register & 1) === 1 ? (register >> 1) ^ 0xe0 : register >> 1;
  TABLE[octet] = register;
}

/** A frame as the machine hands it on. */
export interface OctetFrame {
  readonly address: number;
  readonly control: number;
  readonly info: Uint8Array;
}

const STATE = { hunt: 0, address: 1, control: 2, length1: 3, length2: 4, info: 5, fcs: 6, flag: 7 } as const;

/** The basic option, octet by octet. */
export class BasicOctetMachine {
  readonly #onFrame: (frame: OctetFrame) => void;
  readonly #buffer: Uint8Array;
  #state: number = STATE.hunt;
  #address = 0;
  #control = 0;
  #length = 0;
  #count = 0;
  #register = 0xff;

  constructor(n1: number, onFrame: (frame: OctetFrame) => void) {
    this.#onFrame = onFrame;
    this.#buffer = new Uint8Array(n1);
  }

  receive(chunk: Uint8Array): void {
    for (let index = 0; index < chunk.length; index++) this.octet(chunk[index] as number);
  }

  octet(octet: number): void {
    switch (this.#state) {
      case STATE.hunt:
        if (octet === 0xf9) this.#state = STATE.address;
        return;
      case STATE.address:
        if (octet === 0xf9) return;
        this.#address = octet;
        this.#register = TABLE[0xff ^ octet] as number;
        this.#state = (octet & 1) === 1 ? STATE.control : STATE.hunt;
        return;
      case STATE.control:
        this.#control = octet;
        this.#register = TABLE[this.#register ^ octet] as number;
        this.#state = STATE.length1;
        return;
      case STATE.length1:
        this.#length = octet >> 1;
        this.#register = TABLE[this.#register ^ octet] as number;
        this.#count = 0;
        this.#state = (octet & 1) === 0 ? STATE.length2 : this.#afterLength();
        return;
      case STATE.length2:
        this.#length |= octet << 7;
        this.#register = TABLE[this.#register ^ octet] as number;
        this.#state = this.#afterLength();
        return;
      case STATE.info:
        this.#buffer[this.#count++] = octet;
        if (this.#control !== 0xef) this.#register = TABLE[this.#register ^ octet] as number;
        if (this.#count === this.#length) this.#state = STATE.fcs;
        return;
      case STATE.fcs:
        this.#register = TABLE[this.#register ^ octet] as number;
        this.#state = STATE.flag;
        return;
      case STATE.flag:
        if (octet === 0xf9 && this.#register === 0xcf) {
          this.#onFrame({
            address: this.#address,
            control: this.#control,
            info: this.#buffer.slice(0, this.#length),
          });
        }
        this.#state = octet === 0xf9 ? STATE.address : STATE.hunt;
        return;
    }
  }

  #afterLength(): number {
    if (this.#length > this.#buffer.length) return STATE.hunt;
    return this.#length === 0 ? STATE.fcs : STATE.info;
  }
}

/** The advanced option, octet by octet. */
export class AdvancedOctetMachine {
  readonly #onFrame: (frame: OctetFrame) => void;
  readonly #buffer: Uint8Array;
  #count = 0;
  #inFrame = false;
  #escaped = false;

  constructor(n1: number, onFrame: (frame: OctetFrame) => void) {
    this.#onFrame = onFrame;
    this.#buffer = new Uint8Array(n1 + 3);
  }

  receive(chunk: Uint8Array): void {
    for (let index = 0; index < chunk.length; index++) this.octet(chunk[index] as number);
  }

  octet(octet: number): void {
    if (octet === 0x7e) {
      if (this.#inFrame && this.#count >= 3 && !this.#escaped) this.#end();
      this.#inFrame = true;
      this.#escaped = false;
      this.#count = 0;
      return;
    }
    if (!this.#inFrame) return;
    if (octet === 0x7d) {
      this.#escaped = true;
      return;
    }
    const plain = this.#escaped ? octet ^ 0x20 : octet;
    this.#escaped = false;
    if (this.#count === this.#buffer.length) {
      this.#inFrame = false;
      return;
    }
    this.#buffer[this.#count++] = plain;
  }

  #end(): void {
    const count = this.#count;
    const buffer = this.#buffer;
    const control = buffer[1] as number;
    const covered = control === 0xef ? 2 : count - 1;
    let register = 0xff;
    for (let index = 0; index < covered; index++) register = TABLE[register ^ (buffer[index] as number)] as number;
    register = TABLE[register ^ (buffer[count - 1] as number)] as number;
    if (register !== 0xcf) return;
    this.#onFrame({ address: buffer[0] as number, control, info: buffer.slice(2, count - 1) });
  }
}

/** The plain encoder of the basic option: an array for each frame, filled octet by octet. */
export function encodeOctets(address: number, control: number, info: Uint8Array): Uint8Array {
  const isLong = info.length > 127;
  const out = new Uint8Array(info.length + (isLong ? 7 : 6));
  let at = 0;
  out[at++] = 0xf9;
  out[at++] = address;
  out[at++] = control;
  if (isLong) {
    out[at++] = (info.length & 0x7f) << 1;
    out[at++] = info.length >> 7;
  } else out[at++] = (info.length << 1) | 1;
  let register = 0xff;
  for (let index = 1; index < at; index++) register = TABLE[register ^ (out[index] as number)] as number;
  for (let index = 0; index < info.length; index++) out[at++] = info[index] as number;
  out[at++] = register ^ 0xff;
  out[at++] = 0xf9;
  return out;
}

/** The plain encoder of the advanced option: escapes octet by octet into a buffer, and copies out what it has become. */
export class AdvancedOctetEncoder {
  readonly #buffer: Uint8Array;
  #at = 0;

  constructor(n1: number) {
    this.#buffer = new Uint8Array(2 * (n1 + 3) + 2);
  }

  encode(address: number, control: number, info: Uint8Array): Uint8Array {
    this.#at = 0;
    this.#buffer[this.#at++] = 0x7e;
    this.#put(address);
    this.#put(control);
    for (let index = 0; index < info.length; index++) this.#put(info[index] as number);
    this.#put((TABLE[(TABLE[0xff ^ address] as number) ^ control] as number) ^ 0xff);
    this.#buffer[this.#at++] = 0x7e;
    return this.#buffer.slice(0, this.#at);
  }

  #put(octet: number): void {
    if (octet === 0x7e || octet === 0x7d) {
      this.#buffer[this.#at++] = 0x7d;
      this.#buffer[this.#at++] = octet ^ 0x20;
    } else this.#buffer[this.#at++] = octet;
  }
}
