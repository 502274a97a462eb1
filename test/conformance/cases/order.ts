import { expect } from "vitest";
import { START, type Theme } from "../harness.ts";
import { micro, rate, resource, states, take, watch } from "../tools.ts";

const MINUTE = 60_000;

export const order: Theme = ({ it }) => {
  it("a large request goes before small ones that came after it", async (create) => {
    const { limits, clock } = await create([rate("x", 10, 1000)]);
    await take(limits, { x: 10 });
    const grants: [amount: number, atMs: number][] = [];
    for (const x of [10, 1, 1, 1]) {
      watch(limits.acquire({ x }).then(() => grants.push([x, micro(clock.now() - START)])));
    }
    for (let i = 0; i < 40; i++) await clock.advance(50);
    expect(grants).toEqual([
      [10, 1000],
      [1, 1100],
      [1, 1200],
      [1, 1300],
    ]);
  });

  it("waiters for equal amounts are granted in order of arrival", async (create) => {
    const { limits, clock } = await create([rate("x", 10, 1000)]);
    await take(limits, { x: 10 });
    const grants: number[] = [];
    for (let i = 0; i < 20; i++) watch(limits.acquire({ x: 1 }).then(() => grants.push(i)));
    await clock.advance(2000);
    expect(grants).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it("a stream of small requests does not starve a large one", async (create) => {
    const { limits, clock } = await create([rate("x", 10, 1000)]);
    await take(limits, { x: 10 });
    const large = watch(limits.acquire({ x: 10 }));
    for (let ms = 0; ms < 1000; ms += 100) {
      watch(limits.acquire({ x: 1 }));
      await limits.tryAcquire({ x: 1 });
      await clock.advance(100);
    }
    expect(large.state).toBe("granted");
  });

  it("a waiter that shares no limit with the waiters ahead passes them", async (create) => {
    const { limits, settle } = await create([resource("db", 1), resource("slots", 1)]);
    await take(limits, { db: 1, slots: 0 });
    const first = watch(limits.acquire({ db: 1, slots: 0 }));
    const second = watch(limits.acquire({ db: 0, slots: 1 }));
    await settle();
    expect(states([first, second])).toEqual(["pending", "granted"]);
  });

  it("tryAcquire does not take what a waiter waits for", async (create) => {
    const { limits, settle } = await create([rate("a", 10, MINUTE), rate("b", 10, MINUTE)]);
    await take(limits, { a: 5 });
    const waiter = watch(limits.acquire({ a: 10, b: 1 }));
    await settle();
    const behind = await limits.tryAcquire({ a: 1 });
    expect(behind.successful).toBe(false);
    expect(behind.limitedBy).toEqual(["a"]);
    expect(behind.retryAfterMs).toBeGreaterThan(0);
    expect(waiter.state).toBe("pending");
  });

  it("tryAcquire passes waiters with which it shares no limit", async (create) => {
    const { limits, settle } = await create([rate("a", 10, MINUTE), rate("b", 10, MINUTE)]);
    await take(limits, { a: 5 });
    watch(limits.acquire({ a: 10 }));
    await settle();
    expect((await limits.tryAcquire({ b: 1 })).successful).toBe(true);
  });

  it("tryAcquire is granted again once the waiter is granted", async (create) => {
    const { limits, clock } = await create([rate("a", 10, 1000)]);
    await take(limits, { a: 5 });
    watch(limits.acquire({ a: 10 }));
    await clock.advance(500);
    await clock.advance(100);
    expect((await limits.tryAcquire({ a: 1 })).successful).toBe(true);
  });

  it("a release lets the first waiter of a line go, not the first that fits", async (create) => {
    const { limits, settle } = await create([resource("db", 3)]);
    const one = await take(limits, { db: 1 });
    const two = await take(limits, { db: 2 });
    const large = watch(limits.acquire({ db: 3 }));
    const small = watch(limits.acquire({ db: 1 }));
    await settle();
    await one.release();
    await settle();
    expect(states([large, small])).toEqual(["pending", "pending"]);
    await two.release();
    await settle();
    expect(states([large, small])).toEqual(["granted", "pending"]);
  });

  it("acquireSync passes the waiters of its own thread", ["blocking"], async (create) => {
    const { limits, acquireSync, settle } = await create([rate("x", 10, MINUTE)]);
    await take(limits, { x: 5 });
    const waiter = watch(limits.acquire({ x: 10 }));
    await settle();
    expect(acquireSync!({ x: 5 }).successful).toBe(true);
    await settle();
    expect(waiter.state).toBe("pending");
  });
};
