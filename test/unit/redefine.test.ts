/** `redefine` of a `LimitSet`: what only a set in this thread can show. The conformance suite has the rest. */
import { describe, expect, test } from "vitest";
import {
  CallLimit,
  InvalidLimitError,
  InvalidRequestError,
  type LimitError,
  type LimitLike,
  LimitSet,
  LimitSetClosedError,
  RateLimit,
  ResourceLimit,
  SameVersionWarning,
} from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";

const tokens = (capacity: number, more: object = {}) =>
  new RateLimit({ key: "tokens", capacity, windowMs: 1000, ...more });
const slots = (capacity: number) => new ResourceLimit({ key: "slots", capacity });

type Key = "call_count" | "other" | "slots" | "tokens" | "x";

function setOf(limits: readonly LimitLike<Key>[], more: object = {}) {
  const clock = new ManualClock();
  return { clock, set: new LimitSet<Key>({ limits, clock, ...more }) };
}

describe("a redefinition", () => {
  test("returns nothing, and its set goes on under the same name", () => {
    const { set } = setOf([tokens(100)]);
    set.tryAcquire({ tokens: 60 });
    expect(set.redefine([tokens(200)])).toBeUndefined();
    expect(set.stats().tokens).toMatchObject({ capacity: 200, used: 60, available: 140 });
    expect(set.get("tokens").capacity).toBe(200);
    expect(set.tryAcquire({ tokens: 140 }).successful).toBe(true);
    expect(set.tryAcquire({ tokens: 1 }).successful).toBe(false);
  });

  test("serves waiters in the same turn", async () => {
    const { set } = setOf([tokens(100)]);
    set.tryAcquire({ tokens: 60 });
    const waiter = set.acquire({ tokens: 90 });
    expect(set.waiting).toBe(1);
    set.redefine([tokens(200)]);
    expect(set.waiting).toBe(0);
    expect((await waiter).requested).toEqual({ tokens: 90 });
  });

  test("moves a queue of waiters in its order, each with its deadline and its signal", async () => {
    const { set, clock } = setOf([tokens(10), slots(1)]);
    const holder = set.tryAcquire({ tokens: 10 });
    const order: string[] = [];
    const controller = new AbortController();
    const wait = (name: string, options: object) =>
      set.acquire({ tokens: 1 }, options).then(
        (acquisition) => {
          order.push(name);
          acquisition.update({ tokens: 1 });
          acquisition.release();
        },
        (error: Error) => order.push(`${name} ${error.name}`),
      );
    const all = [
      wait("a", {}),
      wait("b", { priority: 1 }),
      wait("c", { timeoutMs: 50 }),
      wait("d", { signal: controller.signal }),
    ];
    set.redefine([slots(1), tokens(10), new CallLimit({ capacity: 100, windowMs: 1000 })]);
    expect(set.waiting).toBe(4);
    controller.abort();
    await clock.advance(50);
    expect(order).toEqual(["d AbortError", "c TimeoutError"]);
    holder.update({ tokens: 0 });
    holder.release();
    await Promise.all(all);
    expect(order.slice(2)).toEqual(["b", "a"]);
    expect(set.stats().call_count.used).toBe(2);
  });

  test("made by the function form within a function form applies on top of it", () => {
    const { set } = setOf([tokens(100)]);
    set.redefine((current) => {
      set.redefine([tokens(50), slots(2)]);
      return current.map((limit) => ({ ...limit, capacity: 300 }));
    });
    expect(set.keys).toEqual(["tokens"]);
    expect(set.get("tokens").capacity).toBe(300);
  });

  test("from within the clock is safe for the request that read it", () => {
    const clock = new ManualClock();
    let redefine: (() => void) | undefined;
    const reading = {
      now: () => {
        const action = redefine;
        redefine = undefined;
        action?.();
        return clock.now();
      },
      setTimeout: (callback: () => void, ms: number) => clock.setTimeout(callback, ms),
      clearTimeout: (timer: unknown) => clock.clearTimeout(timer),
    };
    const set = new LimitSet<Key>({ limits: [tokens(10), slots(2)], clock: reading });
    for (const act of [
      () => set.tryAcquire({ tokens: 1 }),
      () => void set.acquire({ tokens: 1 }),
      () => set.peek({ tokens: 1 }),
      () => set.stats(),
      () => void set.acquire({ tokens: 1 }, { timeoutMs: 5 }),
    ]) {
      const next =
        set.keys[0] === "slots" ? [tokens(10), slots(9)] : [slots(9), tokens(10), tokens(5, { key: "y" })];
      redefine = () => set.redefine(next);
      act();
    }
    expect(set.stats().slots.used).toBe(3);
    expect(set.stats().tokens.used).toBe(3);
  });

  test("from onWarning of a request that begins to wait is safe for that request", async () => {
    const clock = new ManualClock();
    const set: LimitSet<Key> = new LimitSet<Key>({
      limits: [slots(1)],
      clock,
      onWarning: () => set.redefine([new CallLimit({ capacity: 5, windowMs: 1000 }), slots(2)]),
    });
    await set.run(undefined, async () => {
      const inner = await set.acquire();
      expect(inner.requested).toEqual({ call_count: 1, slots: 1 });
      inner.release();
    });
    expect(set.stats().slots.used).toBe(0);
  });

  test.each([
    [{ inherit: "all" }, /inherit must be one of "used", "available", "proportional", "fresh", got "all"/],
    [{ version: -1 }, /version must be a whole number/],
    [{ versoin: 1 }, /did you mean version/],
  ])("with the option %j is refused", (options, message) => {
    const { set } = setOf([tokens(100)]);
    expect(() => set.redefine([tokens(5)], options as never)).toThrow(InvalidRequestError);
    expect(() => set.redefine([tokens(5)], options as never)).toThrow(message);
    expect(set.get("tokens").capacity).toBe(100);
  });

  test("of a lower version changes nothing; an equal or a higher one does", () => {
    const { set } = setOf([tokens(1)], { onWarning: () => {} });
    set.redefine([tokens(2)], { version: 2 });
    set.redefine([tokens(3)], { version: 1 });
    expect(set.get("tokens").capacity).toBe(2);
    set.redefine([tokens(4)], { version: 2 });
    expect(set.get("tokens").capacity).toBe(4);
    set.redefine([tokens(5)]);
    set.redefine([tokens(6)], { version: 1 });
    expect(set.get("tokens").capacity).toBe(5);
  });

  test("to other limits of the same version warns once, and does it", () => {
    const warnings: LimitError[] = [];
    const onWarning = (warning: LimitError) => warnings.push(warning);
    const { set } = setOf([tokens(1)], { onWarning });
    set.redefine([tokens(2)], { version: 2 });
    set.redefine([tokens(2)], { version: 2 });
    set.redefine([tokens(3)]);
    set.redefine([tokens(4)], { version: 1 });
    expect(warnings).toEqual([]);
    set.redefine([tokens(4)], { version: 2 });
    set.redefine([tokens(5), slots(1)], { version: 2 });
    expect(set.keys).toEqual(["tokens", "slots"]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toBeInstanceOf(SameVersionWarning);
    expect(warnings[0]).toMatchObject({ code: "WARN_SAME_VERSION", version: 2 });
    expect(warnings[0]!.message).toContain("version 2");
    set.redefine([tokens(6)], { version: 3 });
    set.redefine([tokens(7)], { version: 3 });
    expect(warnings).toHaveLength(2);
  });

  test("to other limits of version 0, given as such, warns too", () => {
    const warnings: LimitError[] = [];
    const { set } = setOf([tokens(1)], { onWarning: (warning: LimitError) => warnings.push(warning) });
    set.redefine([tokens(2)], { version: 0 });
    expect(warnings).toMatchObject([{ version: 0 }]);
  });

  test("that makes no sense changes nothing", () => {
    const { set } = setOf([tokens(100)]);
    for (const bad of [[{ type: "rate" }], [tokens(1), tokens(2)], "tokens", undefined, () => undefined]) {
      expect(() => set.redefine(bad as never)).toThrow(InvalidLimitError);
    }
    expect(() =>
      set.redefine(() => {
        throw new RangeError("mine");
      }),
    ).toThrow("mine");
    expect(set.get("tokens").capacity).toBe(100);
    set.close();
    expect(() => set.redefine([tokens(5)])).toThrow(LimitSetClosedError);
  });

  test("leaves no memory behind", () => {
    const { set } = setOf([tokens(100), slots(5)]);
    set.redefine([slots(5), tokens(100)]);
    const bytes = () => (globalThis as { process?: NodeJS.Process }).process!.memoryUsage().arrayBuffers;
    const before = bytes();
    for (let i = 0; i < 5000; i++)
      set.redefine([slots(5 + (i % 7)), tokens(100, { algorithm: "sliding-window" })]);
    expect(bytes() - before).toBeLessThan(1_000_000);
  });
});

describe("an acquisition from before a redefinition", () => {
  test("gives back what it holds, wherever the limits are by now", () => {
    const { set } = setOf([slots(5), tokens(100)]);
    const held = set.tryAcquire({ tokens: 60, slots: 3 });
    set.redefine([new ResourceLimit({ key: "other", capacity: 4 }), tokens(50), slots(2)]);
    expect(set.stats()).toMatchObject({
      other: { used: 0 },
      tokens: { used: 60 },
      slots: { used: 3, available: -1 },
    });
    expect(held.requested).toEqual({ tokens: 60, slots: 3 });
    held.update({ tokens: 10 });
    held.release();
    expect(set.stats()).toMatchObject({ other: { used: 0 }, tokens: { used: 10 }, slots: { used: 0 } });
  });

  test("wakes waiters by its release", async () => {
    const { set } = setOf([slots(2)]);
    const held = set.tryAcquire({ slots: 2 });
    set.redefine([new ResourceLimit({ key: "other", capacity: 4 }), slots(2)]);
    const waiter = set.acquire({ slots: 2 });
    held.release();
    expect((await waiter).requested).toEqual({ slots: 2, other: 1 });
  });

  test("of a limit that was dropped and added again gives nothing back to the new one", () => {
    const { set } = setOf([slots(5), tokens(100)]);
    const held = set.tryAcquire({ tokens: 60, slots: 3 });
    set.redefine([tokens(100)]);
    set.redefine([slots(5), tokens(100)]);
    const later = set.tryAcquire({ tokens: 0, slots: 4 });
    held.update({ tokens: 0 });
    held.release();
    expect(set.stats()).toMatchObject({ slots: { used: 4 }, tokens: { used: 0 } });
    later.release();
    expect(set.stats().slots.used).toBe(0);
  });

  test("of a resource that became a rate gives nothing back, and neither does the reverse", () => {
    const { set } = setOf([new ResourceLimit({ key: "x", capacity: 5 })]);
    const held = set.tryAcquire({ x: 3 });
    set.redefine([new RateLimit({ key: "x", capacity: 5, windowMs: 1000 })]);
    expect(set.stats().x).toMatchObject({ type: "rate", used: 0 });
    const rate = set.tryAcquire({ x: 4 });
    held.release();
    expect(set.stats().x.used).toBe(4);
    set.redefine([new ResourceLimit({ key: "x", capacity: 5 })]);
    const again = set.tryAcquire({ x: 5 });
    rate.update({ x: 0 });
    rate.release();
    expect(set.stats().x.used).toBe(5);
    again.release();
  });

  test.each(["fresh", "proportional"] as const)(
    "refunds nothing after %s, also in the same microsecond",
    (inherit) => {
      const { set } = setOf([tokens(100)]);
      const held = set.tryAcquire({ tokens: 60 });
      set.redefine([tokens(100)], { inherit });
      const later = set.tryAcquire({ tokens: 40 });
      held.update({ tokens: 0 });
      held.release();
      expect(set.stats().tokens.used).toBe(inherit === "fresh" ? 40 : 100);
      later.update({ tokens: 0 });
      later.release();
      expect(set.stats().tokens.used).toBe(inherit === "fresh" ? 0 : 60);
    },
  );

  test("refunds nothing that a smaller availability has forgiven", () => {
    const { set } = setOf([tokens(100)]);
    const held = set.tryAcquire({ tokens: 60 });
    set.redefine([tokens(50)], { inherit: "available" });
    expect(set.stats().tokens.used).toBe(10);
    set.tryAcquire({ tokens: 40 });
    held.update({ tokens: 0 });
    held.release();
    expect(set.stats().tokens.used).toBe(50);
  });

  test("charges usage above its request in the new unit, rounded up", () => {
    const { set } = setOf([tokens(100, { overage: "debt" })]);
    const held = set.tryAcquire({ tokens: 1 });
    set.redefine([tokens(100, { unit: 5 })]);
    expect(set.stats().tokens.used).toBe(5);
    held.update({ tokens: 8 });
    held.release();
    expect(set.stats().tokens.used).toBe(15);
  });

  test("covers for its nested requests the limits that it holds", async () => {
    const { set } = setOf([slots(1), tokens(100)]);
    const outer = set.tryAcquire({ tokens: 5 });
    set.redefine([tokens(100), new ResourceLimit({ key: "other", capacity: 4 }), slots(1)]);
    const inner = await outer.acquire({ tokens: 5 });
    expect(inner.requested).toEqual({ tokens: 5, other: 1 });
    const [first, second] = [outer.acquire({ other: 4, tokens: 0 }), outer.acquire({ other: 4 })];
    set.redefine([slots(1), new ResourceLimit({ key: "other", capacity: 5 }), tokens(100)]);
    inner.update({ tokens: 5 });
    inner.release();
    const [one] = [await first];
    one.release();
    expect((await second).requested).toEqual({ other: 4 });
  });

  test("is known to hold what a body's request waits for", async () => {
    const warnings: Error[] = [];
    const { set } = setOf([slots(1)], { onWarning: (warning: Error) => warnings.push(warning) });
    await set.run(undefined, async () => {
      set.redefine([new CallLimit({ capacity: 9, windowMs: 1000 }), slots(1)]);
      await expect(set.acquire(undefined, { timeoutMs: 0 })).rejects.toThrow("slots");
      const waiter = set.acquire();
      expect(warnings.map(({ name }) => name)).toEqual(["DeadlockError"]);
      set.redefine([slots(2)]);
      (await waiter).release();
    });
  });
});

test("a waiter that could never pass rejects at once, the others stay", async () => {
  const { set } = setOf([slots(10)]);
  const held = set.tryAcquire({ slots: 8 });
  const seven = set.acquire({ slots: 7 });
  const three = set.acquire({ slots: 3 });
  set.redefine([slots(5)]);
  await expect(seven).rejects.toThrow(InvalidRequestError);
  await expect(seven).rejects.toThrow(/7 of "slots" could never pass: ask for at most the capacity, 5/);
  expect(set.waiting).toBe(1);
  held.release();
  expect((await three).requested).toEqual({ slots: 3 });
});

test("a waiter of which all limits are dropped goes on without them", async () => {
  const { set } = setOf([slots(1)]);
  set.tryAcquire();
  const waiter = set.acquire();
  set.redefine([tokens(5)]);
  expect(set.waiting).toBe(0);
  expect((await waiter).requested).toEqual({});
});

describe("windows of a calendar", () => {
  const HOUR_MS = 3_600_000;
  const daily = (capacity: number, timeZone: string) =>
    new RateLimit({ key: "tokens", capacity, every: "day", timeZone, algorithm: "fixed-window" });

  test("the count stays, and is that of the present window of the new calendar", () => {
    const clock = new ManualClock(Date.UTC(2027, 0, 1));
    const set = new LimitSet({ limits: [daily(10, "UTC")], clock });
    const acquisition = set.tryAcquire({ tokens: 8 });
    clock.advance(HOUR_MS);
    set.redefine([daily(20, "America/Los_Angeles")]);
    expect(set.stats().tokens).toMatchObject({ used: 8, available: 12 });
    expect(set.tryAcquire({ tokens: 13 }).retryAfterMs).toBe(7 * HOUR_MS);
    acquisition.update({ tokens: 3 });
    acquisition.release();
    expect(set.stats().tokens.used).toBe(3);
    clock.advance(7 * HOUR_MS);
    expect(set.stats().tokens).toMatchObject({ used: 0, windowMs: 24 * HOUR_MS });
  });

  test.each([
    ["could never pass", [new ResourceLimit({ key: "db", capacity: 1 })]],
    ["pass", []],
  ])("leaves no timer when the waiters %s from then on", async (_, limits) => {
    const clock = new ManualClock();
    const set = new LimitSet<string>({ limits: [new ResourceLimit({ key: "db", capacity: 3 })], clock });
    set.tryAcquire({ db: 3 });
    const waiter = set.acquire({ db: 2 }, { timeoutMs: 5000 }).catch(() => {});
    set.redefine(limits);
    await waiter;
    expect([set.waiting, clock.pendingTimers]).toEqual([0, 0]);
  });

  test("to a calendar and back: what is used stays used, and ends with the window", () => {
    const clock = new ManualClock(Date.UTC(2027, 0, 1, 20));
    const set = new LimitSet({ limits: [tokens(10)], clock });
    set.tryAcquire({ tokens: 8 });
    set.redefine([daily(10, "UTC")]);
    expect(set.tryAcquire({ tokens: 3 }).retryAfterMs).toBe(4 * HOUR_MS);
    set.redefine([tokens(10)]);
    expect(set.tryAcquire({ tokens: 3 }).retryAfterMs).toBe(100);
    set.redefine([daily(10, "UTC")]);
    clock.advance(4 * HOUR_MS);
    expect(set.stats().tokens.used).toBe(0);
  });

  test("a pause beyond the end of the window holds until it ends", () => {
    const clock = new ManualClock(Date.UTC(2027, 0, 1, 20));
    const set = new LimitSet({ limits: [daily(10, "UTC")], clock });
    set.tryAcquire({ tokens: 10 });
    set.pause(6 * HOUR_MS);
    expect(set.tryAcquire({ tokens: 1 }).retryAfterMs).toBe(6 * HOUR_MS);
    expect(set.stats().tokens).toMatchObject({ used: 10, retryAfterMs: 6 * HOUR_MS });
    clock.advance(6 * HOUR_MS);
    expect(set.tryAcquire({ tokens: 10 }).successful).toBe(true);
    set.lower({ tokens: 5 });
    set.reset(["tokens"]);
    expect(set.stats().tokens).toMatchObject({ used: 0, fullInMs: 0 });
    set.charge({ tokens: 15 });
    expect(set.stats().tokens).toMatchObject({ available: -5, fullInMs: 22 * HOUR_MS });
  });
});
