import { getEventListeners, setMaxListeners } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import { MessageChannel } from "node:worker_threads";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { InvalidRequestError, LimitSet } from "../../src/index.ts";
import { connectLimits, serveLimits } from "../../src/port/index.ts";
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

describe("one signal for many", () => {
  test("sets and connections has one listener", async () => {
    const warned = vi.spyOn(process, "emitWarning");
    onTestFinished(() => warned.mockRestore());
    const sets = Array.from({ length: 30 }, () => new LimitSet({ limits: [resource("db", 1)] }));
    const { port1, port2 } = new MessageChannel();
    onTestFinished(() => port1.close());
    serveLimits(sets[0]!, port1);
    const connected = connectLimits<"db">(port2);
    await connected.ready;
    for (const set of sets) set.tryAcquire({ db: 1 });
    const { signal } = controller;
    const waiters = [...sets, ...Array(30).fill(connected)].map((set) =>
      watch(set.acquire({ db: 1 }, { signal })),
    );
    await nextTurn();
    expect(listeners()).toBe(1);
    controller.abort("enough");
    await vi.waitFor(() => expect(waiters.every(({ state }) => state === "rejected")).toBe(true));
    for (const waiter of waiters) expect(waiter.reason).toBe("enough");
    expect(listeners()).toBe(0);
    expect(warned).not.toHaveBeenCalled();
  });
});

/** A signal as old polyfills have it: events, and no more. */
class OldSignal {
  aborted = false;
  readonly #listeners = new Set<() => void>();

  addEventListener(_: "abort", listener: () => void) {
    this.#listeners.add(listener);
  }

  removeEventListener(_: "abort", listener: () => void) {
    this.#listeners.delete(listener);
  }

  abort() {
    this.aborted = true;
    for (const listener of this.#listeners) listener();
  }
}

describe("a signal of a polyfill", () => {
  test("ends a wait, and refuses what comes after", async () => {
    const signal = new OldSignal();
    limits.tryAcquire({ db: 1 });
    const waiter = watch(limits.acquire({ db: 1 }, { signal: signal as never }));
    signal.abort();
    await clock.advanceAsync(0);
    expect(waiter.reason).toMatchObject({ name: "AbortError" });
    const after = await failure(() => limits.run({ tokens: 1 }, () => {}, { signal: signal as never }));
    expect(after.name).toBe("AbortError");
    expect(limits.stats().tokens.used).toBe(0);
  });

  test.each<[string, unknown, string]>([
    [
      "a controller",
      new AbortController(),
      "signal must be an AbortSignal, got an object: pass the controller's signal",
    ],
    ["a number", 5, "signal must be an AbortSignal, got 5"],
    ["an object", {}, "signal must be an AbortSignal, got an object"],
  ])("is not %s", async (_, signal, message) => {
    const error = await failure(() => limits.acquire({ tokens: 1 }, { signal: signal as never }));
    expect(error).toBeInstanceOf(InvalidRequestError);
    expect(error.message).toBe(message);
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
