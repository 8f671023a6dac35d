import { CONTROL } from './control-field.ts';
import { FCS_START, FCS_TABLE } from './fcs.ts';

/** The FCS register behind each address octet and the control octet of UIH with P/F = 0: how nearly all frames begin. */
export const UIH_REGISTERS: Uint8Array = Uint8Array.from(
  { length: 256 },
  (_, address) => FCS_TABLE[(FCS_TABLE[FCS_START ^ address] as number) ^ CONTROL.UIH] as number,
);
