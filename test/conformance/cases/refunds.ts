import { expect } from "vitest";
import type { RateLimitAlgorithm } from "../../../src/index.ts";
import { START, type Theme } from "../harness.ts";
import { ALGORITHMS, rate, take, used } from "../tools.ts";

/** The amount in use after a request of 6 of 10 that has reported 2. */
const AFTER_REFUND: Readonly<Record<RateLimitAlgorithm, number>> = {
  "token-bucket": 2,
  gcra: 2,
  "leaky-bucket": 6,
  "sliding-window": 6,
  "fixed-window": 6,
};

export const refunds: Theme = ({ it }) => {
  for (const algorithm of ALGORITHMS) {
    const remaining = AFTER_REFUND[algorithm];
    it(`${algorithm} has ${remaining} in use after a request of 6 that used 2`, async (create) => {
      const { limits } = await create([rate("x", 10, 60_000, { algorithm })]);
      const acq = await take(limits, { x: 6 });
      await acq.update({ x: 2 });
      await acq.release();
      expect(await used(limits)).toEqual({ x: remaining });
    });
  }

  for (const algorithm of ["token-bucket", "gcra"] as const) {
    it(`${algorithm} refunds a request by its last report, and only once`, async (create) => {
      const { limits } = await create([rate("x", 100, 60_000, { algorithm })]);
      const acq = await take(limits, { x: 100 });
      await acq.update({ x: 50 });
      await acq.update({ x: 80 });
      await acq.release();
      expect((await limits.stats()).x.available).toBe(20);
      await acq.release();
      expect((await limits.stats()).x.available).toBe(20);
    });

    it(`${algorithm} does not refund units that the refill has made good already`, async (create) => {
      const { limits, clock } = await create([rate("x", 100, 1000, { algorithm })]);
      const first = await take(limits, { x: 100 });
      await clock.set(START + 1000);
      await take(limits, { x: 100 });
      await first.update({ x: 0 });
      await first.release();
      expect((await limits.stats()).x.available).toBe(0);
      expect((await limits.tryAcquire({ x: 1 })).successful).toBe(false);
    });

    it(`${algorithm} adds a refund to the refill since the reservation`, async (create) => {
      const { limits, clock } = await create([rate("x", 100, 1000, { algorithm })]);
      const acq = await take(limits, { x: 100 });
      await clock.set(START + 10);
      await acq.update({ x: 40 });
      await acq.release();
      expect((await limits.stats()).x.available).toBe(61);
    });

    it(`${algorithm} refunds no more than the lowest debt since the reservation`, async (create) => {
      const { limits, clock } = await create([rate("x", 100, 1000, { algorithm })]);
      const first = await take(limits, { x: 100 });
      await clock.set(START + 700);
      await take(limits, { x: 60 });
      await clock.set(START + 800);
      await first.update({ x: 0 });
      await first.release();
      // If nothing had been reserved at 0, the bucket would have been full at 700. Then 60 were taken, and 100 ms refill 10.
      expect(await used(limits)).toEqual({ x: 50 });
    });

    it(`${algorithm} never has more than the capacity after a refund`, async (create) => {
      const { limits, clock } = await create([rate("x", 100, 1000, { algorithm })]);
      const acq = await take(limits, { x: 100 });
      await clock.set(START + 990);
      await acq.update({ x: 0 });
      await acq.release();
      expect((await limits.stats()).x.available).toBe(100);
      await take(limits, { x: 100 });
      expect((await limits.tryAcquire({ x: 1 })).successful).toBe(false);
    });

    it(`${algorithm} does not give back the same units in two refunds`, async (create) => {
      const { limits, clock } = await create([rate("x", 100, 1000, { algorithm })]);
      const first = await take(limits, { x: 50 });
      const second = await take(limits, { x: 50 });
      await clock.set(START + 400);
      for (const acq of [first, second]) {
        await acq.update({ x: 0 });
        await acq.release();
      }
      await take(limits, { x: 100 });
      expect((await limits.tryAcquire({ x: 1 })).successful).toBe(false);
    });

    // Without the first reservation, the second would have found no debt at 100, so that 40 of its 50 are still owed at 200.
    it(`${algorithm} refunds a later reservation less after the refund of an earlier one`, async (create) => {
      const { limits, clock } = await create([rate("x", 100, 1000, { algorithm })]);
      const first = await take(limits, { x: 60 });
      await clock.set(START + 100);
      const second = await take(limits, { x: 50 });
      await clock.set(START + 200);
      await first.update({ x: 0 });
      await first.release();
      expect(await used(limits)).toEqual({ x: 40 });
      await take(limits, { x: 60 });
      await second.update({ x: 0 });
      await second.release();
      expect(await used(limits)).toEqual({ x: 60 });
    });
  }

  it("a refund lets a waiter go", async (create) => {
    const { limits, settle } = await create([rate("x", 100, 60_000)]);
    const holder = await take(limits, { x: 100 });
    const waiter = limits.acquire({ x: 30 });
    await settle();
    await holder.update({ x: 60 });
    await holder.release();
    expect((await waiter).requested).toEqual({ x: 30 });
    expect(await used(limits)).toEqual({ x: 90 });
  });
};
