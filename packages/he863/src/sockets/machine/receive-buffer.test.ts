import { concatBytes } from '@cellmux/port';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReceiveBuffer } from './receive-buffer.ts';

const source = { address: '10.0.0.1', port: 7 };
const piece = fc.uint8Array({ minLength: 1, maxLength: 700 });
const step = fc.oneof(
  fc.record({ push: piece }),
  fc.record({ take: fc.nat(900) }),
  fc.record({ putBack: fc.nat(900) }),
);

describe('ReceiveBuffer', () => {
  it('gives back a stream in order, whatever is read, and counts it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const buffer = new ReceiveBuffer();
        let model: number[] = [];
        for (const action of steps) {
          if ('push' in action) {
            buffer.push(action.push);
            model.push(...action.push);
          } else {
            const wanted = 'take' in action ? action.take : action.putBack;
            const bytes = buffer.take(wanted);
            expect([...bytes]).toEqual(model.slice(0, wanted));
            if ('take' in action) model = model.slice(bytes.length);
            else buffer.unshift(bytes);
          }
          expect(buffer.length).toBe(model.length);
        }
        expect([...buffer.take(1e6)]).toEqual(model);
        expect(buffer.pieces).toBe(0);
      }),
    );
  });

  it('never reads across the end of a datagram, and says what is left of it', () => {
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 200 }), fc.integer({ min: 1, max: 900 }), (sent, size) => {
        const buffer = new ReceiveBuffer();
        for (const datagram of sent) buffer.push(datagram, source);
        expect(buffer.pieces).toBe(sent.length);
        for (const datagram of sent) {
          const parts: Uint8Array[] = [];
          for (;;) {
            const { bytes, left, source: from } = buffer.takeDatagram(size);
            parts.push(bytes);
            expect(from).toEqual(source);
            if (left === 0) break;
            expect(bytes.length).toBe(size);
          }
          expect(concatBytes(parts)).toEqual(datagram);
        }
      }),
    );
  });

  it('does not keep a piece for each byte of a stream', () => {
    const buffer = new ReceiveBuffer();
    for (let index = 0; index < 5000; index++) buffer.push(Uint8Array.of(index));
    expect(buffer.pieces).toBeLessThan(12);
  });
});
