/** The flag of the basic option (§5.2.6.1). */
export const FLAG_BASIC = 0xf9;
/** The flag of the advanced option (§5.2.7.1). */
export const FLAG_ADVANCED = 0x7e;
/** The control escape of the advanced option (§5.2.7.2). */
export const ESCAPE = 0x7d;
/** DLCIs 1 to 61 carry data; 62 would look like the flag of the basic option, 63 is reserved (§5.6). */
export const DLCI_MAX = 61;
/** Most octets of an information field (§5.7.2, N1). */
export const N1_MAX = 32768;
/**
 * The longest information field that is always taken, whatever N1: that of PN and of RPN, the longest messages of the
 * control channel that have a fixed length (§5.4.6.3).
 */
export const CONTROL_N1 = 10;
/** What the length field of the basic option can say at most: 15 bits (§5.2.1.5). */
export const LENGTH_MAX = 32767;
