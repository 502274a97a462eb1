import { mock } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AcquireTimeoutError, LimitSet } from "../../src/index.ts";
import { rate, resource, watch } from "../conformance/tools.ts";

const make = () => new LimitSet({ limits: [rate("tokens", 10, 1000), resource("db", 1)] });

type Fakes = NonNullable<Parameters<typeof vi.useFakeTimers>[0]>;

/** The functions that frameworks replace: all that they know, or the date and the timers alone, as node:test does. */
const FAKES: readonly (readonly [title: string, fakes: Fakes])[] = [
  ["every fake", {}],
  ["a fake Date and fake timeouts", { toFake: ["Date", "setTimeout", "clearTimeout"] }],
  ["fakes far in the past", { now: 0 }],
  ["fakes far in the future", { now: Date.UTC(2100, 0, 1), toFake: ["Date", "setTimeout", "clearTimeout"] }],
];

describe.each(FAKES)("under %s", (_, fakes) => {
  beforeEach(() => {
    vi.useFakeTimers(fakes);
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("buckets refill with the fake time", () => {
    const limits = make();
    expect(limits.tryAcquire({ tokens: 10 }).successful).toBe(true);
    const refused = limits.tryAcquire({ tokens: 1, db: 0 });
    expect(refused.retryAfterMs).toBeCloseTo(100, 2);
    vi.advanceTimersByTime(99);
    expect(limits.tryAcquire({ tokens: 1, db: 0 }).successful).toBe(false);
    vi.advanceTimersByTime(1);
    expect(limits.tryAcquire({ tokens: 1, db: 0 }).successful).toBe(true);
  });

  test("waiters are served by the fake time", async () => {
    const limits = make();
    limits.tryAcquire({ tokens: 10, db: 0 });
    const waiter = watch(limits.acquire({ tokens: 5, db: 0 }));
    await vi.advanceTimersByTimeAsync(499);
    expect(waiter.state).toBe("pending");
    await vi.advanceTimersByTimeAsync(1);
    expect(waiter.state).toBe("granted");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("a timer is not set for less than the wait, or it would be set twice", async () => {
    const set = vi.spyOn(globalThis, "setTimeout");
    const limits = new LimitSet({ limits: [rate("x", 3, 1000)] });
    limits.tryAcquire({ x: 3 });
    const waiter = watch(limits.acquire({ x: 1 }));
    await vi.advanceTimersByTimeAsync(334);
    expect(waiter.state).toBe("granted");
    expect(set.mock.calls.map(([, ms]) => ms)).toEqual([334]);
    set.mockRestore();
  });

  test("timeouts pass in the fake time", async () => {
    const limits = make();
    limits.tryAcquire({ db: 1 });
    const waiter = watch(limits.acquire({ db: 1 }, { timeoutMs: 60_000 }));
    await vi.advanceTimersByTimeAsync(59_999);
    expect(waiter.state).toBe("pending");
    await vi.advanceTimersByTimeAsync(1);
    expect(waiter.reason).toBeInstanceOf(AcquireTimeoutError);
  });

  test("a date that is set ahead refills", () => {
    const limits = make();
    limits.tryAcquire({ tokens: 10, db: 0 });
    vi.setSystemTime(Date.now() + 1000);
    expect(limits.tryAcquire({ tokens: 10, db: 0 }).successful).toBe(true);
  });

  test("a wait of 40 days is not cut short", async () => {
    const limits = new LimitSet({ limits: [rate("x", 1, 40 * 86_400_000)] });
    limits.tryAcquire({ x: 1 });
    const waiter = watch(limits.acquire({ x: 1 }));
    await vi.advanceTimersByTimeAsync(40 * 86_400_000 - 1);
    expect(waiter.state).toBe("pending");
    await vi.advanceTimersByTimeAsync(1);
    expect(waiter.state).toBe("granted");
  });
});

describe("imported when the fakes were there first", () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.resetModules();
  });

  test.each(FAKES)("%s", async (_, fakes) => {
    vi.useFakeTimers(fakes);
    vi.resetModules();
    const library = await import("../../src/index.ts");
    const limits = new library.LimitSet({
      limits: [new library.RateLimit({ key: "x", capacity: 10, windowMs: 1000 })],
    });
    limits.tryAcquire({ x: 10 });
    const waiter = watch(limits.acquire({ x: 5 }));
    await vi.advanceTimersByTimeAsync(499);
    expect(waiter.state).toBe("pending");
    await vi.advanceTimersByTimeAsync(1);
    expect(waiter.state).toBe("granted");
  });

  test("a clock by hand lets promises settle all the same", async () => {
    vi.useFakeTimers();
    vi.resetModules();
    const { ManualClock } = await import("../../src/testing/index.ts");
    const clock = new ManualClock(0);
    const advanced = watch(clock.advanceAsync(10));
    await realTurns();
    expect(advanced.state).toBe("granted");
  });
});

describe("under node:test's own mocks", () => {
  afterEach(() => {
    mock.timers.reset();
    vi.resetModules();
  });

  test.each(["before", "after"])("enabled %s the import", async (when) => {
    if (when === "before") mock.timers.enable({ apis: ["Date", "setTimeout"], now: 1000 });
    vi.resetModules();
    const library = await import("../../src/index.ts");
    if (when === "after") mock.timers.enable({ apis: ["Date", "setTimeout"], now: 1000 });
    const limits = new library.LimitSet({
      limits: [new library.RateLimit({ key: "x", capacity: 10, windowMs: 1000 })],
    });
    limits.tryAcquire({ x: 10 });
    const waiter = watch(limits.acquire({ x: 5 }));
    mock.timers.tick(499);
    await nextTurn();
    expect(waiter.state).toBe("pending");
    mock.timers.tick(1);
    await nextTurn();
    expect(waiter.state).toBe("granted");
  });
});

/** Lets real time pass for a moment, even if timers are faked. */
async function realTurns(): Promise<void> {
  for (let i = 0; i < 50; i++) {
    const { port1, port2 } = new MessageChannel();
    await new Promise((resolve) => {
      port1.onmessage = resolve;
      port2.postMessage(0);
    });
    port1.close();
  }
}

describe("with nothing faked", () => {
  test("it is the present", () => {
    const limits = new LimitSet({ limits: [rate("day", 1, 86_400_000, { algorithm: "fixed-window" })] });
    const before = Date.now();
    limits.tryAcquire({ day: 1 });
    const { retryAfterMs } = limits.stats().day;
    const midnight = Math.ceil(before / 86_400_000) * 86_400_000;
    const hourMs = 3_600_000;
    // A wall clock that was adjusted since the process began may differ, but hardly by an hour.
    const expected = midnight - before;
    const error = Math.abs(retryAfterMs - expected);
    expect(Math.min(error, 86_400_000 - error)).toBeLessThan(hourMs);
  });

  test("a Date that is replaced alone does not stop it", () => {
    const limits = new LimitSet({ limits: [rate("x", 1_000_000, 1000)] });
    const frozen = Date.now();
    const spy = vi.spyOn(Date, "now").mockReturnValue(frozen);
    try {
      limits.tryAcquire({ x: 1_000_000 });
      const end = performance.now() + 5;
      while (performance.now() < end);
      expect(limits.stats().x.available).toBeGreaterThan(0);
    } finally {
      spy.mockRestore();
    }
  });

  test("a clock of one's own is the only one asked", async () => {
    const asked: string[] = [];
    const limits = new LimitSet({
      limits: [rate("x", 1, 1000)],
      clock: {
        now: () => {
          asked.push("now");
          return 5000;
        },
        setTimeout: (_callback, ms) => {
          asked.push(`setTimeout ${ms}`);
          return "timer";
        },
        clearTimeout: (timer) => {
          asked.push(`clearTimeout ${timer}`);
        },
      },
    });
    limits.tryAcquire({ x: 1 });
    const controller = new AbortController();
    const waiter = watch(limits.acquire({ x: 1 }, { signal: controller.signal }));
    controller.abort();
    await nextTurn();
    expect(waiter.state).toBe("rejected");
    expect(asked).toContain("now");
    expect(asked).toContain("setTimeout 1000");
    expect(asked).toContain("clearTimeout timer");
  });
});
