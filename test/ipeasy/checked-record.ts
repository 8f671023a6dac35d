import { crc32 } from './crc-32.ts';

/** A piece of a stream as a program sends it that trusts nobody below: where it belongs, how long it is, a CRC-32. */
export interface CheckedRecord {
  /** 0 says from where on the other side is to send; 1 holds data. */
  readonly kind: 0 | 1;
  readonly offset: number;
  readonly payload: Buffer;
}

const HEADER_BYTES = 11;
export const RECORD_PAYLOAD_BYTES = 4096;

export function encodeRecord({ kind, offset, payload }: CheckedRecord): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt8(kind);
  header.writeUInt32BE(offset, 1);
  header.writeUInt16BE(payload.length, 5);
  header.writeUInt32BE(crc32(Buffer.concat([header.subarray(0, 7), payload])), 7);
  return Buffer.concat([header, payload]);
}

/** A record that is not what was sent. */
export class DamagedRecord extends Error {
  readonly code = 'DAMAGED_RECORD';
}

/** Takes records out of a stream; @throws DamagedRecord as soon as one is known to be damaged. */
export class RecordReader {
  #rest: Buffer = Buffer.alloc(0);

  *read(chunk: Uint8Array): Generator<CheckedRecord> {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= HEADER_BYTES) {
      const kind = this.#rest.readUInt8(0);
      const length = this.#rest.readUInt16BE(5);
      if (kind > 1 || length > RECORD_PAYLOAD_BYTES) throw new DamagedRecord('no record begins so');
      if (this.#rest.length < HEADER_BYTES + length) return;
      const payload = this.#rest.subarray(HEADER_BYTES, HEADER_BYTES + length);
      const isWhole = this.#rest.readUInt32BE(7) === crc32(Buffer.concat([this.#rest.subarray(0, 7), payload]));
      if (!isWhole) throw new DamagedRecord('the check value is another one');
      const offset = this.#rest.readUInt32BE(1);
      this.#rest = this.#rest.subarray(HEADER_BYTES + length);
      yield { kind: kind as 0 | 1, offset, payload };
    }
  }
}
