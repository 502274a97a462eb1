/** Clocks that step, sleep, or show no time. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { type Clock, InvalidClockError, LimitSet } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { attachLimits, shareLimits } from "../../src/threads/index.ts";
import { failure, rate, resource, watch } from "../conformance/tools.ts";

const DAY_MS = 86_400_000;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("under fake timers", () => {
  test("a date that is set to an earlier year stops no set", () => {
    vi.useFakeTimers({ now: Date.UTC(2026, 5, 1) });
    const limits = new LimitSet({ limits: [rate("x", 10, 1000)] });
    limits.tryAcquire({ x: 10 });
    vi.setSystemTime(Date.UTC(2019, 5, 1));
    expect(limits.tryAcquire({ x: 1 }).retryAfterMs).toBe(100);
    vi.advanceTimersByTime(1000);
    expect(limits.tryAcquire({ x: 10 }).successful).toBe(true);
  });

  test("a timeout keeps its length when the date is set to an earlier year", async () => {
    vi.useFakeTimers({ now: Date.UTC(2026, 5, 1) });
    const limits = new LimitSet({ limits: [resource("db", 1)] });
    limits.tryAcquire({ db: 1 });
    const waiter = watch(limits.acquire({ db: 1 }, { timeoutMs: 1000 }));
    vi.setSystemTime(Date.UTC(2019, 5, 1));
    await vi.advanceTimersByTimeAsync(1001);
    expect(waiter.state).toBe("rejected");
  });
});

describe("a machine that sleeps", () => {
  const now = Date.now;
  let [slept, awakeMs] = [0, 0];

  /** The library with a wall clock that can go on by itself, as it does while the monotonic clock of the platform sleeps. */
  async function load() {
    [slept, awakeMs] = [0, 0];
    // A bound function looks like the engine's own.
    Date.now = (() => now() + awakeMs + slept).bind(undefined);
    const monotonic = performance.now.bind(performance);
    vi.spyOn(performance, "now").mockImplementation(() => monotonic() + awakeMs);
    vi.resetModules();
    return import("../../src/index.ts");
  }

  afterEach(() => {
    Date.now = now;
    vi.resetModules();
  });

  test("refills its buckets, soon after it has woken", async () => {
    const library = await load();
    const limits = new library.LimitSet({ limits: [rate("x", 10, DAY_MS)] });
    limits.tryAcquire({ x: 10 });
    slept = DAY_MS;
    awakeMs = 250;
    expect(limits.tryAcquire({ x: 10 }).successful).toBe(true);
  });

  test("begins its fixed windows by the wall clock", async () => {
    const library = await load();
    const limits = new library.LimitSet({
      limits: [rate("day", 100, DAY_MS, { algorithm: "fixed-window" })],
    });
    limits.tryAcquire({ day: 100 });
    const untilMidnight = limits.stats().day.retryAfterMs;
    // Asleep until nine hours into the next day.
    slept = untilMidnight + 9 * 3_600_000;
    awakeMs = 250;
    expect(limits.tryAcquire({ day: 100 }).successful).toBe(true);
    expect(Math.abs(limits.stats().day.retryAfterMs - 15 * 3_600_000)).toBeLessThan(60_000);
  });

  test("and whose wall clock is put right afterwards has fixed windows by the wall clock, and full ones", async () => {
    const library = await load();
    const limits = new library.LimitSet({
      limits: [rate("day", 100, DAY_MS, { algorithm: "fixed-window" }), rate("x", 10, 10_000)],
    });
    limits.tryAcquire({ day: 60 });
    const untilMidnight = limits.stats().day.retryAfterMs;
    slept = 5 * DAY_MS + 3_600_000;
    awakeMs = 250;
    expect(limits.tryAcquire({ day: 60, x: 10 }).successful).toBe(true);
    slept = 0;
    awakeMs = 5500;
    expect(limits.tryAcquire({ day: 60 }).successful).toBe(false);
    expect(limits.stats().x.available).toBe(5);
    expect(Math.abs(limits.stats().day.retryAfterMs - (untilMidnight - 5250))).toBeLessThan(10_000);
  });

  test("is noticed at once by a thread whose state has noticed it", async () => {
    const library = await load();
    const threads = await import("../../src/threads/index.ts");
    const limits = new library.LimitSet({ limits: [rate("x", 10, DAY_MS)] });
    const attached = threads.attachLimits(threads.shareLimits(limits).handle);
    attached.tryAcquire({ x: 1 });
    awakeMs = 200;
    limits.tryAcquire({ x: 9 });
    slept = DAY_MS / 2;
    awakeMs = 300;
    // One looks at the wall clock again; the other would not yet, if the state were not ahead of it.
    expect(attached.tryAcquire({ x: 5 }).successful).toBe(true);
    expect(limits.stats().x.used).toBe(10);
    // Its own time was not moved: half a day more is half a day.
    slept = DAY_MS;
    awakeMs = 600;
    expect(limits.stats().x.used).toBe(5);
    attached.close();
    limits.close();
  });

  test("a wall clock that is put forward or back by less than a second changes nothing", async () => {
    const library = await load();
    const limits = new library.LimitSet({ limits: [rate("x", 10, 1000)] });
    limits.tryAcquire({ x: 10 });
    slept = 900;
    expect(limits.stats().x.used).toBe(10);
    slept = -900;
    expect(limits.stats().x.used).toBe(10);
  });
});

describe("threads with clocks of their own", () => {
  test("one clock that was ahead for a moment stops no other, and moves none", () => {
    const [own, other] = [new ManualClock(DAY_MS), new ManualClock(DAY_MS)];
    const limits = new LimitSet({ limits: [rate("x", 10, 1000)], clock: own });
    const { handle } = shareLimits(limits);
    const attached = attachLimits(handle, { clock: other });
    own.advance(DAY_MS);
    expect(limits.tryAcquire({ x: 10 }).successful).toBe(true);
    own.set(DAY_MS);
    expect(attached.tryAcquire({ x: 1 }).retryAfterMs).toBe(100);
    other.advance(500);
    expect(attached.tryAcquire({ x: 5 }).successful).toBe(true);
    expect(limits.tryAcquire({ x: 1 }).retryAfterMs).toBe(600 - 500);
    own.advance(1000);
    expect(limits.tryAcquire({ x: 10 }).successful).toBe(true);
    attached.close();
    limits.close();
  });

  test("a seat that is used again has no correction of the last thread's", () => {
    const own = new ManualClock(DAY_MS);
    const limits = new LimitSet({ limits: [rate("x", 10, 1000)], clock: own, maxThreads: 1 });
    const { handle } = shareLimits(limits);
    const late = attachLimits(handle, { clock: new ManualClock(0) });
    limits.tryAcquire({ x: 1 });
    late.stats();
    late.close();
    const good = attachLimits(handle, { clock: own });
    good.tryAcquire({ x: 9 });
    expect(limits.tryAcquire({ x: 1 }).retryAfterMs).toBe(100);
    good.close();
    limits.close();
  });
});

describe("a clock that shows no time", () => {
  const clockOf = (reading: () => number): Clock => ({
    now: reading,
    setTimeout: (callback, ms) => setTimeout(callback, ms),
    clearTimeout: (timer) => clearTimeout(timer as number),
  });

  test.each([
    ["NaN", Number.NaN],
    ["a time before 1970", -1],
    ["a time after 2255", Date.UTC(2256, 0, 1)],
    ["Infinity", Number.POSITIVE_INFINITY],
  ])("is an InvalidClockError from each call: %s", async (_, bad) => {
    let reading = 1000;
    const limits = new LimitSet({ limits: [rate("x", 10, 1000)], clock: clockOf(() => reading) });
    const acq = limits.tryAcquire({ x: 1 });
    acq.update({ x: 1 });
    reading = bad;
    const errors = [
      await failure(() => limits.tryAcquire({ x: 1 })),
      await failure(() => limits.acquire({ x: 1 })),
      await failure(() => limits.acquire({ x: 1 }, { timeoutMs: 10 })),
      await failure(() => limits.acquireSync({ x: 1 })),
      await failure(() => limits.stats()),
    ];
    for (const error of errors) {
      expect(error).toBeInstanceOf(InvalidClockError);
      expect(error).toMatchObject({ code: "ERR_INVALID_CLOCK", reading: bad });
    }
    reading = 1000;
    expect(limits.stats().x.used).toBe(1);
  });

  test("rejects the waiters that no time would let go", async () => {
    let reading = 1000;
    const limits = new LimitSet({ limits: [rate("x", 1, 20)], clock: clockOf(() => reading) });
    limits.tryAcquire({ x: 1 });
    const waiting = limits.acquire({ x: 1 });
    reading = Number.NaN;
    expect(await failure(() => waiting)).toBeInstanceOf(InvalidClockError);
    expect(limits.waiting).toBe(0);
  });
});
