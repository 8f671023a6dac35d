import type { DlcPort } from '@cellmux/cmux';

/** What is sent is records of so many octets: whose they are, and the how-manieth. */
export const RECORD_OCTETS = 4;

/** A port from when it was opened to its end, with what went through it. */
export class Session {
  readonly port: DlcPort;
  readonly id: number;
  /** The error-recovery mode began anew, or the peer sent SABM again: what was under way then may be gone. */
  isRestarted = false;
  #sent = 0;
  readonly #heard: Uint8Array[] = [];

  constructor(port: DlcPort, id: number) {
    this.port = port;
    this.id = id;
    port.received$.subscribe({ next: (chunk) => this.#heard.push(chunk), error: () => undefined });
  }

  /** The next records. */
  records(count: number): Uint8Array {
    const octets = new Uint8Array(count * RECORD_OCTETS);
    for (let index = 0; index < count; index++) {
      const number = this.#sent++;
      octets.set([this.id >> 8, this.id & 0xff, number >> 8, number & 0xff], index * RECORD_OCTETS);
    }
    return octets;
  }

  get heardOctets(): number {
    return this.#heard.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  /** What arrived, as records; a rest that is none is left out. */
  heardRecords(): { readonly id: number; readonly number: number }[] {
    const all = Buffer.concat(this.#heard);
    const records = [];
    for (let at = 0; at + RECORD_OCTETS <= all.length; at += RECORD_OCTETS)
      records.push({ id: all.readUInt16BE(at), number: all.readUInt16BE(at + 2) });
    return records;
  }

  /** The last octets that arrived. */
  heardLast(octets: number): Uint8Array {
    return Buffer.concat(this.#heard).subarray(-octets);
  }
}
