import { afterEach, describe, expect, test, vi } from "vitest";
import {
  AcquireTimeoutError,
  CannotBlockError,
  DeadlockError,
  InvalidRequestError,
  LimitSet,
  ResourceLimit,
} from "../../src/index.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { calls, failure, rate, resource, watch } from "../conformance/tools.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each([true, false])("with shared: %s", (shared) => {
  const make = (windowMs: number, clock?: ManualClock) =>
    new LimitSet({
      limits: [rate("tokens", 10, windowMs), calls(1000, windowMs), resource("db", 1)],
      shared,
      ...(clock && { clock }),
    });

  test("grants at once where there is room", () => {
    const limits = make(3_600_000, new ManualClock());
    const wait = vi.spyOn(Atomics, "wait");
    const acq = limits.acquireSync({ tokens: 10 });
    expect(acq.requested).toEqual({ tokens: 10, call_count: 1, db: 1 });
    expect(wait).not.toHaveBeenCalled();
    acq.update({ tokens: 10 });
    acq.release();
    expect(limits.stats().db.used).toBe(0);
  });

  test("waits in real time until its amount is there", () => {
    const limits = make(100);
    const before = performance.now();
    limits.acquireSync({ tokens: 10, db: 0 });
    const acq = limits.acquireSync({ tokens: 5, db: 0 });
    expect(acq.successful).toBe(true);
    // The bucket was emptied after `before`, and 5 take 50 ms; clocks are read to the microsecond.
    expect(performance.now() - before).toBeGreaterThan(49.99);
  });

  test("tells for how long it has waited", () => {
    const limits = make(100);
    expect(limits.acquireSync({ tokens: 10, db: 0 }).waitedMs).toBe(0);
    const before = performance.now();
    const { waitedMs } = limits.acquireSync({ tokens: 5, db: 0 });
    expect(waitedMs).toBeGreaterThan(0);
    expect(waitedMs).toBeLessThanOrEqual(performance.now() - before + 0.01);
  });

  test("waits no longer than its timeout", () => {
    const limits = make(3_600_000);
    limits.acquireSync({ tokens: 10, db: 0 });
    const before = performance.now();
    expect(() => limits.acquireSync({ tokens: 10, db: 0 }, { timeoutMs: 30 })).toThrow(AcquireTimeoutError);
    expect(performance.now() - before).toBeGreaterThan(29.99);
    expect(limits.stats().tokens.used).toBe(10);
  });

  test("with a timeout of 0 it tries once", () => {
    const limits = make(3_600_000);
    expect(limits.acquireSync({ tokens: 10, db: 0 }, { timeoutMs: 0 }).successful).toBe(true);
    expect(() => limits.acquireSync({ tokens: 10, db: 0 }, { timeoutMs: 0 })).toThrow(AcquireTimeoutError);
  });

  test("throws at once where only this thread could ever let it pass", async () => {
    const limits = make(3_600_000);
    const holder = limits.acquireSync({ tokens: 1 });
    const error = await failure(() => limits.acquireSync({ tokens: 1 }));
    expect(error).toBeInstanceOf(DeadlockError);
    expect(error).toMatchObject({ code: "ERR_DEADLOCK" });
    expect(limits.stats()).toMatchObject({ tokens: { used: 1 }, call_count: { used: 1 }, db: { used: 1 } });
    holder.update({ tokens: 1 });
    holder.release();
    expect(limits.acquireSync({ tokens: 1 }).successful).toBe(true);
  });

  test("throws at once where a pause lasts until this very thread would resume", async () => {
    const limits = make(3_600_000);
    limits.pause(Number.POSITIVE_INFINITY, ["tokens"]);
    const wait = vi.spyOn(Atomics, "wait");
    for (const options of [undefined, { timeoutMs: 60_000 }]) {
      const error = await failure(() => limits.acquireSync({ tokens: 1 }, options));
      expect(error).toBeInstanceOf(DeadlockError);
      expect(error).toMatchObject({ message: expect.stringMatching(/the pause lasts until resume\(\)/) });
    }
    expect(() => limits.acquireSync({ tokens: 1 }, { timeoutMs: 0 })).toThrow(AcquireTimeoutError);
    expect(wait).not.toHaveBeenCalled();
    expect(limits.stats()).toMatchObject({ tokens: { used: 0 }, call_count: { used: 0 }, db: { used: 0 } });
    limits.resume();
    expect(limits.acquireSync({ tokens: 1 }).successful).toBe(true);
  });

  test("throws where nothing moves the clock while it blocks", () => {
    const clock = new ManualClock();
    const limits = make(1000, clock);
    limits.acquireSync({ tokens: 10, db: 0 });
    expect(() => limits.acquireSync({ tokens: 1, db: 0 })).toThrow(DeadlockError);
    expect(limits.stats().tokens.used).toBe(10);
    clock.advance(100);
    expect(limits.acquireSync({ tokens: 1, db: 0 }).successful).toBe(true);
  });

  test.each([16.67, 100])("a clock that steps by %s ms is no clock that stands still", (stepMs) => {
    const clock = {
      ...systemClock,
      now: () => Math.floor(systemClock.now() / stepMs) * stepMs,
    };
    const limits = new LimitSet({ limits: [rate("tokens", 1, 5)], shared, clock });
    for (let i = 0; i < 8; i++) expect(limits.acquireSync({ tokens: 1 }).successful).toBe(true);
  });

  test("passes the waiters of its own thread, which stay in line", async () => {
    const clock = new ManualClock();
    const limits = make(1000, clock);
    limits.acquireSync({ tokens: 5, db: 0 });
    const waiter = watch(limits.acquire({ tokens: 10, db: 0 }));
    expect(limits.tryAcquire({ tokens: 5, db: 0 }).successful).toBe(false);
    expect(limits.acquireSync({ tokens: 5, db: 0 }).successful).toBe(true);
    await clock.advanceAsync(500);
    expect(waiter.state).toBe("pending");
    await clock.advanceAsync(500);
    expect(waiter.state).toBe("granted");
  });

  test("its release serves waiters", async () => {
    const limits = make(1000, new ManualClock());
    const holder = limits.acquireSync({ db: 1 });
    const waiter = limits.acquire({ db: 1 });
    holder.release();
    expect((await waiter).successful).toBe(true);
  });

  test.each([-1, Number.NaN, "5", null])("a timeout of %s is an error, even with room", (timeoutMs) => {
    const limits = make(1000);
    expect(() => limits.acquireSync({ tokens: 1 }, { timeoutMs: timeoutMs as number })).toThrow(
      InvalidRequestError,
    );
    expect(limits.stats().db.used).toBe(0);
  });

  test("invalid requests throw", () => {
    expect(() => make(1000).acquireSync()).toThrow(InvalidRequestError);
    expect(() => make(1000).acquireSync({ tokens: 11 })).toThrow(/never/);
  });

  test("where the platform lets no thread block the error says so", async () => {
    const limits = make(3_600_000);
    limits.acquireSync({ tokens: 10, db: 0 });
    vi.spyOn(Atomics, "wait").mockImplementation(() => {
      throw new TypeError("Atomics.wait cannot be called in this context");
    });
    const error = await failure(() => limits.acquireSync({ tokens: 1, db: 0 }));
    expect(error).toBeInstanceOf(CannotBlockError);
    expect(error).toMatchObject({ code: "ERR_CANNOT_BLOCK" });
    // A request that passes at once does not block.
    expect(limits.acquireSync({ db: 1 }).successful).toBe(true);
  });
});

test("the empty set never blocks", () => {
  expect(new LimitSet().acquireSync().requested).toEqual({});
});

describe("a request in a partition", () => {
  const open = (max = 10) =>
    new LimitSet({
      limits: [new ResourceLimit({ key: "db", capacity: 1, per: "user" })],
      partitions: { user: { max, whenFull: "refuse" } },
    });

  test("never returns where this thread holds the partition", () => {
    const limits = open();
    expect(limits.for({ user: "a" }).tryAcquire().successful).toBe(true);
    expect(limits.for({ user: "b" }).acquireSync({ db: 1 }).successful).toBe(true);
    expect(() => limits.for({ user: "a" }).acquireSync()).toThrow(/holds what it waits for/);
  });

  test("never returns where this thread holds all partitions that there are", () => {
    const limits = open(1);
    expect(limits.for({ user: "a" }).tryAcquire().successful).toBe(true);
    const error = failureOf(() => limits.for({ user: "b" }).acquireSync());
    expect(error).toBeInstanceOf(DeadlockError);
    expect(error).toMatchObject({ message: expect.stringMatching(/all partitions are in use/) });
  });
});

function failureOf(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error("it has not failed");
}
