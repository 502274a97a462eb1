import { setImmediate as nextTurn } from "node:timers/promises";
import { expect } from "vitest";
import { START, type Theme } from "../harness.ts";
import { rate, resource, states, take, used, watch } from "../tools.ts";

const DAY_MS = 86_400_000;

export const waiting: Theme = ({ it, capabilities }) => {
  it("a request does not wait if there is room", async (create) => {
    const { limits, settle } = await create([rate("x", 10, 1000)]);
    const waiter = watch(limits.acquire({ x: 10 }));
    await settle();
    expect(waiter.state).toBe("granted");
    expect(waiter.value).toMatchObject({ successful: true, requested: { x: 10 }, retryAfterMs: 0 });
  });

  it("a waiter is granted at the moment at which its amount is available", async (create) => {
    const { limits, clock } = await create([rate("x", 10, 1000)]);
    await take(limits, { x: 10 });
    const waiter = watch(limits.acquire({ x: 3 }));
    await clock.advance(299.999);
    expect(waiter.state).toBe("pending");
    await clock.advance(0.001);
    expect(waiter.state).toBe("granted");
    expect(await used(limits)).toEqual({ x: 10 });
  });

  it("each waiter is granted at its own time, even if the clock moves in one step", async (create) => {
    const { limits, clock } = await create([rate("x", 10, 1000)]);
    await take(limits, { x: 10 });
    const waiters = [1, 2, 3].map((x) => watch(limits.acquire({ x })));
    await clock.advance(10_000);
    expect(states(waiters)).toEqual(["granted", "granted", "granted"]);
    expect(await used(limits)).toEqual({ x: 0 });
  });

  it("a released resource goes to the waiter", async (create) => {
    const { limits, settle } = await create([resource("db", 1)]);
    const holder = await take(limits, { db: 1 });
    const waiter = watch(limits.acquire({ db: 1 }));
    await settle();
    expect(waiter.state).toBe("pending");
    await holder.release();
    await settle();
    expect(waiter.state).toBe("granted");
    expect(await used(limits)).toEqual({ db: 1 });
  });

  it("a release lets a waiter go in the same turn of the event loop", ["sync"], async (create) => {
    const { limits } = await create([resource("db", 1)]);
    const holder = await take(limits, { db: 1 });
    const events: string[] = [];
    const waiter = limits.acquire({ db: 1 }).then(() => events.push("granted"));
    await nextTurn();
    const next = nextTurn().then(() => events.push("next turn"));
    holder.release();
    expect(await used(limits)).toEqual({ db: 1 });
    await Promise.all([waiter, next]);
    expect(events).toEqual(["granted", "next turn"]);
  });

  it("a waiter that awaits a release sets no timer", ["timers"], async (create) => {
    const { limits, clock, settle } = await create([resource("db", 1)]);
    const holder = await take(limits, { db: 1 });
    const waiter = watch(limits.acquire({ db: 1 }));
    await settle();
    await holder.release();
    await settle();
    expect(waiter.state).toBe("granted");
    expect(clock.timersSet).toBe(0);
  });

  it("a set without waiters has no timer", ["timers"], async (create) => {
    const { limits, clock } = await create([rate("x", 10, 1000), resource("db", 1)]);
    await limits.acquire({ x: 10 });
    const waiter = limits.acquire({ x: 1, db: 0 }, { timeoutMs: 5000 });
    expect(clock.pendingTimers).toBeGreaterThan(0);
    await clock.advance(100);
    await waiter;
    expect(clock.pendingTimers).toBe(0);
  });

  it("one release lets all waiters go that have room", async (create) => {
    const { limits, settle } = await create([resource("db", 4)]);
    const holder = await take(limits, { db: 4 });
    const waiters = [1, 2, 1, 1].map((db) => watch(limits.acquire({ db })));
    await settle();
    await holder.release();
    await settle();
    expect(states(waiters)).toEqual(["granted", "granted", "granted", "pending"]);
  });

  it("a wait of 40 days is not cut short", async (create) => {
    const { limits, clock } = await create([rate("x", 1, 40 * DAY_MS)]);
    await take(limits, { x: 1 });
    const waiter = watch(limits.acquire({ x: 1 }));
    await clock.set(START + 40 * DAY_MS - 1);
    expect(waiter.state).toBe("pending");
    await clock.advance(1);
    expect(waiter.state).toBe("granted");
    // A timer of the platform that is set for more than 2^31 - 1 ms fires at once: the set would set it again and again.
    if (capabilities.timers) expect(clock.timersSet).toBeLessThan(10);
  });

  it("a timeout of 40 days is not cut short", async (create) => {
    const { limits, clock } = await create([resource("db", 1)]);
    await take(limits, { db: 1 });
    const waiter = watch(limits.acquire({ db: 1 }, { timeoutMs: 40 * DAY_MS }));
    await clock.set(START + 40 * DAY_MS - 1);
    expect(waiter.state).toBe("pending");
    await clock.advance(1);
    expect(waiter.state).toBe("rejected");
    if (capabilities.timers) expect(clock.timersSet).toBeLessThan(10);
  });

  it("a crowd of waiters needs one timer, and all of them are granted", async (create) => {
    const { limits, clock, settle } = await create([rate("x", 1000, 1000)]);
    await take(limits, { x: 1000 });
    let served = 0;
    const waiters = Array.from({ length: capabilities.crowd }, () =>
      limits.acquire({ x: 1 }).then(() => {
        served++;
      }),
    );
    await settle();
    expect((await limits.stats()).x.waiting).toBe(capabilities.crowd);
    if (capabilities.timers) expect(clock.pendingTimers).toBe(1);
    await clock.advance(capabilities.crowd / 2);
    expect(served).toBe(capabilities.crowd / 2);
    if (capabilities.timers) expect(clock.pendingTimers).toBe(1);
    await clock.advance(capabilities.crowd / 2);
    await Promise.all(waiters);
    expect(served).toBe(capabilities.crowd);
    expect((await limits.stats()).x).toMatchObject({ waiting: 0, used: 1000 });
  });
};
