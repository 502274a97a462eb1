import { expect } from "vitest";
import type { Theme } from "../harness.ts";
import { ALGORITHMS, calls, micro, rate, resource, take } from "../tools.ts";

export const statistics: Theme = ({ it }) => {
  it("stats report the properties of each kind of limit", async (create) => {
    const { limits } = await create([
      rate("tokens", 200, 60_000, { algorithm: "sliding-window" }),
      calls(10, 1000),
      resource("db", 4),
    ]);
    await take(limits, { tokens: 50, db: 3 });
    expect(await limits.stats()).toMatchObject({
      tokens: {
        type: "rate",
        algorithm: "sliding-window",
        windowMs: 60_000,
        capacity: 200,
        available: 150,
        used: 50,
        utilization: 0.25,
        waiting: 0,
        retryAfterMs: 0,
      },
      call_count: {
        type: "call",
        algorithm: "token-bucket",
        windowMs: 1000,
        capacity: 10,
        available: 9,
        used: 1,
        utilization: 0.1,
        waiting: 0,
        retryAfterMs: 0,
      },
      db: {
        type: "resource",
        capacity: 4,
        available: 1,
        used: 3,
        utilization: 0.75,
        waiting: 0,
        retryAfterMs: 0,
      },
    });
  });

  it("stats of an exhausted limit say how long one unit takes", async (create) => {
    const { limits } = await create([rate("x", 10, 1000), resource("db", 1)]);
    await take(limits, { x: 10, db: 1 });
    const stats = await limits.stats();
    expect(stats.x).toMatchObject({ available: 0, utilization: 1 });
    expect(micro(stats.x.retryAfterMs)).toBe(100);
    expect(stats.db).toMatchObject({ available: 0, utilization: 1, retryAfterMs: Number.POSITIVE_INFINITY });
  });

  it("stats say how long one unit takes, even if the unit is not 1", async (create) => {
    const { limits } = await create([rate("x", 1, 1000, { unit: 0.1 })]);
    await take(limits, { x: 1 });
    expect(micro((await limits.stats()).x.retryAfterMs)).toBe(100);
  });

  it("stats count a unit as used until all of it is refilled", async (create) => {
    const { limits, clock } = await create([rate("x", 10, 1000)]);
    await take(limits, { x: 10 });
    await clock.advance(150);
    expect((await limits.stats()).x).toMatchObject({ available: 1, used: 9, utilization: 0.9 });
  });

  it("stats count a waiter with every limit that it wants", async (create) => {
    const { limits, clock, settle } = await create([
      rate("a", 10, 1000),
      rate("b", 10, 1000),
      rate("c", 1, 1000),
    ]);
    await take(limits, { a: 10 });
    const waiters = [limits.acquire({ a: 1 }), limits.acquire({ a: 1, b: 1 })];
    await settle();
    const counts = async () => Object.values(await limits.stats()).map(({ waiting }) => waiting);
    expect(await counts()).toEqual([2, 1, 0]);
    await clock.advance(100);
    expect(await counts()).toEqual([1, 1, 0]);
    await clock.advance(100);
    await Promise.all(waiters);
    expect(await counts()).toEqual([0, 0, 0]);
  });

  for (const algorithm of ALGORITHMS) {
    it(`stats of ${algorithm} change nothing`, async (create) => {
      const { limits, clock } = await create([rate("x", 10, 1000, { algorithm })]);
      await take(limits, { x: 7 });
      const first = await limits.stats();
      for (let i = 0; i < 50; i++) await limits.stats();
      expect(await limits.stats()).toEqual(first);
      for (let ms = 0; ms < 999; ms++) {
        await clock.advance(1);
        await limits.stats();
      }
      await clock.advance(1);
      expect((await limits.stats()).x).toMatchObject({ available: 10, used: 0 });
    });
  }

  it("get(key) reports the same stats as the set", async (create) => {
    const { limits } = await create([rate("x", 10, 1000), resource("db", 4)]);
    await take(limits, { x: 4, db: 1 });
    const all = await limits.stats();
    for (const key of limits.keys) expect(await limits.get(key).stats()).toEqual(all[key]);
  });
};
