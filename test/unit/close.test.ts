import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import { LimitSet, LimitSetClosedError } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { rate, resource, watch } from "../conformance/tools.ts";

function make(clock = new ManualClock()) {
  return new LimitSet({
    limits: [rate("tokens", 10, 1000), resource("db", 1)],
    config: { model: "large" },
    clock,
  });
}

describe("waiters", () => {
  test("reject with LimitSetClosedError, all of them, in order", async () => {
    const limits = make();
    limits.tryAcquire({ db: 1, tokens: 10 });
    const rejected: number[] = [];
    const waiters = Array.from({ length: 5 }, (_, i) =>
      limits.acquire({ tokens: i + 1 }).catch((error: unknown) => {
        expect(error).toBeInstanceOf(LimitSetClosedError);
        rejected.push(i);
      }),
    );
    expect(limits.waiting).toBe(5);
    limits.close();
    await Promise.all(waiters);
    expect(rejected).toEqual([0, 1, 2, 3, 4]);
    expect(limits.waiting).toBe(0);
  });

  test("leave neither timer nor listener", async () => {
    const clock = new ManualClock();
    const limits = make(clock);
    limits.tryAcquire({ db: 1, tokens: 10 });
    const { signal } = new AbortController();
    const waiters = [
      limits.acquire({ tokens: 1, db: 0 }, { signal }),
      limits.acquire({ db: 1 }, { signal, timeoutMs: 5000 }),
    ].map((promise) => watch(promise));
    expect(clock.pendingTimers).toBeGreaterThan(0);
    expect(getEventListeners(signal, "abort")).not.toHaveLength(0);
    limits.close();
    expect(clock.pendingTimers).toBe(0);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    await clock.advanceAsync(10_000);
    for (const { reason } of waiters) expect(reason).toBeInstanceOf(LimitSetClosedError);
  });

  test("nested and in run reject as well", async () => {
    const limits = make();
    const outer = limits.tryAcquire({ db: 1 });
    const waiters = [watch(outer.acquire({ db: 1 })), watch(limits.run({ db: 1 }, () => "ran"))];
    await Promise.resolve();
    limits.close();
    await new ManualClock().advanceAsync(0);
    for (const { reason } of waiters) expect(reason).toBeInstanceOf(LimitSetClosedError);
  });
});

describe("afterwards", () => {
  const closed = () => {
    const limits = make();
    limits.close();
    return limits;
  };

  test.each<readonly [name: string, call: (limits: ReturnType<typeof make>) => unknown]>([
    ["tryAcquire", (limits) => limits.tryAcquire({ tokens: 1 })],
    ["acquireSync", (limits) => limits.acquireSync({ tokens: 1 })],
    ["stats", (limits) => limits.stats()],
    ["get(key).stats", (limits) => limits.get("db").stats()],
  ])("%s throws", (_, call) => {
    expect(() => call(closed())).toThrow(LimitSetClosedError);
  });

  test("acquire and run reject, and the body never runs", async () => {
    let ran = false;
    await expect(closed().acquire({ tokens: 1 })).rejects.toThrow(LimitSetClosedError);
    await expect(
      closed().run({ tokens: 1 }, () => {
        ran = true;
      }),
    ).rejects.toThrow(LimitSetClosedError);
    expect(ran).toBe(false);
  });

  test("keys, config and waiting can still be read", () => {
    const limits = closed();
    expect(limits.keys).toEqual(["tokens", "db"]);
    expect(limits.config).toEqual({ model: "large" });
    expect(limits.waiting).toBe(0);
  });

  test("closing again does nothing", () => {
    const limits = closed();
    expect(() => limits.close()).not.toThrow();
  });
});

describe("an acquisition that was held", () => {
  test("can report usage and be released silently", () => {
    const limits = make();
    const acq = limits.tryAcquire({ tokens: 5 });
    limits.close();
    expect(() => acq.update({ tokens: 3 })).not.toThrow();
    expect(() => acq.release()).not.toThrow();
    expect(() => acq.release()).not.toThrow();
  });

  test("can be released silently even without its usage", () => {
    const limits = make();
    const acq = limits.tryAcquire({ tokens: 5 });
    limits.close();
    expect(() => acq.release()).not.toThrow();
  });

  test("as a scope, ends silently", async () => {
    const limits = make();
    {
      using acq = limits.tryAcquire({ db: 1 });
      limits.close();
      expect(acq.requested).toEqual({ db: 1 });
    }
    await expect(limits.acquire({ db: 1 })).rejects.toThrow(LimitSetClosedError);
  });

  test("takes no nested request any more", async () => {
    const limits = make();
    const acq = limits.tryAcquire({ db: 1 });
    limits.close();
    await expect(acq.acquire({ tokens: 1 })).rejects.toThrow(LimitSetClosedError);
  });

  test("a body of run that closes the set ends as it would", async () => {
    const limits = make();
    const result = await limits.run({ db: 1 }, () => {
      limits.close();
      return "done";
    });
    expect(result).toBe("done");
  });

  test("its release does not touch the memory of a newer set", () => {
    const clock = new ManualClock();
    const old = make(clock);
    const acq = old.tryAcquire({ tokens: 5, db: 1 });
    old.close();
    const fresh = make(clock);
    fresh.tryAcquire({ tokens: 5, db: 1 });
    const before = fresh.stats();
    acq.update({ tokens: 0 });
    acq.release();
    expect(fresh.stats()).toEqual(before);
  });
});

test("a set made in the memory of a closed one starts anew", () => {
  const clock = new ManualClock();
  for (let i = 0; i < 50; i++) {
    const limits = make(clock);
    expect(limits.stats()).toMatchObject({ tokens: { used: 0 }, db: { used: 0 } });
    expect(limits.tryAcquire({ tokens: 10, db: 1 }).successful).toBe(true);
    limits.close();
  }
});
