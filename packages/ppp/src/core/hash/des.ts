/* The tables of FIPS 46-3. Numbers are those of the standard: bit 1 is the most significant one. */

const INITIAL = [
  58, 50, 42, 34, 26, 18, 10, 2, 60, 52, 44, 36, 28, 20, 12, 4, 62, 54, 46, 38, 30, 22, 14, 6, 64, 56, 48, 40, 32, 24,
  16, 8, 57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3, 61, 53, 45, 37, 29, 21, 13, 5, 63, 55, 47, 39, 31,
  23, 15, 7,
];
const EXPANSION = [
  32, 1, 2, 3, 4, 5, 4, 5, 6, 7, 8, 9, 8, 9, 10, 11, 12, 13, 12, 13, 14, 15, 16, 17, 16, 17, 18, 19, 20, 21, 20, 21, 22,
  23, 24, 25, 24, 25, 26, 27, 28, 29, 28, 29, 30, 31, 32, 1,
];
const PERMUTATION = [
  16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25,
];
const CHOICE_1 = [
  57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36, 63, 55,
  47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
];
const CHOICE_2 = [
  14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2, 41, 52, 31, 37, 47, 55, 30,
  40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
];
const ROTATIONS = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1];
/** Each box: four rows of sixteen, one hex digit each. */
const BOXES = [
  'E4D12FB83A6C5907' + '0F74E2D1A6CB9538' + '41E8D62BFC973A50' + 'FC8249175B3EA06D',
  'F18E6B34972DC05A' + '3D47F28EC01A69B5' + '0E7BA4D158C6932F' + 'D8A13F42B67C05E9',
  'A09E63F51DC7B428' + 'D709346A285ECBF1' + 'D6498F30B12C5AE7' + '1AD069874FE3B52C',
  '7DE3069A1285BC4F' + 'D8B56F03472C1AE9' + 'A690CB7DF13E5284' + '3F06A1D8945BC72E',
  '2C417AB6853FD0E9' + 'EB2C47D150FA3986' + '421BAD78F9C5630E' + 'B8C71E2D6F09A453',
  'C1AF92680D34E75B' + 'AF427C9561DE0B38' + '9EF528C3704A1DB6' + '432C95FABE17608D',
  '4B2EF08D3C975A61' + 'D0B7491AE35C2F86' + '14BDC37EAF680592' + '6BD814A7950FE23C',
  'D2846FB1A93E50C7' + '1FD8A374C56B0E92' + '7B419CE206ADF358' + '21E74A8DFC90356B',
].map((box) => Array.from(box, (digit) => parseInt(digit, 16)));

type Bits = readonly number[];
const bitsOf = (octets: Uint8Array): Bits =>
  Array.from(octets).flatMap((octet) => [7, 6, 5, 4, 3, 2, 1, 0].map((shift) => (octet >>> shift) & 1));
const pick = (bits: Bits, table: readonly number[]): Bits => table.map((bit) => bits[bit - 1] as number);
const rotate = (bits: Bits, places: number): Bits => [...bits.slice(places), ...bits.slice(0, places)];

/**
 * Encrypts one block of eight octets with DES in ECB mode (FIPS 46-3); the parity bits of the key are not looked at.
 * Here because MS-CHAPv2 asks for it and today's crypto libraries no longer have it. Three blocks a login: bits in
 * arrays are fast enough.
 */
export function desEncrypt(key: Uint8Array, block: Uint8Array): Uint8Array {
  const chosen = pick(bitsOf(key), CHOICE_1);
  let [c, d] = [chosen.slice(0, 28), chosen.slice(28)] as [Bits, Bits];
  const whole = pick(bitsOf(block), INITIAL);
  let [left, right] = [whole.slice(0, 32), whole.slice(32)] as [Bits, Bits];
  for (const places of ROTATIONS) {
    c = rotate(c, places);
    d = rotate(d, places);
    const roundKey = pick([...c, ...d], CHOICE_2);
    const expanded = pick(right, EXPANSION).map((bit, index) => bit ^ (roundKey[index] as number));
    const substituted: number[] = [];
    for (const [index, box] of BOXES.entries()) {
      const [b1, b2, b3, b4, b5, b6] = expanded.slice(index * 6) as [number, number, number, number, number, number];
      const row = b1 * 2 + b6;
      const value = box[row * 16 + b2 * 8 + b3 * 4 + b4 * 2 + b5] as number;
      substituted.push((value >>> 3) & 1, (value >>> 2) & 1, (value >>> 1) & 1, value & 1);
    }
    const mixed = pick(substituted, PERMUTATION);
    const before = left;
    left = right;
    right = mixed.map((bit, index) => bit ^ (before[index] as number));
  }
  const joined = [...right, ...left];
  const encrypted = new Uint8Array(8);
  // The final permutation is the inverse of the initial one.
  INITIAL.forEach((to, from) => {
    encrypted[(to - 1) >>> 3] =
      (encrypted[(to - 1) >>> 3] as number) | ((joined[from] as number) << (7 - ((to - 1) & 7)));
  });
  return encrypted;
}
