import { fromHex, toHex } from '@cellmux/port';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { AdvancedDeframer } from './advanced-deframer.ts';
import { BasicDeframer } from './basic-deframer.ts';
import { frameTypeOf } from './control-field.ts';
import { fcsOf } from './fcs.ts';
import type { Deframer, FrameSink } from './frame-sink.ts';

interface VectorFrame {
  dlci: number;
  cr: number;
  type: string;
  pf: number;
  info: string;
  fcs: string;
  ns?: number;
  nr?: number;
}
interface Vector {
  id: string;
  option: 'basic' | 'advanced';
  hex: string;
  maxInfo?: number;
  frames: VectorFrame[];
}
const file = JSON.parse(readFileSync(new URL('../../vectors/cmux.json', import.meta.url), 'utf8')) as {
  vectors: Vector[];
};

class Frames implements FrameSink {
  readonly frames: VectorFrame[] = [];

  frame(bytes: Uint8Array, address: number, control: number, start: number, end: number): void {
    const type = frameTypeOf(control) ?? '?';
    this.frames.push({
      dlci: address >> 2,
      cr: (address >> 1) & 1,
      type,
      pf: (control >> 4) & 1,
      info: toHex(bytes.subarray(start, end)),
      fcs: toHex(bytes.subarray(end, end + 1)),
      ...(type === 'I' ? { ns: (control >> 1) & 7 } : {}),
      ...(['I', 'RR', 'RNR', 'REJ'].includes(type) ? { nr: control >> 5 } : {}),
    });
  }

  noise(): void {
    return;
  }
}

function deframerFor(vector: Vector, sink: FrameSink): Deframer {
  const n1 = vector.maxInfo ?? 2048;
  if (vector.option === 'basic') return new BasicDeframer(sink, { n1, headerOnlyUi: true });
  return new AdvancedDeframer(sink, { n1, headerOnlyUi: true });
}

function expectedOf(vector: Vector): VectorFrame[] {
  return vector.frames.map(({ dlci, cr, type, pf, info, fcs, ns, nr }) => ({
    dlci,
    cr,
    type,
    pf,
    info,
    fcs,
    ...(ns === undefined ? {} : { ns }),
    ...(nr === undefined ? {} : { nr }),
  }));
}

describe.each(file.vectors.map((vector) => [vector.id, vector] as const))('vector %s', (_id, vector) => {
  const octets = fromHex(vector.hex) as Uint8Array;
  const decode = (chunks: Uint8Array[]): VectorFrame[] => {
    const sink = new Frames();
    const deframer = deframerFor(vector, sink);
    for (const chunk of chunks) deframer.receive(chunk.slice());
    // The line falls silent: what hides behind a frame that never ends is found.
    deframer.idle();
    return sink.frames;
  };

  it('decodes as written', () => {
    expect(decode([octets])).toEqual(expectedOf(vector));
  });

  it('decodes the same under every split there is, or a thousand of them', () => {
    const expected = expectedOf(vector);
    const places = octets.length - 1;
    const splitAt = (cuts: readonly boolean[]): Uint8Array[] => {
      const chunks: Uint8Array[] = [];
      let from = 0;
      for (const [place, isCut] of cuts.entries()) {
        if (!isCut) continue;
        chunks.push(octets.subarray(from, place + 1));
        from = place + 1;
      }
      return [...chunks, octets.subarray(from)];
    };
    if (places <= 10) {
      for (let mask = 0; mask < 1 << places; mask++)
        expect(decode(splitAt(Array.from({ length: places }, (_, place) => (mask & (1 << place)) !== 0)))).toEqual(
          expected,
        );
      return;
    }
    const cuts = fc.array(fc.boolean(), { minLength: places, maxLength: places, size: 'max' });
    fc.assert(
      fc.property(cuts, (where) => {
        expect(decode(splitAt(where))).toEqual(expected);
      }),
      { numRuns: octets.length > 200 ? 50 : 1000 },
    );
  });

  it('decodes the same under every split into two, and octet by octet, and in threes', () => {
    const expected = expectedOf(vector);
    for (let cut = 0; cut <= octets.length; cut++)
      expect(decode([octets.subarray(0, cut), octets.subarray(cut)])).toEqual(expected);
    for (const size of [1, 2, 3, 7]) {
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < octets.length; at += size) chunks.push(octets.subarray(at, at + size));
      expect(decode(chunks)).toEqual(expected);
    }
  });
});

it('takes no UI frame with an FCS over its header alone, unless told to', () => {
  const differing = file.vectors.filter((vector) => {
    const strict = new Frames();
    const n1 = vector.maxInfo ?? 2048;
    const deframer =
      vector.option === 'basic' ? new BasicDeframer(strict, { n1 }) : new AdvancedDeframer(strict, { n1 });
    deframer.receive(fromHex(vector.hex) as Uint8Array);
    deframer.idle();
    return strict.frames.length !== vector.frames.length;
  });
  expect(differing.map(({ id }) => id)).toEqual(['ui-dlci1-header-only-fcs']);
});

it('has the FCS check value of the standard', () => {
  expect(fcsOf(Uint8Array.from('123456789', (digit) => digit.charCodeAt(0)))).toBe(0x2f);
});
