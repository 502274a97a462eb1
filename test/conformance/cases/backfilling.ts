import { expect } from "vitest";
import {
  AcquireTimeoutError,
  type Acquisition,
  type Limits,
  RateLimitAlgorithm,
} from "../../../src/index.ts";
import { START, type Theme } from "../harness.ts";
import { ALGORITHMS, calls, failure, micro, rate, resource, states, take, watch } from "../tools.ts";

const MINUTE = 60_000;
const { FixedWindow, SlidingWindow } = RateLimitAlgorithm;

/** A try, which must be refused. */
async function refusal<K extends string>(
  limits: Limits<K>,
  requested: Partial<Record<K, number>>,
): Promise<Acquisition<K>> {
  const tried = await limits.tryAcquire(requested);
  expect(tried.successful).toBe(false);
  return tried;
}

export const backfilling: Theme = ({ it, capabilities }) => {
  it("a request passes a waiter that awaits another limit, where there is room for both", async (create) => {
    const { limits, settle } = await create([calls(50, 1000), rate("tokens", 100, 10_000)]);
    await take(limits, { tokens: 100, call_count: 0 });
    const waiter = watch(limits.acquire({ tokens: 50 }));
    await settle();
    expect((await limits.tryAcquire({ call_count: 1 })).successful).toBe(true);
    const tried = await refusal(limits, { tokens: 1 });
    expect([tried.limitedBy, tried.ahead]).toEqual([["tokens"], 1]);
    const passing = watch(limits.acquire({ call_count: 2 }));
    await settle();
    expect(states([waiter, passing])).toEqual(["pending", "granted"]);
  });

  it("a request does not take the last of a limit that a waiter wants too", async (create) => {
    const { limits, clock, settle } = await create([calls(2, 1000), rate("tokens", 100, 1000)]);
    await take(limits, { tokens: 100, call_count: 0 });
    const waiter = watch(limits.acquire({ tokens: 50 }));
    await settle();
    await take(limits, { call_count: 1 });
    const tried = await refusal(limits, { call_count: 1 });
    expect([tried.limitedBy, tried.ahead]).toEqual([["call_count"], 1]);
    await clock.advance(499.999);
    expect(waiter.state).toBe("pending");
    await clock.advance(0.001);
    expect(waiter.state).toBe("granted");
  });

  it("a try that is refused because of a waiter is told so by stats", async (create) => {
    const { limits, settle } = await create([rate("x", 10, 1000)]);
    await take(limits, { x: 5 });
    watch(limits.acquire({ x: 8 }));
    await settle();
    expect(micro((await limits.stats()).x.retryAfterMs)).toBe(400);
    const tried = await refusal(limits, { x: 1 });
    expect(micro(tried.retryAfterMs)).toBe(400);
  });

  for (const algorithm of ALGORITHMS) {
    const isWindow = algorithm === FixedWindow || algorithm === SlidingWindow;

    it(`a try behind a waiter of a ${algorithm} passes after retryAfterMs, and not before`, async (create) => {
      const { limits, clock, settle } = await create([rate("x", 2, 2000, { algorithm })]);
      await take(limits, { x: 2 });
      watch(limits.acquire({ x: 1 }));
      await settle();
      const waitMs = isWindow ? 4000 : 3000;
      expect(micro((await refusal(limits, { x: 2 })).retryAfterMs)).toBe(waitMs);
      await clock.advance(waitMs - 0.001);
      await refusal(limits, { x: 2 });
      await clock.advance(0.001);
      expect((await limits.tryAcquire({ x: 2 })).successful).toBe(true);
    });

    it(`five waiters of a ${algorithm} count one window each`, async (create) => {
      const { limits, settle } = await create([rate("x", 1, 1000, { algorithm })]);
      await take(limits, { x: 1 });
      for (let i = 0; i < 5; i++) watch(limits.acquire({ x: 1 }));
      await settle();
      const tried = await refusal(limits, { x: 1 });
      expect([micro(tried.retryAfterMs), tried.ahead]).toEqual([6000, 5]);
    });
  }

  it("a window does not split a waiter", async (create) => {
    for (const algorithm of [FixedWindow, SlidingWindow]) {
      const { limits, clock, settle } = await create([rate("x", 10, 1000, { algorithm })]);
      await take(limits, { x: 10 });
      for (let i = 0; i < 3; i++) watch(limits.acquire({ x: 6 }));
      await settle();
      expect(micro((await refusal(limits, { x: 5 })).retryAfterMs)).toBe(4000);
      await clock.advance(3999.999);
      await refusal(limits, { x: 5 });
      await clock.advance(0.001);
      expect((await limits.tryAcquire({ x: 5 })).successful).toBe(true);
    }
  });

  it("waiters for equal resources go one after the other, however they compare", async (create) => {
    const { limits, settle } = await create([resource("db", 2)]);
    const holder = await take(limits, { db: 2 });
    const waiters = [2, 1, 1].map((db) => watch(limits.acquire({ db })));
    await settle();
    await holder.release();
    await settle();
    expect(states(waiters)).toEqual(["granted", "pending", "pending"]);
    await waiters[0]!.value.release();
    await settle();
    expect(states(waiters)).toEqual(["granted", "granted", "granted"]);
  });

  it("a demand of waiters above a limit keeps later requests out of it", async (create) => {
    const { limits, settle } = await create([calls(50, 1000), rate("tokens", 1000, 1_000_000)]);
    await take(limits, { tokens: 1000, call_count: 0 });
    for (let i = 0; i < 60; i++) watch(limits.acquire({ tokens: 10 }));
    await settle();
    const tried = await refusal(limits, { call_count: 1 });
    expect([tried.limitedBy, tried.ahead]).toEqual([["call_count"], 60]);
  });

  it("limitedBy names the limit that is full, and not those that are kept for waiters", async (create) => {
    const { limits, settle } = await create([
      calls(10, MINUTE),
      rate("tokens", 10, MINUTE),
      resource("slots", 10),
    ]);
    await take(limits, { tokens: 10, call_count: 0, slots: 0 });
    for (let i = 0; i < 3; i++) watch(limits.acquire({ tokens: 1 }));
    await settle();
    const tried = await refusal(limits, { tokens: 1 });
    expect([tried.limitedBy, tried.ahead]).toEqual([["tokens"], 3]);
  });

  it("every refusal behind waiters names the one limit that is full", async (create) => {
    const { limits, settle } = await create([
      calls(1000, MINUTE),
      rate("input", 1000, MINUTE),
      rate("output", 1000, MINUTE),
    ]);
    await take(limits, { output: 1000, call_count: 0 });
    const refusals: Record<string, number> = {};
    for (let i = 0; i < 60; i++) {
      watch(limits.acquire({ input: 5, output: 5 }));
      await settle();
      const tried = await limits.tryAcquire(i % 2 === 0 ? { input: 5, output: 5 } : { output: 1 });
      for (const key of tried.limitedBy) refusals[key] = (refusals[key] ?? 0) + 1;
    }
    expect(refusals).toEqual({ output: 60 });
  });

  it("limitedBy begins with the limits that would refuse the request by itself", async (create) => {
    const { limits, settle } = await create([rate("a", 10, MINUTE), rate("b", 10, MINUTE)]);
    await take(limits, { b: 10 });
    watch(limits.acquire({ a: 10, b: 1 }));
    await settle();
    expect((await refusal(limits, { a: 1, b: 1 })).limitedBy).toEqual(["b", "a"]);
  });

  it("a nested request does not wait for what its own caller holds, however indirectly", async (create) => {
    const { limits, settle } = await create([rate("tokens", 10, MINUTE), resource("db", 1)]);
    const outer = watch(limits.acquire({ tokens: 1, db: 1 }));
    await settle();
    const all = watch(limits.acquire({ tokens: 9, db: 1 }));
    const one = watch(limits.acquire({ tokens: 1, db: 0 }));
    await settle();
    expect(states([all, one])).toEqual(["pending", "pending"]);
    const nested = watch(outer.value.acquire({ tokens: 2 }));
    await settle();
    expect(nested.state).toBe("granted");
  });

  it("a nested request waits its turn where no release is awaited", async (create) => {
    const { limits, settle } = await create([rate("tokens", 10, MINUTE), resource("db", 2)]);
    const outer = watch(limits.acquire({ tokens: 5, db: 1 }));
    await settle();
    watch(limits.acquire({ tokens: 10, db: 0 }));
    await settle();
    const nested = watch(outer.value.acquire({ tokens: 2 }));
    await settle();
    expect(nested.state).toBe("pending");
  });

  it("an acquisition tells how long it has waited", async (create) => {
    const { limits, clock, settle } = await create([rate("x", 10, 1000)]);
    const first = watch(limits.acquire({ x: 10 }));
    await settle();
    expect([first.value.waitedMs, first.value.ahead]).toEqual([0, 0]);
    const second = watch(limits.acquire({ x: 5 }));
    await clock.advance(500);
    expect([micro(second.value.waitedMs), second.value.ahead]).toEqual([500, 0]);
  });

  it("the error of a timeout tells which limit refused, for how long, and how many stood before", async (create) => {
    const { limits, clock, settle } = await create([rate("x", 10, 10_000)]);
    await take(limits, { x: 10 });
    watch(limits.acquire({ x: 1 }));
    watch(limits.acquire({ x: 2 }));
    await settle();
    const late = watch(limits.acquire({ x: 3 }, { timeoutMs: 500 }));
    await clock.advance(500);
    expect(late.reason).toBeInstanceOf(AcquireTimeoutError);
    const error = late.reason as AcquireTimeoutError;
    expect([error.limitedBy, micro(error.retryAfterMs), error.ahead]).toEqual([["x"], 5500, 2]);
  });

  it("with maxWaiting, one waiter too many is turned away at once", async (create) => {
    const { limits, settle } = await create([rate("x", 10, MINUTE)], { maxWaiting: 2 });
    await take(limits, { x: 10 });
    const controller = new AbortController();
    const first = watch(limits.acquire({ x: 1 }, { signal: controller.signal }));
    const second = watch(limits.acquire({ x: 2 }));
    await settle();
    const error = await failure(() => limits.acquire({ x: 3 }));
    expect(error).toMatchObject({ code: "ERR_QUEUE_FULL", maxWaiting: 2, limitedBy: ["x"], ahead: 2 });
    controller.abort();
    await settle();
    const third = watch(limits.acquire({ x: 3 }));
    await settle();
    expect(states([first, second, third])).toEqual(["rejected", "pending", "pending"]);
  });

  it("with maxWaiting, a request that passes never stands in the line", async (create) => {
    const { limits, settle } = await create([rate("x", 10, MINUTE), rate("y", 10, MINUTE)], {
      maxWaiting: 0,
    });
    await take(limits, { x: 10 });
    expect(await failure(() => limits.acquire({ x: 1 }))).toMatchObject({ code: "ERR_QUEUE_FULL" });
    const passing = watch(limits.acquire({ y: 1 }));
    await settle();
    expect(passing.state).toBe("granted");
  });

  it("with maxWaitMs, a request that would wait for longer is turned away at once", async (create) => {
    const { limits, clock, settle } = await create([rate("x", 10, 1000)]);
    await take(limits, { x: 10 });
    const error = await failure(() => limits.acquire({ x: 9 }, { maxWaitMs: 500 }));
    expect(error).toMatchObject({ code: "ERR_WAIT_TOO_LONG", maxWaitMs: 500, limitedBy: ["x"], ahead: 0 });
    expect(micro((error as { retryAfterMs?: number }).retryAfterMs!)).toBe(900);
    const waiter = watch(limits.acquire({ x: 5 }, { maxWaitMs: 500 }));
    await clock.advance(500);
    expect(waiter.state).toBe("granted");
    await settle();
  });

  it("with maxWaitMs, a request is turned away at once while its limits are paused without an end", async (create) => {
    for (const limit of [rate("x", 10, 1000), resource("x", 1)]) {
      const { limits } = await create([limit]);
      await limits.pause(Number.POSITIVE_INFINITY);
      const error = await failure(() => limits.acquire({ x: 1 }, { maxWaitMs: 500 }));
      expect(error).toMatchObject({
        ...{ code: "ERR_WAIT_TOO_LONG", limitedBy: ["x"], ahead: 0 },
        retryAfterMs: Number.POSITIVE_INFINITY,
      });
    }
  });

  it("maxWaitMs ends a wait for a release as timeoutMs does", async (create) => {
    const { limits, clock, settle } = await create([resource("db", 1)]);
    await take(limits, { db: 1 });
    const waiter = watch(limits.acquire({ db: 1 }, { maxWaitMs: 500 }));
    await settle();
    expect(waiter.state).toBe("pending");
    await clock.advance(500);
    expect(waiter.reason).toBeInstanceOf(AcquireTimeoutError);
    expect(waiter.reason).toMatchObject({ timeoutMs: 500 });
  });

  it("a higher priority goes first, and one priority in order of arrival", async (create) => {
    const { limits, clock, settle } = await create([rate("x", 1, 100)]);
    await take(limits, { x: 1 });
    const grants: string[] = [];
    for (const [name, priority] of [
      ["low", -1],
      ["first", 0],
      ["second", 0],
      ["high", 1],
      ["third", undefined],
    ] as const) {
      watch(limits.acquire({ x: 1 }, { priority }).then(() => grants.push(name)));
      await settle();
    }
    await clock.advance(500);
    expect(grants).toEqual(["high", "first", "second", "third", "low"]);
  });

  it("with agingMs, an earlier request goes before a later one of a higher priority", async (create) => {
    const { limits, clock, settle } = await create([rate("x", 1, 1000)], { agingMs: 100 });
    await take(limits, { x: 1 });
    const grants: string[] = [];
    const wait = (name: string, priority: number) =>
      watch(limits.acquire({ x: 1 }, { priority }).then(() => grants.push(name)));
    wait("early", 0);
    await clock.advance(100);
    wait("later", 0);
    await clock.advance(50);
    wait("high", 1);
    await settle();
    await clock.advance(3000);
    expect(grants).toEqual(["early", "high", "later"]);
  });

  it("a try does not pass waiters of its own priority, and passes those of a lower one", async (create) => {
    const { limits, settle } = await create([rate("x", 10, MINUTE)]);
    await take(limits, { x: 5 });
    watch(limits.acquire({ x: 10 }, { priority: -1 }));
    await settle();
    expect((await limits.tryAcquire({ x: 5 })).successful).toBe(true);
  });

  it("a priority that is no number, and a maxWaitMs that is no time, are errors", async (create) => {
    const { limits } = await create([rate("x", 10, MINUTE)]);
    for (const [options, field] of [
      [{ priority: Number.NaN }, "priority"],
      [{ priority: "high" }, "priority"],
      [{ maxWaitMs: -1 }, "maxWaitMs"],
      [{ maxWaitMs: Number.NaN }, "maxWaitMs"],
    ] as const) {
      const error = await failure(() => limits.acquire({ x: 1 }, options as never));
      expect(error).toMatchObject({ code: "ERR_INVALID_REQUEST" });
      expect(error.message).toContain(field);
    }
  });

  it("a wait beyond the end of a window's day is told to the millisecond", async (create) => {
    const { limits, settle } = await create([rate("x", 10, 86_400_000, { algorithm: FixedWindow })]);
    await take(limits, { x: 10 });
    const waiters = Array.from({ length: Math.min(capabilities.crowd, 25) }, () =>
      watch(limits.acquire({ x: 1 })),
    );
    await settle();
    const tried = await refusal(limits, { x: 6 });
    expect(START + tried.retryAfterMs).toBe(START + 4 * 86_400_000);
    expect(waiters.every(({ state }) => state === "pending")).toBe(true);
  });
};
