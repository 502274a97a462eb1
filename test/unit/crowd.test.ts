import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { AcquireTimeoutError, type LimitError, LimitSet } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { rate, resource } from "../conformance/tools.ts";

const CROWD = 100_000;

/** The outcome of each waiter of a crowd, in the order in which the outcomes came. */
class Outcomes {
  readonly served: number[] = [];
  readonly rejected: number[] = [];
  readonly #all: Promise<void>[] = [];

  watch(index: number, promise: Promise<unknown>): void {
    this.#all.push(
      promise.then(
        () => void this.served.push(index),
        () => void this.rejected.push(index),
      ),
    );
  }

  async settled(): Promise<void> {
    await Promise.all(this.#all);
  }
}

const range = (length: number) => Array.from({ length }, (_, i) => i);

describe(`${CROWD} waiters`, () => {
  test("of a rate need one timer, and are served in their order", async () => {
    const clock = new ManualClock();
    const limits = new LimitSet({ limits: [rate("x", 1000, 1000)], clock });
    limits.tryAcquire({ x: 1000 });
    const outcomes = new Outcomes();
    for (const i of range(CROWD)) outcomes.watch(i, limits.acquire({ x: 1 }));
    expect(limits.waiting).toBe(CROWD);
    expect(clock.pendingTimers).toBe(1);
    clock.advance(CROWD);
    await outcomes.settled();
    expect(outcomes.served).toEqual(range(CROWD));
    expect(clock.pendingTimers).toBe(0);
  });

  test("of a resource need no timer, and hand it on one by one", async () => {
    const clock = new ManualClock();
    const limits = new LimitSet({ limits: [resource("db", 1)], clock });
    const holder = limits.tryAcquire();
    const outcomes = new Outcomes();
    for (const i of range(CROWD))
      outcomes.watch(
        i,
        limits.acquire().then((acq) => acq.release()),
      );
    expect(clock.pendingTimers).toBe(0);
    holder.release();
    await outcomes.settled();
    expect(outcomes.served).toEqual(range(CROWD));
    expect(limits.stats().db.used).toBe(0);
  });

  test("aborted in the middle leave, and the others keep their order", async () => {
    const clock = new ManualClock();
    const limits = new LimitSet({ limits: [rate("x", 1000, 1000)], clock });
    limits.tryAcquire({ x: 1000 });
    const outcomes = new Outcomes();
    const leaves = (i: number) => i % 3 === 1;
    const controllers = range(CROWD).map((i) => {
      const controller = new AbortController();
      outcomes.watch(i, limits.acquire({ x: 1 }, leaves(i) ? { signal: controller.signal } : {}));
      return controller;
    });
    // From the middle outwards, so that neither end of the queue is a special case.
    const middleOut = range(CROWD).sort((a, b) => Math.abs(a - CROWD / 2) - Math.abs(b - CROWD / 2));
    for (const i of middleOut) if (leaves(i)) controllers[i]!.abort();
    const staying = range(CROWD).filter((i) => !leaves(i));
    expect(limits.waiting).toBe(staying.length);
    clock.advance(staying.length);
    await outcomes.settled();
    expect(outcomes.served).toEqual(staying);
    expect(outcomes.rejected).toHaveLength(CROWD - staying.length);
  });

  test("with as many timeouts still need one timer", async () => {
    const clock = new ManualClock();
    const limits = new LimitSet({ limits: [resource("db", 1)], clock });
    const holder = limits.tryAcquire();
    const outcomes = new Outcomes();
    const timeoutOf = (i: number) => 1 + ((i * 7919) % 1000);
    for (const i of range(CROWD)) outcomes.watch(i, limits.acquire({}, { timeoutMs: timeoutOf(i) }));
    await nextTurn();
    expect(clock.pendingTimers).toBe(1);
    clock.advance(500);
    expect(limits.waiting).toBe(range(CROWD).filter((i) => timeoutOf(i) > 500).length);
    clock.advance(500);
    await outcomes.settled();
    expect(outcomes.rejected).toHaveLength(CROWD);
    const timeouts = outcomes.rejected.map(timeoutOf);
    expect(timeouts.findIndex((ms, i) => i > 0 && ms < timeouts[i - 1]!)).toBe(-1);
    expect(clock.pendingTimers).toBe(0);
    holder.release();
    expect(limits.stats().db.used).toBe(0);
  });

  test("of many different requests are served as far as there is room", async () => {
    const keys = ["a", "b", "c", "d"] as const;
    const clock = new ManualClock();
    const limits = new LimitSet({ limits: keys.map((key) => rate(key, 1000, 1000)), clock });
    limits.tryAcquire({ a: 1000, b: 1000, c: 1000, d: 1000 });
    const outcomes = new Outcomes();
    for (const i of range(CROWD)) {
      const request = { [keys[i % 4]!]: 1, [keys[(i >> 2) % 4]!]: 1 };
      outcomes.watch(i, limits.acquire(request));
    }
    clock.advance(CROWD);
    await outcomes.settled();
    expect(outcomes.served).toHaveLength(CROWD);
    expect(limits.waiting).toBe(0);
  });
});

test("a waiter that gives up does not disturb those of other limits", async () => {
  const clock = new ManualClock();
  const limits = new LimitSet({ limits: [resource("a", 1), resource("b", 1)], clock });
  limits.tryAcquire({ a: 1, b: 0 });
  const b = limits.tryAcquire({ a: 0, b: 1 });
  const late = limits.acquire({ a: 1, b: 0 }, { timeoutMs: 10 });
  const next = limits.acquire({ a: 0, b: 1 });
  const outcome = expect(late).rejects.toThrow(AcquireTimeoutError);
  clock.advance(10);
  await outcome;
  b.release();
  expect((await next).requested).toEqual({ b: 1 });
});

test("a line of any length may stand beside another", async () => {
  const clock = new ManualClock();
  const limits = new LimitSet({ limits: [rate("x", 1, 1), rate("y", 1, 1)], clock });
  limits.tryAcquire({ x: 1 });
  const long = Array.from({ length: 200_000 }, () => limits.acquire({ x: 1 }).catch(() => undefined));
  const other = limits.acquire({ x: 1, y: 1 }).catch((error: unknown) => (error as LimitError).code);
  expect(limits.waiting).toBe(200_001);
  limits.close();
  await Promise.all(long);
  expect(await other).toBe("ERR_LIMIT_SET_CLOSED");
});
