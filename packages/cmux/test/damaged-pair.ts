import { memoryPair, type Port } from '@cellmux/port';

/** One octet that a line does not carry as it is. */
export interface Damage {
  readonly direction: 'toModule' | 'toHost';
  /** Which octet of that direction, counted from 0. */
  readonly index: number;
  readonly what: 'flip' | 'insert' | 'delete';
  /** What it is flipped with, or what is put in. */
  readonly value: number;
}

/** A line in memory that cuts chunks as told and damages the octets told, all else as sent. */
export function damagedPair(
  damages: readonly Damage[],
  chunkOctets: (direction: Damage['direction']) => number = () => Infinity,
): { host: Port; module: Port; octets: Record<Damage['direction'], number>; hasDamaged: () => boolean } {
  const near = memoryPair({ name: 'near' });
  const far = memoryPair({ name: 'far' });
  const octets = { toModule: 0, toHost: 0 };
  let damaged = 0;
  const carry = (from: Port, to: Port, direction: Damage['direction']): void => {
    from.received$.subscribe((chunk) => {
      const out: number[] = [];
      for (const octet of chunk) {
        const damage = damages.find((one) => one.direction === direction && one.index === octets[direction]);
        octets[direction]++;
        if (damage === undefined) {
          out.push(octet);
          continue;
        }
        damaged++;
        if (damage.what === 'flip') out.push(octet ^ damage.value);
        else if (damage.what === 'insert') out.push(damage.value, octet);
      }
      for (let at = 0; at < out.length;) {
        const size = Math.max(1, Math.min(chunkOctets(direction), out.length - at));
        void to.send(Uint8Array.from(out.slice(at, at + size)));
        at += size;
      }
    });
  };
  carry(near.dce, far.dte, 'toModule');
  carry(far.dte, near.dce, 'toHost');
  return { host: near.dte, module: far.dce, octets, hasDamaged: () => damaged > 0 };
}
