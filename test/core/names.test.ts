/** The hash of names: SipHash-2-4 with 128 bits, over UTF-16 units, with the reference vectors and against a plain reading of the paper. */
import { expect, test } from "vitest";
import { KEY } from "../../assembly/partitions/layout.ts";
import { Arena } from "../../src/core/arena.ts";
import { lay } from "../../src/core/lay.ts";
import { Partitions } from "../../src/core/partitions.ts";

const arena = new Arena(false);
const definitions = [
  { kind: "token-bucket", capacity: 1, ceiling: 1, windowMicros: 1000, flags: 0, per: 0 } as const,
];
const region = lay(arena, { definitions, participants: 1 });
const partitions = new Partitions(arena, region.start, definitions, [{ max: 10, refuses: false }]);
const key = Uint8Array.from({ length: 16 }, (_, i) => i);
new Uint8Array(arena.memory.buffer).set(key, partitions.start + KEY);

/** The vectors of the reference implementation (veorq/SipHash, vectors_sip128) for messages of whole units: 0, 1, 2, ... */
test.each([
  [0, "a3817f04ba25a8e66df67214c7550293"],
  [2, "8177228da4a45dc7fca38bdef60affe4"],
  [8, "3b62a9ba6258f5610f83e264f31497b4"],
  [14, "31fcefac66d7de9c7ec7485fe4494902"],
  [16, "6ee2a4ca67b054bbfd3315bf85230577"],
  [30, "ea5c7f471faf6bde2b1ad7d4686d2287"],
  [32, "7c3956ca5eeafc3e363e9d556546eb68"],
  [62, "5853542321f567a005d547a4f04759bd"],
])("the hash of the first %i bytes is that of the reference", (length, expected) => {
  let name = "";
  for (let i = 0; i < length; i += 2) name += String.fromCharCode(i | ((i + 1) << 8));
  expect(hex(partitions.hash(name))).toBe(expected);
});

test("a name of any length has the hash of all its units", () => {
  for (const length of [1, 31, 63, 64, 65, 127, 128, 129, 1000, 1_000_000]) {
    const name = "x\ud800y\u0000\uffff".repeat(Math.ceil(length / 5)).slice(0, length);
    if (length <= 1000) expect([length, hex(partitions.hash(name))]).toEqual([length, plainHash(name)]);
    else expect(hex(partitions.hash(name))).not.toBe(hex(partitions.hash(`${name}x`)));
  }
});

test("another key gives other hashes", () => {
  const other = new Partitions(arena, region.start, definitions, [{ max: 10, refuses: false }]);
  expect(other.hash("alice")).not.toEqual(partitions.hash("alice"));
  expect(other.hash("alice")).toEqual(other.hash("alice"));
});

function hex(hash: readonly number[]): string {
  return Buffer.from(Uint32Array.from(hash, (each) => each - 2 ** 52).buffer).toString("hex");
}

/** SipHash as the paper has it, in whole numbers of any size. */
function plainHash(name: string): string {
  const bytes = Buffer.from(name, "utf16le");
  const word = (from: Uint8Array) => [...from].reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const cut = (x: bigint) => x & ((1n << 64n) - 1n);
  const turn = (x: bigint, by: bigint) => cut((x << by) | (x >> (64n - by)));
  const [k0, k1] = [word(key.subarray(0, 8)), word(key.subarray(8))];
  let [a, b, c, d] = [
    k0 ^ 0x736f6d6570736575n,
    k1 ^ 0x646f72616e646f6dn ^ 0xeen,
    k0 ^ 0x6c7967656e657261n,
    k1 ^ 0x7465646279746573n,
  ];
  const rounds = (count: number) => {
    for (let i = 0; i < count; i++) {
      a = cut(a + b);
      b = turn(b, 13n) ^ a;
      a = turn(a, 32n);
      c = cut(c + d);
      d = turn(d, 16n) ^ c;
      a = cut(a + d);
      d = turn(d, 21n) ^ a;
      c = cut(c + b);
      b = turn(b, 17n) ^ c;
      c = turn(c, 32n);
    }
  };
  const whole = bytes.length - (bytes.length % 8);
  for (let at = 0; at <= whole; at += 8) {
    let m = word(bytes.subarray(at, at + 8));
    if (at === whole) m |= BigInt(bytes.length & 255) << 56n;
    d ^= m;
    rounds(2);
    a ^= m;
  }
  const out = Buffer.alloc(16);
  c ^= 0xeen;
  rounds(4);
  out.writeBigUInt64LE(a ^ b ^ c ^ d, 0);
  b ^= 0xddn;
  rounds(4);
  out.writeBigUInt64LE(a ^ b ^ c ^ d, 8);
  return out.toString("hex");
}
