import { describe, expect, test } from "vitest";
import { LimitSet } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { ALGORITHMS, rate, resource } from "../conformance/tools.ts";

describe("a snapshot", () => {
  test("is frozen, with all it holds", () => {
    const stats = new LimitSet({ limits: [rate("x", 10, 1000), resource("db", 1)] }).stats();
    expect(Object.isFrozen(stats)).toBe(true);
    expect(Object.values(stats).map(Object.isFrozen)).toEqual([true, true]);
  });

  test("does not follow the set", () => {
    const limits = new LimitSet({ limits: [resource("db", 3)] });
    const before = limits.stats();
    limits.tryAcquire();
    expect(before.db.used).toBe(0);
    expect(limits.stats().db.used).toBe(1);
  });

  test("is plain data: it can be cloned and compared", () => {
    const stats = new LimitSet({ limits: [rate("x", 10, 1000), resource("db", 1)] }).stats();
    expect(structuredClone(stats)).toEqual(stats);
  });
});

describe("amounts", () => {
  test("used and available always add up to the capacity", () => {
    const clock = new ManualClock();
    const limits = new LimitSet({
      limits: ALGORITHMS.map((algorithm) => rate(algorithm, 7, 1000, { algorithm })),
      clock,
    });
    const everything = Object.fromEntries(ALGORITHMS.map((algorithm) => [algorithm, 7]));
    limits.tryAcquire(everything);
    for (let step = 0; step < 100; step++) {
      for (const { used, available, utilization } of Object.values(limits.stats())) {
        expect(used + available).toBe(7);
        expect(utilization).toBe(used / 7);
        expect(Number.isInteger(used)).toBe(true);
      }
      clock.advance(13.7);
    }
    expect(limits.stats()["token-bucket"].used).toBe(0);
  });

  test.each([
    [0, 10],
    [0.001, 10],
    [99.999, 10],
    [100, 9],
    [100.001, 9],
    [950, 1],
    [999.999, 1],
    [1000, 0],
  ])("after %s ms of refill %s are in use", (ms, used) => {
    const clock = new ManualClock();
    const limits = new LimitSet({ limits: [rate("x", 10, 1000)], clock });
    limits.tryAcquire({ x: 10 });
    clock.advance(ms);
    expect(limits.stats().x).toMatchObject({ used, available: 10 - used });
  });

  test("the amount that stats calls available can be taken, and no unit more", () => {
    const clock = new ManualClock();
    for (const algorithm of ALGORITHMS.filter((each) => each !== "leaky-bucket")) {
      const limits = new LimitSet({ limits: [rate("x", 9, 1000, { algorithm })], clock });
      for (let step = 1; step < 50; step++) {
        clock.advance(step * 7.3);
        const { available } = limits.stats().x;
        if (available > 0) expect(limits.tryAcquire({ x: available }).successful).toBe(true);
        expect(limits.tryAcquire({ x: 1 }).successful).toBe(false);
      }
    }
  });
});

describe("retryAfterMs", () => {
  test.each(ALGORITHMS)("of %s is when one unit passes", (algorithm) => {
    const clock = new ManualClock();
    const limits = new LimitSet({ limits: [rate("x", 7, 1000, { algorithm })], clock });
    limits.tryAcquire({ x: 7 });
    const { retryAfterMs } = limits.stats().x;
    expect(retryAfterMs).toBeGreaterThan(0);
    clock.advance(retryAfterMs - 0.001);
    expect(limits.tryAcquire({ x: 1 }).successful).toBe(false);
    clock.advance(0.001);
    expect(limits.stats().x.retryAfterMs).toBe(0);
    expect(limits.tryAcquire({ x: 1 }).successful).toBe(true);
  });
});
