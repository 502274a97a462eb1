import { describe, expect, test } from "vitest";
import {
  CallLimit,
  InvalidLimitError,
  type LimitLike,
  LimitSet,
  RateLimit,
  ResourceLimit,
} from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";

const RATE = { key: "tokens", capacity: 10, windowMs: 1000, per: "user" } as const;

describe("a limit with `per`", () => {
  test("has the dimension and the tiers that it was given", () => {
    const tiers = { pro: { capacity: 1000, windowMs: 60_000 }, free: {} };
    const each = [
      new RateLimit({ ...RATE, tiers }),
      new CallLimit({ capacity: 10, windowMs: 1000, per: "user", tiers }),
      new ResourceLimit({ key: "db", capacity: 10, per: "user", tiers: { pro: { capacity: 1000 } } }),
    ];
    for (const limit of each) {
      expect(limit.per).toBe("user");
      expect(limit.tiers?.["pro"]?.capacity).toBe(1000);
      expect(Object.isFrozen(limit.tiers) && Object.isFrozen(limit.tiers?.["pro"])).toBe(true);
    }
    expect(each[0]!.tiers).toEqual(tiers);
  });

  test("survives JSON with the bursts of its tiers", () => {
    const gcra = new RateLimit({
      ...RATE,
      algorithm: "gcra",
      tiers: { pro: { capacity: 1000 }, tiny: { capacity: 2 }, same: { windowMs: 5 }, own: { burst: 3 } },
    });
    expect(gcra.tiers).toEqual({
      pro: { capacity: 1000, burst: 1000 },
      tiny: { capacity: 2, burst: 2 },
      same: { windowMs: 5 },
      own: { burst: 3 },
    });
    expect({ ...new RateLimit(JSON.parse(JSON.stringify(gcra)) as RateLimit) }).toEqual({ ...gcra });
    expect({ ...new RateLimit(gcra as RateLimit<"tokens", "tokens", "user">) }).toEqual({ ...gcra });
  });

  test("may have a tier without an end", () => {
    const tiers = { pro: { capacity: Number.POSITIVE_INFINITY } };
    expect(new RateLimit({ ...RATE, algorithm: "gcra", tiers }).tiers).toEqual(tiers);
  });

  test("may have tiers of any name", () => {
    const tiers = JSON.parse('{ "__proto__": { "capacity": 5 }, "": { "capacity": 6 } }');
    const limit = new RateLimit({ ...RATE, tiers });
    expect(Object.keys(limit.tiers!)).toEqual(["__proto__", ""]);
  });
});

const WRONG: readonly (readonly [title: string, limit: object, field: string, bounds: RegExp])[] = [
  ["an empty dimension", { ...RATE, per: "" }, "per", /a string, not empty/],
  ["a dimension that is no string", { ...RATE, per: 5 }, "per", /a string, not empty/],
  ["initial with per", { ...RATE, initial: 0 }, "initial", /begins full/],
  ["tiers without per", { ...RATE, per: undefined, tiers: {} }, "tiers", /only limits with `per`/],
  ["tiers that are no object", { ...RATE, tiers: [{}] }, "tiers", /an object with/],
  ["a tier that is no object", { ...RATE, tiers: { pro: 5 } }, 'tiers["pro"]', /an object/],
  [
    "an unknown field",
    { ...RATE, tiers: { pro: { algorithm: "gcra" } } },
    'tiers["pro"].algorithm',
    /no such/,
  ],
  ["a misspelt field", { ...RATE, tiers: { pro: { capcity: 5 } } }, 'tiers["pro"].capcity', /mean capacity/],
  ["a capacity of 0", { ...RATE, tiers: { pro: { capacity: 0 } } }, 'tiers["pro"].capacity', /positive/],
  ["a window of 0", { ...RATE, tiers: { pro: { windowMs: 0 } } }, 'tiers["pro"].windowMs', /0\.001/],
  ["a burst without GCRA", { ...RATE, tiers: { pro: { burst: 1 } } }, 'tiers["pro"].burst', /only GCRA/],
  [
    "a capacity below the burst",
    { ...RATE, algorithm: "gcra", burst: 5, tiers: { tiny: { capacity: 2 } } },
    'tiers["tiny"].burst',
    /up to the capacity 2/,
  ],
  [
    "a window where there is a calendar",
    {
      ...RATE,
      windowMs: undefined,
      every: "day",
      algorithm: "fixed-window",
      tiers: { pro: { windowMs: 1 } },
    },
    'tiers["pro"].windowMs',
    /each day/,
  ],
];

test.each(WRONG)("%s is an error that names it", (_, limit, field, bounds) => {
  const make = () => new LimitSet({ limits: [{ type: "rate", ...limit } as LimitLike] });
  expect(make).toThrow(InvalidLimitError);
  expect(make).toThrow(expect.objectContaining({ field, bounds: expect.stringMatching(bounds) }));
});

test("a resource has no windows in its tiers", () => {
  const make = () =>
    new ResourceLimit({ key: "db", capacity: 1, per: "user", tiers: { pro: { windowMs: 5 } } });
  expect(make).toThrow(/tiers\["pro"\]\.windowMs of "db" must be left out/);
});

test("a dimension is shared for as long as the shared state has not recovered", () => {
  const clock = new ManualClock();
  const limits = [new CallLimit({ capacity: 1, windowMs: 1000, per: "user" })];
  const set = new LimitSet({ limits, partitions: { user: { max: 1 } }, clock });
  set.for({ user: "first" }).tryAcquire();
  clock.advance(500);
  expect(set.partitions.user).toEqual({ count: 1, max: 1, shared: false });
  set.for({ user: "second" }).tryAcquire();
  expect(set.partitions.user).toEqual({ count: 1, max: 1, shared: true });
  clock.advance(500);
  // The first has recovered, but a newcomer may have taken from the shared state.
  expect(set.partitions.user.shared).toBe(true);
  clock.advance(500);
  expect(set.partitions.user.shared).toBe(false);
});
