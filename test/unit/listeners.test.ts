import { getEventListeners, setMaxListeners } from "node:events";
import { beforeEach, describe, expect, test } from "vitest";
import { LimitSet } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { failure, rate, resource, watch } from "../conformance/tools.ts";

let clock: ManualClock;
let limits: LimitSet<"tokens" | "db">;
let controller: AbortController;

beforeEach(() => {
  clock = new ManualClock();
  limits = new LimitSet({ limits: [rate("tokens", 10, 1000), resource("db", 1)], clock });
  controller = new AbortController();
});

const listeners = () => getEventListeners(controller.signal, "abort").length;

describe("a signal keeps no listener", () => {
  test("of a request that was granted at once", async () => {
    await limits.acquire({ tokens: 1 }, { signal: controller.signal });
    expect(listeners()).toBe(0);
  });

  test("of a request that was refused at once", async () => {
    limits.tryAcquire({ db: 1 });
    await failure(() => limits.acquire({ db: 1 }, { signal: controller.signal, timeoutMs: 0 }));
    await failure(() => limits.acquire({ db: 9 }, { signal: controller.signal }));
    expect(listeners()).toBe(0);
  });

  test("of a waiter that was served", async () => {
    const holder = limits.tryAcquire({ db: 1 });
    const waiter = limits.acquire({ db: 1 }, { signal: controller.signal });
    expect(listeners()).toBe(1);
    holder.release();
    await waiter;
    expect(listeners()).toBe(0);
  });

  test("of a waiter that timed out", async () => {
    limits.tryAcquire({ db: 1 });
    const waiter = watch(limits.acquire({ db: 1 }, { signal: controller.signal, timeoutMs: 100 }));
    expect(listeners()).toBe(1);
    await clock.advanceAsync(100);
    expect(waiter.state).toBe("rejected");
    expect(listeners()).toBe(0);
  });

  test("of a waiter that it aborted", async () => {
    limits.tryAcquire({ db: 1 });
    const waiter = watch(limits.acquire({ db: 1 }, { signal: controller.signal }));
    controller.abort();
    await clock.advanceAsync(0);
    expect(waiter.state).toBe("rejected");
    expect(listeners()).toBe(0);
  });

  test("after a thousand waits through one connection", async () => {
    for (let i = 0; i < 1000; i++) {
      const holder = limits.tryAcquire({ db: 1 });
      const waiter = limits.acquire({ db: 1 }, { signal: controller.signal });
      holder.release();
      (await waiter).release();
    }
    expect(listeners()).toBe(0);
  });
});

describe("an abort", () => {
  test("ends all waiters of its signal, and no others", async () => {
    setMaxListeners(50, controller.signal);
    limits.tryAcquire({ db: 1 });
    const other = watch(limits.acquire({ db: 1 }));
    const mine = Array.from({ length: 50 }, () =>
      watch(limits.acquire({ db: 1 }, { signal: controller.signal })),
    );
    const reason = new Error("enough");
    controller.abort(reason);
    await clock.advanceAsync(0);
    for (const waiter of mine) expect(waiter.reason).toBe(reason);
    expect(other.state).toBe("pending");
    expect(limits.waiting).toBe(1);
  });

  test("leaves no timer behind", async () => {
    limits.tryAcquire({ tokens: 10, db: 0 });
    const waiter = watch(
      limits.acquire({ tokens: 10, db: 0 }, { signal: controller.signal, timeoutMs: 5000 }),
    );
    expect(clock.pendingTimers).toBeGreaterThan(0);
    controller.abort();
    expect(clock.pendingTimers).toBe(0);
    await clock.advanceAsync(10_000);
    expect(waiter.state).toBe("rejected");
  });

  test("by AbortSignal.timeout or any other signal gives that signal's reason", async () => {
    limits.tryAcquire({ db: 1 });
    const signal = AbortSignal.any([controller.signal, new AbortController().signal]);
    const waiter = watch(limits.acquire({ db: 1 }, { signal }));
    controller.abort("because");
    await clock.advanceAsync(0);
    expect(waiter.reason).toBe("because");
  });

  test.each([undefined, null, 0, "", false])("with the reason %s", async (reason) => {
    limits.tryAcquire({ db: 1 });
    const waiter = watch(limits.acquire({ db: 1 }, { signal: controller.signal }));
    controller.abort(reason);
    await clock.advanceAsync(0);
    expect(waiter.reason).toBe(controller.signal.reason);
  });

  test("in the turn of a release, after it: the waiter that was served keeps its grant", async () => {
    const holder = limits.tryAcquire({ db: 1 });
    const waiter = watch(limits.acquire({ db: 1 }, { signal: controller.signal }));
    holder.release();
    controller.abort();
    await clock.advanceAsync(0);
    expect(waiter.state).toBe("granted");
    expect(limits.stats().db.used).toBe(1);
    waiter.value.release();
    expect(limits.stats().db.used).toBe(0);
  });

  test("in the turn of a release, before it: the next one is served", async () => {
    const holder = limits.tryAcquire({ db: 1 });
    const first = watch(limits.acquire({ db: 1 }, { signal: controller.signal }));
    const second = watch(limits.acquire({ db: 1 }));
    controller.abort();
    holder.release();
    await clock.advanceAsync(0);
    expect([first.state, second.state]).toEqual(["rejected", "granted"]);
  });

  test("of one already aborted asks nothing of the set", async () => {
    const waiter = limits.acquire({ tokens: 1 }, { signal: AbortSignal.abort("before") });
    expect(limits.waiting).toBe(0);
    expect(limits.stats()).toMatchObject({ tokens: { used: 0 }, db: { used: 0 } });
    await expect(waiter).rejects.toBe("before");
  });
});
