/**
 * The digests of names, by which the keys of partitions are bounded: the first 132 bits of SHA-256 (FIPS 180-4), of the UTF-16 units of
 * the dimension and the name. All processes of a set have to make the same keys, so that there is no secret to hash with; and no name can be
 * found that has the digest of another. It is written here, since not every runtime has a hash that answers at once.
 */

/** The first bits of the fractional parts of roots of primes. */
function rootsOf(count: number, root: number): Uint32Array {
  const parts: number[] = [];
  for (let candidate = 2; parts.length < count; candidate++) {
    let isPrime = true;
    for (let factor = 2; factor * factor <= candidate; factor++)
      if (candidate % factor === 0) isPrime = false;
    if (isPrime) parts.push((candidate ** (1 / root) % 1) * 2 ** 32);
  }
  return Uint32Array.from(parts);
}

let constants: readonly [Uint32Array, Uint32Array] | undefined;

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BLOCK_BYTES = 64;

/** 22 letters, digits, `-` and `_`. */
export function digestOf(dimension: string, name: string): string {
  // The length tells where the name begins.
  const text = `${dimension.length} ${dimension}${name}`;
  const bytes = new Uint8Array(Math.ceil((2 * text.length + 9) / BLOCK_BYTES) * BLOCK_BYTES);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < text.length; i++) view.setUint16(2 * i, text.charCodeAt(i));
  bytes[2 * text.length] = 0x80;
  view.setUint32(bytes.length - 8, Math.floor((16 * text.length) / 2 ** 32));
  view.setUint32(bytes.length - 4, (16 * text.length) >>> 0);
  constants ??= [rootsOf(8, 2), rootsOf(64, 3)];
  const hash = Uint32Array.from(constants[0]);
  const words = new Uint32Array(64);
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) compress(hash, words, view, at, constants[1]);
  let digest = "";
  for (let bit = 0; bit < 128; bit += 6) {
    const [high, low] = [hash[bit >> 5]!, hash[(bit >> 5) + 1]!];
    const shift = bit & 31;
    const rest = shift === 0 ? high : (high << shift) | (low >>> (32 - shift));
    digest += ALPHABET[rest >>> 26];
  }
  return digest;
}

function turn(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

function compress(
  hash: Uint32Array,
  words: Uint32Array,
  view: DataView,
  at: number,
  rounds: Uint32Array,
): void {
  for (let i = 0; i < 16; i++) words[i] = view.getUint32(at + 4 * i);
  for (let i = 16; i < 64; i++) {
    const [x, y] = [words[i - 15]!, words[i - 2]!];
    const first = turn(x, 7) ^ turn(x, 18) ^ (x >>> 3);
    const second = turn(y, 17) ^ turn(y, 19) ^ (y >>> 10);
    words[i] = words[i - 16]! + first + words[i - 7]! + second;
  }
  let [a, b, c, d, e, f, g, h] = hash as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  for (let i = 0; i < 64; i++) {
    const one =
      (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + rounds[i]! + words[i]!) | 0;
    const other = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + other) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => {
    hash[i]! += word;
  });
}
