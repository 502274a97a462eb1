import fc from "fast-check";
import { CallLimit, type Limit, RateLimit, ResourceLimit } from "../../src/index.ts";
import type { Definition } from "./oracle.ts";

const LARGEST = Number.MAX_SAFE_INTEGER;
const DAY_US = 86_400_000_000;
const LONGEST_US = 30 * DAY_US;
/** A product of capacity and window up to here leaves room for any overage that a history can charge. */
const ROOMY = 1n << 48n;

export const ALGORITHMS = ["token-bucket", "gcra", "leaky-bucket", "sliding-window", "fixed-window"] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** Small numbers, round numbers, and the neighbours of powers of two, where arithmetic tends to break. */
export const capacities: fc.Arbitrary<number> = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 20 }) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 1000 }) },
  { weight: 2, arbitrary: fc.constantFrom(10, 60, 100, 1000, 5000, 1_000_000, 1e9, 1e12, 1e15) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 53 }), fc.integer({ min: -1, max: 1 }))
      .map(([bits, off]) => Math.min(LARGEST, Math.max(1, 2 ** bits + off))),
  },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: LARGEST }) },
  { weight: 1, arbitrary: fc.constantFrom(LARGEST, 6_700_417, 2_147_483_647, 67_280_421_310_721) },
);

export const windowsUs: fc.Arbitrary<number> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(100_000, 1_000_000, 2_000_000, 60_000_000, 3_600_000_000) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 64 }) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 10_000 }) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 10_000_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: LONGEST_US }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(1, 1000, DAY_US, LONGEST_US, LONGEST_US - 1, 999_983, 2_591_999_999_903),
  },
);

/** Times of the present day, the epoch itself, and times around the ends of windows. */
export const startsUs: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: 1_700_000_000_000_000, max: 1_800_000_000_000_000 }),
  fc.constantFrom(0, 1, 999, 1_000_000, 1_750_000_000_000_000, 1_767_225_600_000_000 - 1),
  fc.integer({ min: 0, max: DAY_US }),
);

const units = fc.oneof(
  { weight: 5, arbitrary: fc.constant(1) },
  { weight: 2, arbitrary: fc.constantFrom(0.1, 0.001, 0.25, 5) },
);

interface Raw {
  type: "rate" | "call" | "resource";
  algorithm: Algorithm;
  capacity: number;
  windowUs: number;
  burst: number;
  unit: number;
  overage: boolean;
}

const raws: fc.Arbitrary<Raw> = fc.record({
  type: fc.constantFrom("rate", "rate", "rate", "call", "resource"),
  algorithm: fc.constantFrom<Algorithm[]>("token-bucket", ...ALGORITHMS),
  capacity: capacities,
  windowUs: windowsUs,
  burst: fc.oneof(fc.constant(LARGEST), fc.constant(1), fc.integer({ min: 1, max: 100 })),
  unit: units,
  overage: fc.boolean(),
});

/** Sets of one to eight limits, at most one of them a CallLimit. */
export const definitionSets: fc.Arbitrary<Definition[]> = fc
  .array(raws, { minLength: 1, maxLength: 8, size: "max" })
  .map(toDefinitions);

/** One rate limit of the given algorithms. */
export function singleRate(...algorithms: Algorithm[]): fc.Arbitrary<Definition> {
  const algorithm = fc.constantFrom(...algorithms);
  return fc
    .tuple(raws, algorithm)
    .map(([raw, algorithm]) => define({ ...raw, type: "rate", algorithm }, "tokens"));
}

/** The full bucket of a wide limit has more than 61 bits. These products have 55 to 104 bits, so that both sides come up. */
const wideRaws: fc.Arbitrary<Raw> = fc
  .integer({ min: 55, max: 104 })
  .chain((bits) => fc.tuple(fc.constant(bits), fc.integer({ min: Math.max(1, bits - 51), max: 53 })))
  .chain(([bits, capacityBits]) => {
    const window = ofBits(Math.max(1, Math.min(51, bits - capacityBits)));
    return fc.tuple(raws, ofBits(capacityBits), window);
  })
  .chain(([raw, capacity, windowUs]) => {
    const burst = fc.oneof(fc.constant(LARGEST), fc.integer({ min: 1, max: capacity }));
    return burst.map((burst) => ({ ...raw, type: "rate", capacity, windowUs, burst, unit: 1 }) as const);
  });

/** Numbers with so many bits: the least, the most, and any. */
function ofBits(bits: number): fc.Arbitrary<number> {
  const [min, max] = [2 ** (bits - 1), 2 ** bits - 1];
  return fc.oneof(fc.constantFrom(min, min + 1, max), fc.integer({ min, max }), fc.integer({ min, max }));
}

/** One rate limit whose capacity times window has 55 bits to 104. */
export function singleWide(...algorithms: Algorithm[]): fc.Arbitrary<Definition> {
  return fc.tuple(wideRaws, fc.constantFrom(...algorithms), fc.boolean()).map(([raw, algorithm, charges]) => {
    const definition = define({ ...raw, algorithm }, "tokens");
    // A debt is counted for up to 2^52 us of leaking, and in JavaScript in whole numbers: these leave room for a history's charges.
    const isRoomy = raw.capacity <= 2 ** 42 && raw.windowUs <= 2 ** 44;
    return { ...definition, overage: charges && isRoomy ? "debt" : "error" };
  });
}

/** Sets of which some limits are wide. */
export const wideSets: fc.Arbitrary<Definition[]> = fc
  .array(fc.oneof({ weight: 3, arbitrary: wideRaws }, raws), { minLength: 1, maxLength: 5, size: "max" })
  .map(toDefinitions);

export function toDefinitions(raw: readonly Raw[]): Definition[] {
  const firstCall = raw.findIndex((one) => one.type === "call");
  return raw.map((one, i) => {
    if (one.type === "call" && i === firstCall) return define(one, "call_count");
    return define(
      one.type === "call" ? { ...one, type: "rate" } : one,
      `${one.type === "resource" ? "slots" : "tokens"}_${i}`,
    );
  });
}

function define(raw: Raw, key: string): Definition {
  const rate = raw.type === "rate";
  const unit = rate ? raw.unit : 1;
  // Amounts with a fraction must stay well within the precision of a double.
  const capacity = unit === 1 ? raw.capacity : ((raw.capacity - 1) % 1_000_000_000) + 1;
  const algorithm = raw.type === "resource" ? "none" : raw.algorithm;
  const scaled = BigInt(capacity) * BigInt(raw.windowUs);
  const overage = rate && raw.overage && scaled <= ROOMY ? "debt" : "error";
  const burst = algorithm === "gcra" ? Math.min(raw.burst, capacity) : capacity;
  return { key, type: raw.type, algorithm, capacity, windowUs: raw.windowUs, burst, unit, overage };
}

export function toLimit(definition: Definition): Limit<string> {
  const { key, type, algorithm, unit, overage } = definition;
  const enforce = !definition.shadow;
  const capacity = amountOf(definition, definition.capacity);
  if (type === "resource" || algorithm === "none") return new ResourceLimit({ key, capacity, enforce });
  const burst = algorithm === "gcra" ? { burst: amountOf(definition, definition.burst) } : {};
  const windowMs = definition.windowUs / 1000;
  if (type === "call") return new CallLimit({ capacity, windowMs, algorithm, enforce, ...burst });
  return new RateLimit({ key, capacity, windowMs, algorithm, unit, overage, enforce, ...burst });
}

/** The amount that a user would write for `units`: 0.3 rather than 3 * 0.1. */
export function amountOf({ unit }: Definition, count: number): number {
  return unit < 1 ? count / Math.round(1 / unit) : count * unit;
}
