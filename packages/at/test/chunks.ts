import { latin1 } from '@cellmux/port';
import fc from 'fast-check';

/** A text cut into chunks at any places, empty chunks included. */
export function chunked(text: fc.Arbitrary<string>): fc.Arbitrary<{ text: string; chunks: Uint8Array[] }> {
  return text.chain((whole) =>
    fc.array(fc.nat(whole.length), { maxLength: 12 }).map((cuts) => ({ text: whole, chunks: cutAt(whole, cuts) })),
  );
}

/** A text cut at the given places. */
export function cutAt(text: string, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...[...cuts].sort((a, b) => a - b), text.length];
  return places.slice(1).map((to, index) => latin1(text.slice(places[index], to)));
}

/** One octet a chunk. */
export function singly(text: string): Uint8Array[] {
  return [...text].map((character) => latin1(character));
}
