/*
 * What the figures are measured against: the plain state machine, one switch for each octet, as most implementations
 * have it. It copies information into a buffer of its own and hands on a frame object. Nothing is made slow on purpose.
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

type State = 'hunt' | 'address' | 'control' | 'length1' | 'length2' | 'info' | 'fcs' | 'flag';

/** The basic option, octet by octet. */
export class BasicOctetMachine {
  readonly #onFrame: (frame: OctetFrame) => void;
  readonly #buffer: Uint8Array;
  #state: State = 'hunt';
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
    for (const octet of chunk) this.octet(octet);
  }

  octet(octet: number): void {
    switch (this.#state) {
      case 'hunt':
        if (octet === 0xf9) this.#state = 'address';
        return;
      case 'address':
        if (octet === 0xf9) return;
        this.#address = octet;
        this.#register = TABLE[0xff ^ octet] as number;
        this.#state = (octet & 1) === 1 ? 'control' : 'hunt';
        return;
      case 'control':
        this.#control = octet;
        this.#register = TABLE[this.#register ^ octet] as number;
        this.#state = 'length1';
        return;
      case 'length1':
        this.#length = octet >> 1;
        this.#register = TABLE[this.#register ^ octet] as number;
        this.#count = 0;
        this.#state = (octet & 1) === 0 ? 'length2' : this.#afterLength();
        return;
      case 'length2':
        this.#length |= octet << 7;
        this.#register = TABLE[this.#register ^ octet] as number;
        this.#state = this.#afterLength();
        return;
      case 'info':
        this.#buffer[this.#count++] = octet;
        if (this.#control !== 0xef) this.#register = TABLE[this.#register ^ octet] as number;
        if (this.#count === this.#length) this.#state = 'fcs';
        return;
      case 'fcs':
        this.#register = TABLE[this.#register ^ octet] as number;
        this.#state = 'flag';
        return;
      case 'flag':
        if (octet === 0xf9 && this.#register === 0xcf) {
          this.#onFrame({
            address: this.#address,
            control: this.#control,
            info: this.#buffer.slice(0, this.#length),
          });
        }
        this.#state = octet === 0xf9 ? 'address' : 'hunt';
        return;
    }
  }

  #afterLength(): State {
    if (this.#length > this.#buffer.length) return 'hunt';
    return this.#length === 0 ? 'fcs' : 'info';
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
    for (const octet of chunk) this.octet(octet);
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

/** The plain encoder of the basic option: an array of its own for each frame, octet by octet. */
export function encodeOctets(address: number, control: number, info: Uint8Array): Uint8Array {
  const out: number[] = [0xf9, address, control];
  if (info.length < 128) out.push((info.length << 1) | 1);
  else out.push((info.length & 0x7f) << 1, info.length >> 7);
  let register = 0xff;
  for (let index = 1; index < out.length; index++) register = TABLE[register ^ (out[index] as number)] as number;
  for (const octet of info) out.push(octet);
  out.push(register ^ 0xff, 0xf9);
  return Uint8Array.from(out);
}

/** The plain encoder of the advanced option. */
export function encodeOctetsAdvanced(address: number, control: number, info: Uint8Array): Uint8Array {
  let register = TABLE[0xff ^ address] as number;
  register = TABLE[register ^ control] as number;
  const out: number[] = [0x7e];
  for (const octet of [address, control, ...info, register ^ 0xff]) {
    if (octet === 0x7e || octet === 0x7d) out.push(0x7d, octet ^ 0x20);
    else out.push(octet);
  }
  out.push(0x7e);
  return Uint8Array.from(out);
}
