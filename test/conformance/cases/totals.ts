import { expect } from "vitest";
import type { Theme } from "../harness.ts";
import { ALGORITHMS, calls, failure, rate, resource, take, watch } from "../tools.ts";

const NOTHING = { granted: 0, refused: 0, timedOut: 0, aborted: 0, refunded: 0, charged: 0, wouldRefuse: 0 };

export const totals: Theme = ({ it }) => {
  it("totals begin at nothing", ["changes"], async (create) => {
    const { limits } = await create([rate("x", 10, 1000), resource("db", 1)]);
    const stats = await limits.stats();
    expect(stats.x).toMatchObject(NOTHING);
    expect(stats.db).toMatchObject(NOTHING);
    expect(stats.x.fullInMs).toBe(0);
    expect(stats.db.fullInMs).toBeUndefined();
  });

  it("totals count the requests that each limit has granted", ["changes"], async (create) => {
    const { limits } = await create([calls(10, 1000), resource("db", 3), rate("x", 10, 1000)]);
    await take(limits, { x: 5 });
    await take(limits, { db: 0, call_count: 0, x: 1 });
    await take(limits, { x: 0 });
    const { call_count, db, x } = await limits.stats();
    expect([call_count.granted, db.granted, x.granted]).toEqual([2, 2, 2]);
  });

  it("a refusal counts at the limits that refused", ["changes"], async (create) => {
    const { limits } = await create([rate("a", 10, 1000), rate("b", 10, 1000), resource("db", 1)]);
    await take(limits, { a: 10, b: 5 });
    await limits.tryAcquire({ a: 1, b: 1 });
    await limits.tryAcquire({ a: 1, b: 6 });
    await limits.peek({ a: 1, b: 6 });
    await failure(() => limits.tryAcquire({ a: 11 }));
    const { a, b, db } = await limits.stats();
    expect([a.refused, b.refused, db.refused]).toEqual([2, 1, 2]);
  });

  it("a refusal behind waiters counts, and a wait is none", ["changes"], async (create) => {
    const { limits, clock, settle } = await create([rate("x", 2, 2000)]);
    await take(limits, { x: 2 });
    const waiter = watch(limits.acquire({ x: 1 }));
    await settle();
    await limits.tryAcquire({ x: 1 });
    expect((await limits.stats()).x).toMatchObject({ granted: 1, refused: 1 });
    await clock.advance(1000);
    expect(waiter.state).toBe("granted");
    expect((await limits.stats()).x).toMatchObject({ granted: 2, refused: 1, timedOut: 0 });
  });

  it("a timeout and an abort count at all limits that were wanted", ["changes"], async (create) => {
    const { limits, clock, settle } = await create([
      rate("x", 1, 10_000),
      rate("y", 10, 1000),
      rate("z", 1, 1000),
    ]);
    await take(limits, { x: 1 });
    const controller = new AbortController();
    const waiters = [
      limits.acquire({ x: 1, y: 1 }, { timeoutMs: 100 }),
      limits.acquire({ x: 1, y: 1 }, { signal: controller.signal }),
      limits.acquire({ x: 1 }, { timeoutMs: 0 }),
    ].map(watch);
    await settle();
    controller.abort();
    await clock.advance(100);
    expect(waiters.map(({ state }) => state)).toEqual(["rejected", "rejected", "rejected"]);
    const { x, y, z } = await limits.stats();
    expect([x.timedOut, y.timedOut, z.timedOut]).toEqual([2, 1, 0]);
    expect([x.aborted, y.aborted, z.aborted]).toEqual([1, 1, 0]);
    expect([x.refused, x.granted, y.granted]).toEqual([0, 1, 0]);
  });

  it("a request that a bound turns away counts as refused", ["changes"], async (create) => {
    const { limits, settle } = await create([rate("x", 1, 10_000), rate("y", 1, 1000)], { maxWaiting: 1 });
    await take(limits, { x: 1 });
    watch(limits.acquire({ x: 1, y: 1 }));
    await settle();
    await failure(() => limits.acquire({ x: 1, y: 1 }));
    await failure(() => limits.acquire({ x: 1, y: 1 }, { maxWaitMs: 5000 }));
    const { x, y } = await limits.stats();
    expect([x.refused, x.timedOut, y.timedOut]).toEqual([2, 0, 0]);
  });

  for (const algorithm of ALGORITHMS) {
    it(`${algorithm}: refunds and charges count in amounts`, ["changes"], async (create) => {
      const { limits, clock, settle } = await create([
        rate("x", 10, 1000, { algorithm, unit: 0.5, overage: "debt" }),
      ]);
      const acq = await take(limits, { x: 4 });
      acq.update({ x: 1.5 });
      acq.release();
      await settle();
      const refunds = algorithm === "token-bucket" || algorithm === "gcra";
      expect((await limits.stats()).x).toMatchObject({ refunded: refunds ? 2.5 : 0, charged: 0 });
      await clock.advance(1000);
      const over = await take(limits, { x: 1 });
      over.update({ x: 3 });
      over.release();
      await limits.charge({ x: 0.5 });
      await settle();
      expect((await limits.stats()).x).toMatchObject({ refunded: refunds ? 2.5 : 0, charged: 2.5 });
    });

    it(`${algorithm}: fullInMs is the time until nothing is in use`, ["changes"], async (create) => {
      const { limits, clock } = await create([rate("x", 10, 1000, { algorithm })]);
      await clock.advance(250);
      await take(limits, { x: 5 });
      const expected = { "fixed-window": 750, "sliding-window": 1000 }[algorithm as string] ?? 500;
      expect((await limits.stats()).x.fullInMs).toBe(expected);
      await clock.advance(expected - 0.001);
      expect((await limits.stats()).x).toMatchObject({ fullInMs: 0.001 });
      await clock.advance(0.001);
      expect((await limits.stats()).x).toMatchObject({ fullInMs: 0, used: 0 });
    });
  }

  it("a resource that comes back is no refund", ["changes"], async (create) => {
    const { limits, settle } = await create([resource("db", 1)]);
    (await take(limits, { db: 1 })).release();
    await settle();
    expect((await limits.stats()).db).toMatchObject({ ...NOTHING, granted: 1 });
  });
};
