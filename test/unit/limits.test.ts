import { describe, expect, test } from "vitest";
import {
  CallLimit,
  InvalidLimitError,
  type Limit,
  type LimitLike,
  LimitSet,
  RateLimit,
  RateLimitAlgorithm,
  ResourceLimit,
} from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";

const RATE = { key: "tokens", capacity: 100, windowMs: 1000 } as const;

const EACH: readonly (readonly [name: string, limit: Limit])[] = [
  ["RateLimit", new RateLimit({ ...RATE, algorithm: "gcra", burst: 10, unit: 2, overage: "debt" })],
  ["CallLimit", new CallLimit({ capacity: 5, windowMs: 100, algorithm: "sliding-window" })],
  [
    "CallLimit",
    new CallLimit({ capacity: 5, every: "day", timeZone: "Asia/Tokyo", algorithm: "fixed-window" }),
  ],
  ["ResourceLimit", new ResourceLimit({ key: "db", capacity: 3 })],
];

test("algorithms have the names that data use", () => {
  expect(RateLimitAlgorithm).toEqual({
    TokenBucket: "token-bucket",
    LeakyBucket: "leaky-bucket",
    SlidingWindow: "sliding-window",
    FixedWindow: "fixed-window",
    GCRA: "gcra",
  });
});

describe.each(EACH)("%s", (name, limit) => {
  test("is frozen", () => {
    expect(Object.isFrozen(limit)).toBe(true);
    expect(() => Object.assign(limit, { capacity: 1_000_000 })).toThrow(TypeError);
  });

  test("is data: nothing can be called on it", () => {
    for (const level of [limit, Object.getPrototypeOf(limit)]) {
      const names = Object.getOwnPropertyNames(level).filter((each) => each !== "constructor");
      expect(names.filter((each) => typeof Reflect.get(limit, each) === "function")).toEqual([]);
    }
  });

  test("survives JSON: the plain object makes the same limit", () => {
    const plain = JSON.parse(JSON.stringify(limit)) as LimitLike;
    const [fromPlain, fromClass] = [plain, limit].map((each) => new LimitSet({ limits: [each] }));
    const { stats: _, ...read } = fromPlain!.get(limit.key);
    const { stats: __, ...original } = fromClass!.get(limit.key);
    expect(read).toEqual(original);
    expect(read).toEqual({ ...limit });
    expect(fromPlain!.stats()).toEqual(fromClass!.stats());
  });

  test("has a type", () => {
    expect(`${limit.type}limit`).toBe(name.toLowerCase());
  });
});

describe("defaults", () => {
  test("of a rate", () => {
    expect({ ...new RateLimit(RATE) }).toEqual({
      ...RATE,
      type: "rate",
      counts: RATE.key,
      algorithm: "token-bucket",
      unit: 1,
      overage: "error",
      enforce: true,
    });
  });

  test("of a GCRA rate", () => {
    expect(new RateLimit({ ...RATE, algorithm: "gcra" }).burst).toBe(100);
  });

  test("of calls", () => {
    expect({ ...new CallLimit({ capacity: 5, windowMs: 100 }) }).toEqual({
      type: "call",
      key: "call_count",
      counts: "call_count",
      capacity: 5,
      windowMs: 100,
      algorithm: "token-bucket",
      enforce: true,
    });
  });

  test("a CallLimit has the key that it is given, and counts call_count", () => {
    const options = { key: "mine", capacity: 5, windowMs: 100 };
    expect(new CallLimit(options)).toMatchObject({ key: "mine", counts: "call_count" });
    const set = new LimitSet({ limits: [{ type: "call", ...options } as LimitLike] });
    expect(set.keys).toEqual(["mine"]);
    expect(set.tryAcquire().requested).toEqual({ call_count: 1 });
  });
});

describe("a bad definition is refused by the class itself", () => {
  const CASES: readonly (readonly [title: string, make: () => unknown, field: string, value: unknown])[] = [
    ["rate of capacity 0", () => new RateLimit({ ...RATE, capacity: 0 }), "capacity", 0],
    ["rate of capacity NaN", () => new RateLimit({ ...RATE, capacity: Number.NaN }), "capacity", Number.NaN],
    ["rate without a window", () => new RateLimit({ ...RATE, windowMs: 0 }), "windowMs", 0],
    ["rate with an empty key", () => new RateLimit({ ...RATE, key: "" }), "key", ""],
    ["unit of 0", () => new RateLimit({ ...RATE, unit: 0 }), "unit", 0],
    ["burst beyond it", () => new RateLimit({ ...RATE, algorithm: "gcra", burst: 101 }), "burst", 101],
    ["burst of a bucket", () => new RateLimit({ ...RATE, burst: 5 }), "burst", 5],
    ["calls of capacity -1", () => new CallLimit({ capacity: -1, windowMs: 100 }), "capacity", -1],
    ["calls in no time", () => new CallLimit({ capacity: 1, windowMs: Number.NaN }), "windowMs", Number.NaN],
    ["half a resource", () => new ResourceLimit({ key: "db", capacity: 0.5 }), "capacity", 0.5],
    ["resource without a key", () => new ResourceLimit({ key: "", capacity: 1 }), "key", ""],
  ];

  test.each(CASES)("%s", (_, make, field, value) => {
    let error: unknown;
    try {
      make();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(InvalidLimitError);
    expect(error).toMatchObject({ field, value });
  });

  test.each([undefined, null, 5, "limit"])("options %s", (options) => {
    const data = options as never;
    for (const make of [
      () => new RateLimit(data),
      () => new CallLimit(data),
      () => new ResourceLimit(data),
    ]) {
      expect(make).toThrow(InvalidLimitError);
    }
    expect(() => new LimitSet({ limits: [data] })).toThrow(InvalidLimitError);
  });
});

describe("objects that were passed stay the caller's", () => {
  test("options changed after construction change no limit", () => {
    const options = { key: "tokens", capacity: 100, windowMs: 1000 };
    const limit = new RateLimit(options);
    options.capacity = 5;
    expect(limit.capacity).toBe(100);
  });

  test("a plain limit changed after construction changes no set", () => {
    const plain = { type: "resource" as const, key: "db", capacity: 3 };
    const limits = new LimitSet({ limits: [plain] });
    plain.capacity = 1;
    plain.key = "other";
    expect(limits.tryAcquire({ db: 3 }).successful).toBe(true);
    expect(limits.get("db").capacity).toBe(3);
  });

  test("a plain limit is not frozen", () => {
    const plain = { type: "resource" as const, key: "db", capacity: 3 };
    new LimitSet({ limits: [plain] });
    expect(Object.isFrozen(plain)).toBe(false);
  });

  test("the list of limits can change afterwards", () => {
    const list = [new ResourceLimit({ key: "db", capacity: 3 })];
    const limits = new LimitSet({ limits: list });
    list.pop();
    expect(limits.keys).toEqual(["db"]);
    expect(limits.tryAcquire().requested).toEqual({ db: 1 });
  });

  test("one definition in two sets shares no state", () => {
    const limit = new ResourceLimit({ key: "db", capacity: 1 });
    const [one, other] = [new LimitSet({ limits: [limit] }), new LimitSet({ limits: [limit] })];
    expect(one.tryAcquire().successful).toBe(true);
    expect(other.tryAcquire().successful).toBe(true);
    expect(one.tryAcquire().successful).toBe(false);
  });
});

describe("extremes that make sense are accepted", () => {
  test.each([
    ["a window of a microsecond", { ...RATE, windowMs: 0.001 }],
    ["a window of a year", { ...RATE, windowMs: 365 * 86_400_000 }],
    ["a capacity of a billion", { ...RATE, capacity: 1e9 }],
    ["a unit of a millionth", { ...RATE, capacity: 1, unit: 1e-6 }],
    ["a unit as large as the capacity", { ...RATE, unit: 100 }],
    ["a unit of a thousand", { ...RATE, capacity: 5000, unit: 1000 }],
  ])("%s", (_, options) => {
    const limits = new LimitSet({ limits: [new RateLimit(options)], clock: new ManualClock() });
    expect(limits.tryAcquire({ tokens: options.capacity }).successful).toBe(true);
    expect(limits.stats().tokens.available).toBe(0);
  });
});
