/**
 * The hash of a name: SipHash-2-4 with 128 bits (Aumasson and Bernstein, "SipHash: a fast short-input PRF", INDOCRYPT 2012), of its
 * UTF-16 units in order, lower byte first. Without the key nobody can make names that meet in the table.
 */
import { BEGINS, ENDS, KEY, LENGTH, NAME, SIP } from "./layout";

const UNIT = 2;
/** With 32 bits below it is a whole number in floating point: 2 ** 52 and more. */
const AS_FLOAT: i64 = 0x433 << 52;

/**
 * Hashes so many units at NAME: the first of a name with BEGINS, the last with ENDS. All calls but the last have NAME_UNITS of them.
 * The hash stands at NAME then, as four numbers of 32 bits, plus 2 ** 52.
 */
export function hashName(per: usize, units: i32, flags: i32): void {
  const sip = per + SIP;
  if (flags & BEGINS) {
    const first = load<i64>(per + KEY);
    const second = load<i64>(per + KEY, 8);
    store<i64>(sip, first ^ words(0x736f6d65, 0x70736575));
    store<i64>(sip, second ^ words(0x646f7261, 0x6e646f6d) ^ 0xee, 8);
    store<i64>(sip, first ^ words(0x6c796765, 0x6e657261), 16);
    store<i64>(sip, second ^ words(0x74656462, 0x79746573), 24);
    store<i64>(per + LENGTH, 0);
  }
  const length = load<i64>(per + LENGTH) + units * UNIT;
  store<i64>(per + LENGTH, length);
  let at = per + NAME;
  const end = at + units * UNIT;
  // In variables: a state in memory would be read and written with each step, which takes as long again.
  let a = load<i64>(sip);
  let b = load<i64>(sip, 8);
  let c = load<i64>(sip, 16);
  let d = load<i64>(sip, 24);
  // With the end, what is left of the name below its length is one word more. Two halves of the hash follow, after four rounds each.
  const ends = (flags & ENDS) !== 0;
  const count = (units >> 2) + i32(ends);
  const last = ends ? count + 2 : count;
  for (let step = 0; step < last; step++, at += 8) {
    let word: i64 = 0;
    let rounds = 4;
    if (step < count) {
      word = load<i64>(at);
      if (at + 8 > end) word = (length << 56) | (word & ((i64(1) << (i64(end - at) << 3)) - 1));
      d ^= word;
      rounds = 2;
    } else if (step === count) c ^= 0xee;
    else b ^= 0xdd;
    for (; rounds > 0; rounds--) {
      a += b;
      b = rotl(b, 13) ^ a;
      a = rotl(a, 32);
      c += d;
      d = rotl(d, 16) ^ c;
      a += d;
      d = rotl(d, 21) ^ a;
      c += b;
      b = rotl(b, 17) ^ c;
      c = rotl(c, 32);
    }
    a ^= word;
    if (step >= count) squeeze(a ^ b ^ c ^ d, per + NAME + (step - count) * 16);
  }
  store<i64>(sip, a);
  store<i64>(sip, b, 8);
  store<i64>(sip, c, 16);
  store<i64>(sip, d, 24);
}

function squeeze(word: i64, into: usize): void {
  store<i64>(into, AS_FLOAT | i64(u32(word)));
  store<i64>(into, AS_FLOAT | (word >>> 32), 8);
}

function words(upper: i64, lower: i64): i64 {
  return (upper << 32) | lower;
}
