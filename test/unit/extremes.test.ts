import { describe, expect, test } from "vitest";
import { LimitSet, type RateFields, RateLimit, RateLimitAlgorithm } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";

const DAY_MS = 86_400_000;

interface Row extends Partial<RateFields<"x">> {
  capacity: number;
  windowMs: number;
  /** Asked once everything is taken, and when it passes. */
  asked: number;
  passesMs: number;
}

const TOKEN_BUCKETS: Row[] = [
  // 10^12 in 8.64 x 10^10 microseconds are 625 in 54.
  { capacity: 1e12, windowMs: DAY_MS, asked: 625, passesMs: 0.054 },
  { capacity: 1e12, windowMs: DAY_MS, asked: 626, passesMs: 0.055 },
  { capacity: 1e12, windowMs: DAY_MS, asked: 1e12, passesMs: DAY_MS },
  { capacity: 1e9, windowMs: DAY_MS, unit: 0.001, asked: 0.625, passesMs: 0.054 },
  { capacity: 1, windowMs: 1, asked: 1, passesMs: 1 },
  { capacity: 1000, windowMs: 1000, unit: 0.001, asked: 0.001, passesMs: 0.001 },
  { capacity: 1, windowMs: 0.001, asked: 1, passesMs: 0.001 },
];

function check({ asked, passesMs, ...definition }: Row): void {
  // In the middle of a day, at a whole window of every row.
  const startMs = Date.UTC(2026, 0, 1);
  const clock = new ManualClock(startMs);
  const limits = new LimitSet({ limits: [new RateLimit({ key: "x", ...definition })], clock });
  expect(limits.tryAcquire({ x: definition.capacity }).successful).toBe(true);
  expect(limits.tryAcquire({ x: asked }).retryAfterMs).toBe(passesMs);
  clock.set(startMs + passesMs - 0.001);
  expect(limits.tryAcquire({ x: asked }).successful).toBe(false);
  clock.set(startMs + passesMs);
  expect(limits.tryAcquire({ x: asked }).successful).toBe(true);
  limits.close();
}

describe("to the microsecond", () => {
  test.each(TOKEN_BUCKETS)("$capacity in $windowMs ms, unit $unit: $asked passes after $passesMs ms", check);

  test.each(Object.values(RateLimitAlgorithm))(
    "%s: 1 in a millisecond, 10^12 in a day, a unit of 0.001",
    (algorithm) => {
      check({ algorithm, capacity: 1, windowMs: 1, asked: 1, passesMs: 1 });
      check({ algorithm, capacity: 1e12, windowMs: DAY_MS, asked: 1e12, passesMs: DAY_MS });
      check({ algorithm, capacity: 5, windowMs: 1000, unit: 0.001, asked: 5, passesMs: 1000 });
    },
  );
});
