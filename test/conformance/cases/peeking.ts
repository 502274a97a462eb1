import { expect } from "vitest";
import type { Theme } from "../harness.ts";
import { ALGORITHMS, calls, failure, micro, rate, resource, take, used, watch } from "../tools.ts";

export const peeking: Theme = ({ it }) => {
  it("peek tells what a try would answer, and takes nothing", async (create) => {
    for (const algorithm of ALGORITHMS) {
      const { limits, clock } = await create([rate("x", 10, 1000, { algorithm }), resource("db", 2)]);
      expect(await limits.peek({ x: 10, db: 2 })).toEqual({
        successful: true,
        retryAfterMs: 0,
        limitedBy: [],
        ahead: 0,
      });
      expect(await used(limits)).toEqual({ x: 0, db: 0 });
      await take(limits, { x: 10, db: 0 });
      for (const ms of [0, 100, 250]) {
        await clock.advance(ms);
        const before = await limits.stats();
        const { successful, retryAfterMs, limitedBy, ahead } = await limits.peek({ x: 9, db: 1 });
        expect(await limits.stats()).toEqual(before);
        const tried = await limits.tryAcquire({ x: 9, db: 1 });
        expect([successful, micro(retryAfterMs), limitedBy, ahead]).toEqual([
          tried.successful,
          micro(tried.retryAfterMs),
          tried.limitedBy,
          tried.ahead,
        ]);
        expect(successful).toBe(false);
      }
    }
  });

  it("peek of a request that awaits a release says Infinity", async (create) => {
    const { limits } = await create([resource("db", 2)]);
    await take(limits, { db: 2 });
    expect(await limits.peek()).toEqual({
      successful: false,
      retryAfterMs: Number.POSITIVE_INFINITY,
      limitedBy: ["db"],
      ahead: 0,
    });
  });

  it("peek counts the waiters before it", async (create) => {
    const { limits, settle } = await create([rate("x", 2, 2000)]);
    await take(limits, { x: 2 });
    watch(limits.acquire({ x: 1 }));
    await settle();
    const { successful, limitedBy, ahead } = await limits.peek({ x: 1 });
    expect([successful, limitedBy, ahead]).toEqual([false, ["x"], 1]);
  });

  it("peek answers as a try does behind a waiter that came in the same turn", async (create) => {
    for (const request of [{ x: 1 }, { y: 1 }, { x: 1, y: 1 }]) {
      const { limits } = await create([rate("x", 2, 2000), rate("y", 2, 2000)]);
      await take(limits, { x: 2 });
      watch(limits.acquire({ x: 1 }));
      const [peeked, tried] = await Promise.all([limits.peek(request), limits.tryAcquire(request)]);
      const { successful, retryAfterMs, limitedBy, ahead } = tried;
      expect(successful).toBe(!("x" in request));
      expect({ ...peeked, retryAfterMs: micro(peeked.retryAfterMs) }).toEqual({
        successful,
        retryAfterMs: micro(retryAfterMs),
        limitedBy,
        ahead,
      });
    }
  });

  it("peek refuses the requests that a try refuses", async (create) => {
    const { limits } = await create([calls(10, 1000), rate("x", 10, 1000)]);
    for (const request of [undefined, { x: -1 }, { x: 11 }, { y: 1 }]) {
      const error = await failure(async () => limits.peek(request as never));
      expect(error).toMatchObject({ code: "ERR_INVALID_REQUEST" });
    }
  });
};
