import { expect } from "vitest";
import type { RateLimitAlgorithm } from "../../../src/index.ts";
import { START, type Theme } from "../harness.ts";
import { ALGORITHMS, rate, take, used } from "../tools.ts";

/** In use after 6 of 10 were taken and 2 reported. */
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
    it(`${algorithm}: of six taken and two used, ${remaining} stay in use`, async (create) => {
      const { limits } = await create([rate("x", 10, 60_000, { algorithm })]);
      const acq = await take(limits, { x: 6 });
      await acq.update({ x: 2 });
      await acq.release();
      expect(await used(limits)).toEqual({ x: remaining });
    });
  }

  for (const algorithm of ["token-bucket", "gcra"] as const) {
    it(`${algorithm}: requested 100, reported 50 and then 80, gives 20 back once`, async (create) => {
      const { limits } = await create([rate("x", 100, 60_000, { algorithm })]);
      const acq = await take(limits, { x: 100 });
      await acq.update({ x: 50 });
      await acq.update({ x: 80 });
      await acq.release();
      expect((await limits.stats()).x.available).toBe(20);
      await acq.release();
      expect((await limits.stats()).x.available).toBe(20);
    });

    it(`${algorithm}: what the refill has made good does not come back again`, async (create) => {
      const { limits, clock } = await create([rate("x", 100, 1000, { algorithm })]);
      const first = await take(limits, { x: 100 });
      await clock.set(START + 1000);
      await take(limits, { x: 100 });
      await first.update({ x: 0 });
      await first.release();
      expect((await limits.stats()).x.available).toBe(0);
      expect((await limits.tryAcquire({ x: 1 })).successful).toBe(false);
    });

    it(`${algorithm}: 100 reserved, 40 used, released after 10 ms leaves 61`, async (create) => {
      const { limits, clock } = await create([rate("x", 100, 1000, { algorithm })]);
      const acq = await take(limits, { x: 100 });
      await clock.set(START + 10);
      await acq.update({ x: 40 });
      await acq.release();
      expect((await limits.stats()).x.available).toBe(61);
    });

    it(`${algorithm}: a refund is bounded by the lowest debt since the reservation`, async (create) => {
      const { limits, clock } = await create([rate("x", 100, 1000, { algorithm })]);
      const first = await take(limits, { x: 100 });
      await clock.set(START + 700);
      await take(limits, { x: 60 });
      await clock.set(START + 800);
      await first.update({ x: 0 });
      await first.release();
      // Had nothing been reserved at 0, the bucket would have been full at 700: 60 less the 10 of 100 ms.
      expect(await used(limits)).toEqual({ x: 50 });
    });

    it(`${algorithm}: a refund never makes more than the capacity`, async (create) => {
      const { limits, clock } = await create([rate("x", 100, 1000, { algorithm })]);
      const acq = await take(limits, { x: 100 });
      await clock.set(START + 990);
      await acq.update({ x: 0 });
      await acq.release();
      expect((await limits.stats()).x.available).toBe(100);
      await take(limits, { x: 100 });
      expect((await limits.tryAcquire({ x: 1 })).successful).toBe(false);
    });

    it(`${algorithm}: two refunds do not give back the same twice`, async (create) => {
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

    // Without the first, the second would have found an empty debt at 100, so 40 of its own stand at 200.
    it(`${algorithm}: a refund bounds those of later reservations`, async (create) => {
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

  it("a refund serves a waiter", async (create) => {
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
