import { expect } from "vitest";
import type { RateLimitAlgorithm } from "../../../src/index.ts";
import { START, type Theme } from "../harness.ts";
import { ALGORITHMS, failure, micro, rate, take, used } from "../tools.ts";

/** The amount in use of 200 in a minute, after 100 were taken at 0, and 150 were reported and released at 30 s. */
const CHARGED: Readonly<Record<RateLimitAlgorithm, number>> = {
  "token-bucket": 50,
  gcra: 50,
  "leaky-bucket": 50,
  "sliding-window": 150,
  "fixed-window": 150,
};

export const debt: Theme = ({ it }) => {
  for (const algorithm of ALGORITHMS) {
    it(`${algorithm} with debt charges usage above the request at the release`, async (create) => {
      const { limits, clock } = await create([rate("x", 200, 60_000, { algorithm, overage: "debt" })]);
      const acq = await take(limits, { x: 100 });
      await clock.advance(30_000);
      await acq.update({ x: 150 });
      await acq.release();
      expect(await used(limits)).toEqual({ x: CHARGED[algorithm] });
    });

    it(`${algorithm} with debt charges usage that was not requested`, async (create) => {
      const { limits } = await create([
        rate("x", 200, 60_000, { algorithm, overage: "debt" }),
        rate("y", 200, 60_000),
      ]);
      const acq = await take(limits, { y: 1 });
      await acq.update({ x: 30, y: 1 });
      await acq.release();
      expect(await used(limits)).toEqual({ x: 30, y: 1 });
    });
  }

  for (const algorithm of ["token-bucket", "gcra"] as const) {
    it(`${algorithm} with debt goes below zero, and refills from there`, async (create) => {
      const { limits, clock } = await create([rate("x", 100, 1000, { algorithm, overage: "debt" })]);
      const acq = await take(limits, { x: 100 });
      await acq.update({ x: 150 });
      await acq.release();
      expect((await limits.stats()).x).toMatchObject({ available: -50, used: 150 });
      expect(micro((await limits.tryAcquire({ x: 1 })).retryAfterMs)).toBe(510);
      await clock.advance(509.999);
      expect((await limits.tryAcquire({ x: 1 })).successful).toBe(false);
      await clock.advance(0.001);
      expect((await limits.tryAcquire({ x: 1 })).successful).toBe(true);
    });
  }

  it("a fixed window counts overage in the window of the release", async (create) => {
    const { limits, clock } = await create([
      rate("x", 200, 1000, { algorithm: "fixed-window", overage: "debt" }),
    ]);
    const acq = await take(limits, { x: 100 });
    await clock.set(START + 1500);
    await acq.update({ x: 150 });
    await acq.release();
    expect(await used(limits)).toEqual({ x: 50 });
    await clock.set(START + 2000);
    expect(await used(limits)).toEqual({ x: 0 });
  });

  it("a sliding window counts overage for a window from the release", async (create) => {
    const { limits, clock } = await create([
      rate("x", 200, 1000, { algorithm: "sliding-window", overage: "debt" }),
    ]);
    const acq = await take(limits, { x: 100 });
    await clock.set(START + 600);
    await acq.update({ x: 150 });
    await acq.release();
    await clock.set(START + 1000);
    expect(await used(limits)).toEqual({ x: 50 });
    await clock.set(START + 1600);
    expect(await used(limits)).toEqual({ x: 0 });
  });

  it("a rate limit with debt charges the last report, not the sum of all", async (create) => {
    const { limits } = await create([rate("x", 200, 60_000, { overage: "debt" })]);
    const acq = await take(limits, { x: 100 });
    await acq.update({ x: 190 });
    await acq.update({ x: 120 });
    await acq.release();
    expect(await used(limits)).toEqual({ x: 120 });
  });

  it("a rate limit with debt refunds unused units", async (create) => {
    const { limits } = await create([rate("x", 200, 60_000, { overage: "debt" })]);
    const acq = await take(limits, { x: 100 });
    await acq.update({ x: 40 });
    await acq.release();
    expect(await used(limits)).toEqual({ x: 40 });
  });

  it("a rate limit with debt refuses a request above its capacity", async (create) => {
    const { limits } = await create([rate("x", 200, 60_000, { overage: "debt" })]);
    expect((await failure(() => limits.acquire({ x: 201 }))).message).toMatch(/never/);
  });
};
