/**
 * Which part of a spread set has the partition of a name: HalfSipHash-1-3 (after Aumasson and Bernstein, "SipHash: a
 * fast short-input PRF", INDOCRYPT 2012) of the UTF-16 units of the name. All participants need one key. Where it is a secret, no
 * names can be made that meet in one part.
 */

/** A key: two words of 32 bits. */
export type ChoiceKey = readonly [number, number];

/** A key that nobody can guess. */
export function drawKey(): ChoiceKey {
  const [first, second] = crypto.getRandomValues(new Int32Array(2));
  return [first!, second!];
}

/** The key of all that know a text, for participants that have nothing else in common. */
export function keyFrom(text: string): ChoiceKey {
  return [hash(text, [0, 0]), hash(text, [1, 1])];
}

/** The number of the part for a name, from 0 to `parts` - 1. */
export function partOf(name: string, key: ChoiceKey, parts: number): number {
  return Math.floor(((hash(name, key) >>> 0) / 2 ** 32) * parts);
}

const FINAL_ROUNDS = 3;

function hash(name: string, [k0, k1]: ChoiceKey): number {
  const { length } = name;
  // The last word has the length, in bytes, in its upper bits.
  const last = length >> 1;
  let a = k0;
  let b = k1;
  let c = k0 ^ 0x6c796765;
  let d = k1 ^ 0x74656462;
  for (let i = 0; i <= last + FINAL_ROUNDS; i++) {
    let word = 0;
    if (i < last) word = name.charCodeAt(2 * i) | (name.charCodeAt(2 * i + 1) << 16);
    else if (i === last) word = (length << 25) | ((length & 1) === 0 ? 0 : name.charCodeAt(length - 1));
    else if (i === last + 1) c ^= 0xff;
    d ^= word;
    a = (a + b) | 0;
    b = turn(b, 5) ^ a;
    a = turn(a, 16);
    c = (c + d) | 0;
    d = turn(d, 8) ^ c;
    a = (a + d) | 0;
    d = turn(d, 7) ^ a;
    c = (c + b) | 0;
    b = turn(b, 13) ^ c;
    c = turn(c, 16);
    a ^= word;
  }
  return b ^ d;
}

function turn(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
