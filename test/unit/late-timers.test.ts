import { setImmediate as nextTurn } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { AcquireTimeoutError, type Acquisition, LimitSet } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { rate, resource, watch } from "../conformance/tools.ts";

/** A clock whose time can pass as if the event loop were busy: no timer runs. */
class BusyClock extends ManualClock {
  #busyMs = 0;

  override now(): number {
    return super.now() + this.#busyMs;
  }

  busy(ms: number): void {
    this.#busyMs += ms;
  }
}

let clock: BusyClock;
let limits: LimitSet<"x">;

beforeEach(() => {
  clock = new BusyClock(0);
  limits = new LimitSet({ limits: [rate("x", 10, 1000)], clock });
  limits.tryAcquire({ x: 10 });
});

describe("while a waiter is due but has not been woken", () => {
  test("a try gets the rest that the waiter leaves", async () => {
    const waiter = watch(limits.acquire({ x: 6 }));
    clock.busy(1000);
    expect(limits.tryAcquire({ x: 5 }).successful).toBe(false);
    expect(limits.tryAcquire({ x: 4 }).successful).toBe(true);
    await nextTurn();
    expect(waiter.state).toBe("granted");
  });

  test("so is an acquire that tries once", async () => {
    const waiter = watch(limits.acquire({ x: 6 }));
    clock.busy(1000);
    const late = watch(limits.acquire({ x: 4 }, { timeoutMs: 0 }));
    await nextTurn();
    expect([waiter.state, late.state]).toEqual(["granted", "granted"]);
  });

  test("an acquire does not overtake it", async () => {
    const order: number[] = [];
    void limits.acquire({ x: 6 }).then(() => order.push(6));
    clock.busy(1000);
    void limits.acquire({ x: 4 }).then(() => order.push(4));
    await clock.advanceAsync(1000);
    expect(order).toEqual([6, 4]);
  });

  test("acquireSync passes it", () => {
    const waiter = watch(limits.acquire({ x: 6 }));
    clock.busy(1000);
    expect(limits.acquireSync({ x: 10 }).successful).toBe(true);
    expect(waiter.state).toBe("pending");
    expect(limits.waiting).toBe(1);
  });
});

describe("when the timer comes too late", () => {
  test("all waiters that are due are served at once", async () => {
    const waiters = [1, 2, 3].map((x) => watch(limits.acquire({ x })));
    clock.busy(5000);
    await clock.advanceAsync(100);
    expect(waiters.map(({ state }) => state)).toEqual(["granted", "granted", "granted"]);
  });

  test("a waiter whose deadline and whose turn come at one moment is granted", async () => {
    const waiter = watch(limits.acquire({ x: 5 }, { timeoutMs: 500 }));
    clock.busy(500);
    expect(limits.tryAcquire({ x: 1 }).successful).toBe(false);
    await nextTurn();
    expect(waiter.state).toBe("granted");
  });

  test("a waiter whose deadline has passed is not granted, and the next one is", async () => {
    const late = watch(limits.acquire({ x: 5 }, { timeoutMs: 500 }));
    const next = watch(limits.acquire({ x: 10 }));
    clock.busy(5000);
    await clock.advanceAsync(500);
    expect(late.reason).toBeInstanceOf(AcquireTimeoutError);
    expect(late.reason).toMatchObject({ timeoutMs: 500 });
    expect(next.state).toBe("granted");
  });

  test("neither by a release, by a try, nor by the request of another", async () => {
    const set = new LimitSet({ limits: [resource("db", 1)], clock });
    for (const serve of [
      (holder: Acquisition<"db">) => holder.release(),
      (holder: Acquisition<"db">) => holder.release() ?? set.tryAcquire({ db: 1 }).release(),
      (holder: Acquisition<"db">) =>
        holder.release() ?? void set.acquire({ db: 1 }).then((each) => each.release()),
    ]) {
      const holder = set.tryAcquire({ db: 1 });
      const waiter = watch(set.acquire({ db: 1 }, { timeoutMs: 100 }));
      clock.busy(2000);
      serve(holder);
      await nextTurn();
      expect(waiter.reason).toBeInstanceOf(AcquireTimeoutError);
      expect(set.stats().db.used).toBe(0);
    }
  });
});

test("when the timer comes too early no waiter is served too early", async () => {
  let early: (() => void) | undefined;
  let now = 0;
  const impatient = new LimitSet({
    limits: [rate("x", 10, 1000)],
    clock: {
      now: () => now,
      setTimeout: (callback) => {
        early = callback;
        return callback;
      },
      clearTimeout: () => {},
    },
  });
  impatient.tryAcquire({ x: 10 });
  const waiter = watch(impatient.acquire({ x: 5 }));
  for (now = 50; now < 500; now += 50) {
    early?.();
    await nextTurn();
    expect(waiter.state).toBe("pending");
  }
  early?.();
  await nextTurn();
  expect(waiter.state).toBe("granted");
});
