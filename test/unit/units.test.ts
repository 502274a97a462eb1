/** Which amounts count as whole multiples of a unit. */
import { describe, expect, test } from "vitest";
import { LimitSet, RateLimit } from "../../src/index.ts";
import { toUnits } from "../../src/limits/units.ts";

describe("counts as the multiple that it means:", () => {
  test.each([
    [0.1 + 0.2, 0.1, 3],
    [0.1 + 0.7, 0.1, 8],
    [1.1 * 3, 0.1, 33],
    [0.1 + 0.2 - 0.3, 0.1, 0],
    [0.3 - 0.1 - 0.2, 0.1, 0],
    [2.9999999999999996, 1, 3],
    [3.0000000000000004, 1, 3],
    [3 + 0.9e-6, 1, 3],
    [1e15 / 10, 0.1, 1e15],
    [Number.MAX_SAFE_INTEGER, 1, Number.MAX_SAFE_INTEGER],
  ])("%s of a unit of %s", (amount, unit, units) => {
    expect(toUnits(amount, unit)).toBe(units);
  });

  test("every sum of three thousand millionths", () => {
    let sum = 0;
    for (let i = 1; i <= 3000; i++) {
      sum += 0.000001;
      expect(toUnits(sum, 0.000001)).toBe(i);
    }
  });

  test("every sum of decimals, whatever the order", () => {
    let sum = 0;
    let units = 0;
    for (let i = 1; i <= 10_000; i++) {
      const next = (i * 7919) % 1000;
      sum += next / 1000;
      units += next;
      expect(toUnits(sum, 0.001)).toBe(units);
    }
  });
});

describe("is no multiple:", () => {
  test.each([
    [0.1 + 0.2, 1],
    [0.5, 1],
    [3 + 2e-6, 1],
    [2 ** 50 + 0.25, 1],
    [2 ** 51 + 0.5, 1],
    [2 ** 53, 1],
    [0.15, 0.1],
    [0.30001, 0.1],
    [0.25, 0.5],
    [2 ** 49 + 0.25, 0.5],
    [0.0015, 0.001],
    [1e-5, 1],
    [-0.1, 0.1],
    [Number.NaN, 0.1],
    [Number.POSITIVE_INFINITY, 0.1],
    ["3" as never, 0.1],
    [3n as never, 1],
  ])("%s of a unit of %s", (amount, unit) => {
    expect(toUnits(amount, unit) < 0).toBe(true);
  });
});

test("what was meant is what is counted, shown and given back", () => {
  const limit = new RateLimit({
    key: "usd",
    capacity: 1,
    windowMs: 1000,
    unit: 0.1,
    algorithm: "gcra",
    burst: 0.1 + 0.2,
  });
  const limits = new LimitSet({ limits: [limit] });
  const acquisition = limits.tryAcquire({ usd: 0.1 + 0.2 });
  expect(acquisition.requested).toEqual({ usd: 0.3 });
  acquisition.update({ usd: 0.3 - 0.1 - 0.2 });
  acquisition.release();
  expect(limits.stats().usd.used).toBe(0);
  expect(() => limits.tryAcquire({ usd: 0.25 })).toThrow("must be a multiple of 0.1");
});
