import { describeFrame, type DecodedFrame, type DecodedNoise } from '@cellmux/cmux';
import { toHex } from '@cellmux/port';
import type { Colours } from './console.ts';

/** One line for people: every field of a frame by its name; octets of no frame in yellow. */
export function frameForPeople(item: DecodedFrame | DecodedNoise, colours: Colours): string {
  const text = describeFrame(item);
  return item.kind === 'noise' ? colours.yellow(text) : text;
}

/** The same for scripts: octets are hex digits. */
export function frameForScripts(item: DecodedFrame | DecodedNoise): unknown {
  return JSON.parse(JSON.stringify(item, (_, value: unknown) => (value instanceof Uint8Array ? toHex(value) : value)));
}
