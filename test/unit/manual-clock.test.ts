import { describe, expect, onTestFinished, test, vi } from "vitest";
import { ManualClock } from "../../src/testing/index.ts";

/** A clock at 0 and a log of its timers. */
function make() {
  const clock = new ManualClock(0);
  const log: string[] = [];
  const note = (name: string) => () => log.push(`${name} at ${clock.now()}`);
  return { clock, log, note };
}

describe("where there is no MessageChannel, as in jsdom", () => {
  test.each([true, false])("advanceAsync works, with setImmediate: %s", async (hasImmediate) => {
    vi.resetModules();
    vi.stubGlobal("MessageChannel", undefined);
    if (!hasImmediate) vi.stubGlobal("setImmediate", undefined);
    onTestFinished(() => {
      vi.unstubAllGlobals();
    });
    const { ManualClock: Fresh } = await import("../../src/testing/manual-clock.ts");
    const clock = new Fresh(0);
    const seen: number[] = [];
    const sleep = (ms: number) => new Promise<void>((resolve) => clock.setTimeout(resolve, ms));
    void (async () => {
      for (let i = 0; i < 3; i++) {
        await sleep(10);
        for (let turn = 0; turn < 100; turn++) await undefined;
        seen.push(clock.now());
      }
    })();
    await clock.advanceAsync(30);
    expect(seen).toEqual([10, 20, 30]);
  });
});

describe("its time", () => {
  test("starts in the present unless told otherwise, the same each time", () => {
    expect(new ManualClock().now()).toBe(new ManualClock().now());
    expect(new ManualClock().now()).toBeGreaterThan(Date.UTC(2024, 0, 1));
    expect(new ManualClock().now()).toBeLessThan(Date.UTC(2100, 0, 1));
    expect(new ManualClock(1234.5).now()).toBe(1234.5);
  });

  test("stands still until it is moved", async () => {
    const clock = new ManualClock(0);
    await new Promise((resolve) => setTimeout(resolve, 2));
    expect(clock.now()).toBe(0);
  });

  test("advances, by fractions too", () => {
    const clock = new ManualClock(1000);
    clock.advance(0.25);
    clock.advance(10);
    clock.advance(0);
    expect(clock.now()).toBe(1010.25);
  });

  test("is set, forwards and back", () => {
    const clock = new ManualClock(1000);
    clock.set(5000);
    expect(clock.now()).toBe(5000);
    clock.set(10);
    expect(clock.now()).toBe(10);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])("%s is no time", (ms) => {
    const clock = new ManualClock(0);
    expect(() => clock.advance(ms)).toThrow(RangeError);
    expect(() => clock.set(ms)).toThrow(RangeError);
    expect(() => new ManualClock(ms)).toThrow(RangeError);
    expect(clock.now()).toBe(0);
  });
});

describe("its timers", () => {
  test("run when they are due, not before, and once", () => {
    const { clock, log, note } = make();
    clock.setTimeout(note("a"), 100);
    clock.advance(99.999);
    expect(log).toEqual([]);
    clock.advance(0.001);
    expect(log).toEqual(["a at 100"]);
    clock.advance(1000);
    expect(log).toEqual(["a at 100"]);
  });

  test("run in the order of their times, each at its own", () => {
    const { clock, log, note } = make();
    clock.setTimeout(note("c"), 30);
    clock.setTimeout(note("a"), 10);
    clock.setTimeout(note("b"), 20);
    clock.advance(100);
    expect(log).toEqual(["a at 10", "b at 20", "c at 30"]);
    expect(clock.now()).toBe(100);
  });

  test("of one time run in the order in which they were set", () => {
    const { clock, log, note } = make();
    for (const name of ["a", "b", "c"]) clock.setTimeout(note(name), 10);
    clock.advance(10);
    expect(log).toEqual(["a at 10", "b at 10", "c at 10"]);
  });

  test("set by timers run in the same advance if they are due by then", () => {
    const { clock, log, note } = make();
    clock.setTimeout(() => {
      note("a")();
      clock.setTimeout(note("due"), 5);
      clock.setTimeout(note("later"), 50);
      clock.setTimeout(note("at once"), 0);
    }, 10);
    clock.setTimeout(note("b"), 12);
    clock.advance(20);
    expect(log).toEqual(["a at 10", "at once at 10", "b at 12", "due at 15"]);
    clock.advance(40);
    expect(log.at(-1)).toBe("later at 60");
  });

  test("due at once wait for the next move", () => {
    const { clock, log, note } = make();
    clock.setTimeout(note("a"), 0);
    clock.setTimeout(note("b"), -5);
    expect(log).toEqual([]);
    clock.advance(0);
    expect(log).toEqual(["a at 0", "b at 0"]);
  });

  test("can be cleared, also by one another, and again", () => {
    const { clock, log, note } = make();
    const cleared = clock.setTimeout(note("cleared"), 10);
    clock.clearTimeout(cleared);
    clock.clearTimeout(cleared);
    const victim = clock.setTimeout(note("victim"), 20);
    clock.setTimeout(() => clock.clearTimeout(victim), 20 - 1);
    clock.advance(100);
    expect(log).toEqual([]);
  });

  test("nothing happens if a value is cleared that is no timer", () => {
    const { clock, log, note } = make();
    clock.setTimeout(note("a"), 1);
    for (const timer of [undefined, null, 1, {}]) clock.clearTimeout(timer);
    clock.advance(1);
    expect(log).toEqual(["a at 1"]);
  });

  test("are counted while they are armed", () => {
    const clock = new ManualClock(0);
    expect(clock.pendingTimers).toBe(0);
    const first = clock.setTimeout(() => {}, 10);
    clock.setTimeout(() => {}, 20);
    expect(clock.pendingTimers).toBe(2);
    clock.clearTimeout(first);
    expect(clock.pendingTimers).toBe(1);
    clock.advance(20);
    expect(clock.pendingTimers).toBe(0);
  });

  test("also run when the clock is set", () => {
    const { clock, log, note } = make();
    clock.setTimeout(note("a"), 100);
    clock.set(250);
    expect(log).toEqual(["a at 100"]);
    expect(clock.now()).toBe(250);
  });

  test("do not run when the clock is set back", () => {
    const { clock, log, note } = make();
    clock.setTimeout(note("a"), 100);
    clock.set(-500);
    expect(log).toEqual([]);
    expect(clock.pendingTimers).toBe(1);
    clock.advance(600);
    expect(log).toHaveLength(1);
  });
});

describe("asynchronously", () => {
  test("promises settle between timers", async () => {
    const { clock, log, note } = make();
    clock.setTimeout(() => {
      void Promise.resolve()
        .then(() => Promise.resolve())
        .then(note("after a"));
    }, 10);
    clock.setTimeout(note("b"), 20);
    await clock.advanceAsync(30);
    expect(log).toEqual(["after a at 10", "b at 20"]);
    expect(clock.now()).toBe(30);
  });

  test("timers that promises set on the way run as well", async () => {
    const clock = new ManualClock(0);
    const sleep = (ms: number) => new Promise<void>((resolve) => clock.setTimeout(resolve, ms));
    const times: number[] = [];
    void (async () => {
      for (let i = 0; i < 4; i++) {
        await sleep(25);
        times.push(clock.now());
      }
    })();
    await clock.advanceAsync(80);
    expect(times).toEqual([25, 50, 75]);
    await clock.advanceAsync(20);
    expect(times).toEqual([25, 50, 75, 100]);
  });

  test("promises that were under way before the move settle first", async () => {
    const { clock, log, note } = make();
    void Promise.resolve().then(() => clock.setTimeout(note("a"), 10));
    await clock.advanceAsync(10);
    expect(log).toEqual(["a at 10"]);
  });

  test("set has an async version, which may go back", async () => {
    const { clock, log, note } = make();
    clock.setTimeout(() => void Promise.resolve().then(note("after a")), 10);
    clock.setTimeout(note("b"), 20);
    await clock.setAsync(20);
    expect(log).toEqual(["after a at 10", "b at 20"]);
    await clock.setAsync(5);
    expect(clock.now()).toBe(5);
  });
});
