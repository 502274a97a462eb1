import { expect } from "vitest";
import type { RateLimitAlgorithm } from "../../../src/index.ts";
import { START, type Theme } from "../harness.ts";
import { ALGORITHMS, micro, rate, take } from "../tools.ts";

const WINDOWS = [1000, 60_000, 3_600_000];
const SAMPLE = [1, 2, 3, 7, 10, 13, 60, 64, 97, 127, 128, 129, 255, 1000];

/** Longer than each window, and a whole multiple of none. */
const IDLE_MS = 7_777_777.777;

/** Capacities and windows whose product has more than 61 bits, and the whole units that leak in the first microsecond. */
const REFILLED_IN_A_MICROSECOND = [
  [2 ** 40, 86_400_000, 12],
  [123_456_789_012, 3_600_000, 34],
  [2 ** 50, 86_400_000, 13_031],
] as const;

/** A whole multiple of 2^24 microseconds: where a coarser count of time would move on. */
const EDGE_MS = (Math.ceil((START * 1000) / 2 ** 24) * 2 ** 24) / 1000;

type Sweep = `${RateLimitAlgorithm} ${number}`;

/** A leaky bucket never grants two requests at one instant. */
const takesSingles = (key: Sweep) => !key.startsWith("leaky-bucket");

function amounts(keys: readonly Sweep[], amount: number): Partial<Record<Sweep, number>> {
  return Object.fromEntries(keys.map((key) => [key, amount]));
}

export const exactness: Theme = ({ it, capabilities }) => {
  const capacities = capabilities.exhaustive ? Array.from({ length: 1000 }, (_, i) => i + 1) : SAMPLE;

  // All algorithms and windows are in one set, so that one request tries them all.
  it("an idle limit of any capacity grants the whole capacity at once, and no more as single units", async (create) => {
    const faults: string[] = [];
    for (const capacity of capacities) {
      const sweeps = ALGORITHMS.flatMap((algorithm) =>
        WINDOWS.map((windowMs) =>
          rate(`${algorithm} ${windowMs}` as Sweep, capacity, windowMs, { algorithm }),
        ),
      );
      const { limits, clock, close } = await create(sweeps);
      const keys = sweeps.map(({ key }) => key);
      const everything = amounts(keys, capacity);
      const singleKeys = keys.filter(takesSingles);
      const single = amounts(singleKeys, 1);
      const note = (what: string, limitedBy: readonly string[]) =>
        faults.push(`capacity ${capacity}: ${what} ${limitedBy.join(", ")}`);

      const fresh = await limits.tryAcquire(everything);
      if (!fresh.successful) note("new, but refused in full by", fresh.limitedBy);
      await clock.advance(IDLE_MS);
      const idle = await limits.tryAcquire(everything);
      if (!idle.successful) note("idle, but refused in full by", idle.limitedBy);
      await clock.advance(IDLE_MS);
      for (let i = 1; i <= capacity; i++) {
        const one = await limits.tryAcquire(single);
        if (!one.successful) note(`single ${i} refused by`, one.limitedBy);
      }
      const last = await limits.tryAcquire(single);
      const lax = singleKeys.filter((key) => !last.limitedBy.includes(key));
      if (lax.length > 0) note(`single ${capacity + 1} not refused by`, lax);
      await close();
    }
    expect(faults).toEqual([]);
  });

  for (const algorithm of ["token-bucket", "gcra", "leaky-bucket"] as const) {
    for (const [capacity, windowMs, refilled] of REFILLED_IN_A_MICROSECOND) {
      it(`${algorithm} of ${capacity} in ${windowMs} ms leaks ${refilled} units in a microsecond, never more`, async (create) => {
        const { limits, clock } = await create([rate("x", capacity, windowMs, { algorithm })]);
        await clock.set(EDGE_MS - 0.001);
        await take(limits, { x: capacity });
        await clock.set(EDGE_MS);
        expect((await limits.stats()).x.available).toBe(refilled);
        if (algorithm === "leaky-bucket") return;
        const refused = await limits.tryAcquire({ x: refilled + 1 });
        expect([refused.successful, micro(refused.retryAfterMs)]).toEqual([false, 0.001]);
        expect((await limits.tryAcquire({ x: refilled })).successful).toBe(true);
        expect((await limits.tryAcquire({ x: 1 })).successful).toBe(false);
      });
    }
  }
};
