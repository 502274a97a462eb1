import { expect } from "vitest";
import {
  CallLimit,
  InvalidLimitError,
  type LimitLike,
  RateLimit,
  ResourceLimit,
} from "../../../src/index.ts";
import type { Theme } from "../harness.ts";
import { failure } from "../tools.ts";

const RATE = { type: "rate", key: "x", capacity: 10, windowMs: 1000 };
const RATE_DEFAULTS = {
  ...RATE,
  counts: "x",
  algorithm: "token-bucket",
  unit: 1,
  overage: "error",
  enforce: true,
};

const READ_BACK: readonly (readonly [title: string, limit: LimitLike, reads: object])[] = [
  ["a rate limit", new RateLimit({ key: "x", capacity: 10, windowMs: 1000 }), RATE_DEFAULTS],
  [
    "a rate limit with every option",
    new RateLimit({
      key: "x",
      capacity: 1,
      windowMs: 60_000,
      algorithm: "fixed-window",
      unit: 0.25,
      overage: "debt",
    }),
    {
      ...RATE,
      capacity: 1,
      windowMs: 60_000,
      algorithm: "fixed-window",
      unit: 0.25,
      overage: "debt",
    },
  ],
  [
    "a GCRA rate limit whose burst is the capacity",
    new RateLimit({ key: "x", capacity: 10, windowMs: 1000, algorithm: "gcra" }),
    { ...RATE_DEFAULTS, algorithm: "gcra", burst: 10 },
  ],
  [
    "a GCRA rate limit with a burst",
    new RateLimit({ key: "x", capacity: 10, windowMs: 1000, algorithm: "gcra", burst: 3 }),
    { ...RATE_DEFAULTS, algorithm: "gcra", burst: 3 },
  ],
  [
    "a call limit",
    new CallLimit({ capacity: 5, windowMs: 100 }),
    { type: "call", key: "call_count", capacity: 5, windowMs: 100, algorithm: "token-bucket" },
  ],
  [
    "a call limit with an algorithm and a burst",
    new CallLimit({ capacity: 5, windowMs: 100, algorithm: "gcra", burst: 2 }),
    { type: "call", key: "call_count", capacity: 5, windowMs: 100, algorithm: "gcra", burst: 2 },
  ],
  [
    "a resource limit",
    new ResourceLimit({ key: "db", capacity: 3 }),
    { type: "resource", key: "db", capacity: 3 },
  ],
  ["a rate limit from plain data", plain(RATE), RATE_DEFAULTS],
  [
    "a call limit from plain data",
    plain({ type: "call", capacity: 5, windowMs: 100 }),
    { type: "call", key: "call_count", capacity: 5, windowMs: 100, algorithm: "token-bucket" },
  ],
  [
    "a call limit from JSON",
    plain(JSON.parse(JSON.stringify(new CallLimit({ capacity: 5, windowMs: 100 })))),
    { type: "call", key: "call_count", counts: "call_count", capacity: 5, windowMs: 100 },
  ],
  [
    "a resource limit from plain data",
    plain({ type: "resource", key: "db", capacity: 3 }),
    { type: "resource", key: "db", capacity: 3 },
  ],
];

const DAILY = { type: "rate", key: "x", capacity: 10, every: "day", algorithm: "fixed-window" };

const REJECTED: readonly (readonly [title: string, limit: object, field: string, value: string])[] = [
  ["a capacity of 0", { ...RATE, capacity: 0 }, "capacity", "0"],
  ["a negative capacity", { ...RATE, capacity: -5 }, "capacity", "-5"],
  ["a capacity of NaN", { ...RATE, capacity: Number.NaN }, "capacity", "NaN"],
  ["a missing capacity", { type: "rate", key: "x", windowMs: 1000 }, "capacity", "undefined"],
  ["a capacity in words", { ...RATE, capacity: "ten" }, "capacity", "ten"],
  ["a resource limit of capacity 0", { type: "resource", key: "x", capacity: 0 }, "capacity", "0"],
  ["a resource limit of a fraction", { type: "resource", key: "x", capacity: 2.5 }, "capacity", "2.5"],
  ["a call limit of capacity 0", { type: "call", capacity: 0, windowMs: 1000 }, "capacity", "0"],
  ["a window of 0", { ...RATE, windowMs: 0 }, "windowMs", "0"],
  ["a negative window", { ...RATE, windowMs: -1000 }, "windowMs", "-1000"],
  ["a window of NaN", { ...RATE, windowMs: Number.NaN }, "windowMs", "NaN"],
  ["an infinite window", { ...RATE, windowMs: Number.POSITIVE_INFINITY }, "windowMs", "Infinity"],
  ["a missing window", { type: "rate", key: "x", capacity: 10 }, "windowMs", "undefined"],
  ["a window of the calendar that is none", { ...DAILY, every: "year" }, "every", "year"],
  ["a window of the calendar and a length", { ...DAILY, windowMs: 1000 }, "windowMs", "1000"],
  ["a token bucket of the calendar", { ...DAILY, algorithm: undefined }, "algorithm", "token-bucket"],
  ["a GCRA of the calendar", { ...DAILY, algorithm: "gcra" }, "algorithm", "gcra"],
  ["a time zone that is none", { ...DAILY, timeZone: "Mars/Olympus_Mons" }, "timeZone", "Mars/Olympus_Mons"],
  ["a time zone that is an offset", { ...DAILY, timeZone: "+05:30" }, "timeZone", "+05:30"],
  ["a time zone of null", { ...DAILY, timeZone: null }, "timeZone", "null"],
  ["a time zone without a calendar", { ...RATE, timeZone: "UTC" }, "timeZone", "UTC"],
  ["a unit that does not divide the capacity", { ...RATE, unit: 3 }, "unit", "3"],
  ["a unit of 0", { ...RATE, unit: 0 }, "unit", "0"],
  ["a negative unit", { ...RATE, unit: -1 }, "unit", "-1"],
  ["a unit of NaN", { ...RATE, unit: Number.NaN }, "unit", "NaN"],
  ["an empty key", { ...RATE, key: "" }, "key", '""'],
  ["a key that is no string", { ...RATE, key: 7 }, "key", "7"],
  ["a capacity below -Infinity", { ...RATE, capacity: Number.NEGATIVE_INFINITY }, "capacity", "-Infinity"],
  [
    "an infinite capacity with a burst",
    { ...RATE, capacity: Number.POSITIVE_INFINITY, algorithm: "gcra", burst: 5 },
    "burst",
    "5",
  ],
  ["a negative initial amount", { ...RATE, initial: -1 }, "initial", "-1"],
  ["an initial amount above the capacity", { ...RATE, initial: 11 }, "initial", "11"],
  ["an initial amount above the burst", { ...RATE, algorithm: "gcra", burst: 3, initial: 4 }, "initial", "4"],
  ["a fraction of a unit as initial amount", { ...RATE, initial: 0.5 }, "initial", "0.5"],
  [
    "an initial amount of a resource",
    { type: "resource", key: "x", capacity: 3, initial: 1 },
    "initial",
    "1",
  ],
  ["a word for enforce", { ...RATE, enforce: "no" }, "enforce", '"no"'],
  ["an empty metric", { ...RATE, counts: "" }, "counts", '""'],
  ["a metric that is no string", { ...RATE, counts: 7 }, "counts", "7"],
  ["a rate limit that counts calls", { ...RATE, counts: "call_count" }, "counts", "call_count"],
  ["a rate limit whose key is that of calls", { ...RATE, key: "call_count" }, "counts", "call_count"],
  [
    "a call limit that counts something else",
    { type: "call", counts: "x", capacity: 1, windowMs: 1 },
    "counts",
    "x",
  ],
  ["a resource limit that counts", { type: "resource", key: "x", counts: "y", capacity: 1 }, "counts", "y"],
  ["an unknown algorithm", { ...RATE, algorithm: "bucket" }, "algorithm", "bucket"],
  ["an unknown overage", { ...RATE, overage: "later" }, "overage", "later"],
  ["an unknown type", { ...RATE, type: "quota" }, "type", "quota"],
  ["a burst of 0", { ...RATE, algorithm: "gcra", burst: 0 }, "burst", "0"],
  ["a burst above the capacity", { ...RATE, algorithm: "gcra", burst: 11 }, "burst", "11"],
  ["a burst of NaN", { ...RATE, algorithm: "gcra", burst: Number.NaN }, "burst", "NaN"],
  ["a fraction of a unit as burst", { ...RATE, algorithm: "gcra", burst: 1.5 }, "burst", "1.5"],
  ["a burst for a token bucket", { ...RATE, burst: 4 }, "burst", "4"],
  ["a burst for a fixed window", { ...RATE, algorithm: "fixed-window", burst: 4 }, "burst", "4"],
];

const DUPLICATES: readonly (readonly [title: string, key: string, limits: readonly object[]])[] = [
  ["two rate limits with one key", "x", [RATE, { ...RATE, capacity: 20 }]],
  [
    "a rate limit and a resource limit with one key",
    "x",
    [RATE, { type: "resource", key: "x", capacity: 1 }],
  ],
  [
    "two call limits",
    "call_count",
    [
      { type: "call", capacity: 1, windowMs: 1000 },
      { type: "call", capacity: 9, windowMs: 60_000 },
    ],
  ],
];

/** Plain data, as it comes out of JSON, with the type of a limit. */
function plain(data: object): LimitLike {
  return data as LimitLike;
}

export const definitions: Theme = ({ it }) => {
  for (const [title, limit, reads] of READ_BACK) {
    it(`the definition of ${title} reads back as it was given`, async (create) => {
      const { limits } = await create([limit]);
      const [key] = await limits.keys;
      expect(await limits.get(key!)).toMatchObject(reads);
    });
  }

  for (const [title, limit, field, value] of REJECTED) {
    it(`the error for ${title} names the option and its value`, async (create) => {
      const error = await failure(() => create([plain(limit)]));
      expect(error).toBeInstanceOf(InvalidLimitError);
      expect(error.message).toContain(field);
      expect(error.message).toContain(value);
    });
  }

  for (const [title, key, limits] of DUPLICATES) {
    it(`${title} are refused`, async (create) => {
      const error = await failure(() => create(limits.map(plain)));
      expect(error).toBeInstanceOf(InvalidLimitError);
      expect(error.message).toContain("key");
      expect(error.message).toContain(key);
    });
  }

  it("a set has the keys of its limits, in their order", async (create) => {
    const { limits } = await create([
      new RateLimit({ key: "b", capacity: 1, windowMs: 1 }),
      new CallLimit({ capacity: 1, windowMs: 1 }),
      new ResourceLimit({ key: "a", capacity: 1 }),
    ]);
    expect([...limits.keys]).toEqual(["b", "call_count", "a"]);
  });
};
