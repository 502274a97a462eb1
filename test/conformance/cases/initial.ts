import { expect } from "vitest";
import { CallLimit, RateLimit, RateLimitAlgorithm } from "../../../src/index.ts";
import type { Theme } from "../harness.ts";
import { ALGORITHMS, take, used } from "../tools.ts";

const { TokenBucket, GCRA } = RateLimitAlgorithm;

export const initial: Theme = ({ it }) => {
  for (const algorithm of ALGORITHMS) {
    const first = algorithm === TokenBucket || algorithm === GCRA ? 100 : 1000;
    it(`a ${algorithm} of 10 a second that begins at 0 lets one pass after ${first} ms`, async (create) => {
      const { limits, clock } = await create([
        new RateLimit({ key: "x", capacity: 10, windowMs: 1000, algorithm, initial: 0 }),
      ]);
      const refused = await limits.tryAcquire({ x: 1 });
      expect(refused.successful).toBe(false);
      expect(refused.retryAfterMs).toBe(first);
      await clock.advance(first - 1);
      expect((await limits.tryAcquire({ x: 1 })).successful).toBe(false);
      await clock.advance(1);
      await take(limits, { x: 1 });
    });
  }

  it("a limit begins with its initial amount, in units, and others begin full", async (create) => {
    const { limits } = await create([
      new RateLimit({ key: "x", capacity: 1, windowMs: 1000, unit: 0.1, initial: 0.3 }),
      new RateLimit({ key: "y", capacity: 10, windowMs: 1000, algorithm: "gcra", burst: 4, initial: 1 }),
      new RateLimit({ key: "z", capacity: 10, windowMs: 1000 }),
      new CallLimit({ capacity: 10, windowMs: 1000, initial: 6 }),
    ]);
    expect(await used(limits)).toEqual({ x: 0.7, y: 3, z: 0, call_count: 4 });
    expect((await limits.stats()).x.available).toBe(0.3);
    expect(limits.get("x")).toMatchObject({ initial: 0.3 });
    expect(limits.get("z")).not.toHaveProperty("initial");
  });

  it("an initial amount that is full takes nothing", async (create) => {
    const { limits } = await create([new RateLimit({ key: "x", capacity: 10, windowMs: 1000, initial: 10 })]);
    expect(await used(limits)).toEqual({ x: 0 });
  });
};
