/** Workers whose limits are a view of a set, and methods that make views of their limits, in every mode. */
import { MessageChannel } from "node:worker_threads";
import { CallLimit, InvalidRequestError, LimitSet, ResourceLimit } from "limitset";
import { connectLimits, serveLimits } from "limitset/port";
import { Worker } from "limitset/worker";
import { describe, expect, onTestFinished, test } from "vitest";
import { TooBusy } from "./crew.js";
import { crew, MODES } from "./pools.ts";

const QUICKLY = { retryWaitMs: 0, retryJitter: 0 };

function makeSet() {
  const limits = new LimitSet({
    limits: [
      new CallLimit({ key: "all", capacity: 100, windowMs: 3_600_000, algorithm: "sliding-window" }),
      new ResourceLimit({ key: "slots", capacity: 1, per: "user", tiers: { pro: { capacity: 3 } } }),
      new ResourceLimit({ key: "desks", capacity: 5, per: "team" }),
    ],
  });
  onTestFinished(() => limits.close());
  return limits;
}

describe.each(MODES)("mode %s", (mode) => {
  test("a method names partitions, and each attempt gives back what it took of them", async () => {
    const set = makeSet();
    const worker = crew({
      mode,
      limits: set.for({ team: null }),
      numRetries: 3,
      retryOn: TooBusy,
      ...QUICKLY,
    });
    const { requested, waiting } = await worker.serve("alice", "a", 2);
    expect(requested).toEqual({ call_count: 1, slots: 1 });
    expect(waiting).toBe(1);
    // Each attempt found the slot free, since the one before had given it back.
    expect(set.for({ user: "alice" }).stats()).toMatchObject({ all: { used: 3 }, slots: { used: 0 } });
    expect(set.for({ user: "bob" }).stats().slots.used).toBe(0);
    await expect.poll(() => set.waiting).toBe(0);
  });

  test("the limits of a worker may be a view, of a tier too", async () => {
    const set = makeSet();
    const alice = set.for({ user: "alice", team: "red" }, { tier: "pro" });
    const worker = crew({ mode, limits: alice });
    expect(await worker.keep({ slots: 3 })).toEqual({ call_count: 1, slots: 3, desks: 1 });
    const held = worker.keep({ slots: 2, desks: 4 }, 300);
    await expect.poll(() => alice.stats().desks.used, { interval: 10 }).toBe(4);
    expect(alice.stats().slots).toMatchObject({ used: 2, capacity: 3 });
    await held;
    expect(alice.stats()).toMatchObject({ all: { used: 2 }, desks: { used: 0 }, slots: { used: 0 } });
    await worker.stop();
    expect(alice.tryAcquire().successful).toBe(true);
  });

  test("a view that an object keeps belongs to the call that uses it", async () => {
    const set = makeSet();
    const worker = crew(
      { mode, limits: set.for({ team: null }), numRetries: 1, retryOn: TooBusy, ...QUICKLY },
      "user carol",
    );
    expect(await worker.serve("own", "c", 1)).toMatchObject({ requested: { slots: 1 } });
    expect(set.for({ user: "carol" }).stats()).toMatchObject({ all: { used: 2 }, slots: { used: 0 } });
  });

  test("the limits may be a view of a connected set", async () => {
    const set = makeSet();
    const { port1, port2 } = new MessageChannel();
    const service = serveLimits(set, port2);
    const limits = connectLimits(port1);
    onTestFinished(() => {
      limits.close();
      service.stop();
    });
    const worker = crew({ mode, limits: limits.for({ user: "alice", team: "red" }) });
    expect(await worker.keep({ desks: 2 })).toEqual({ call_count: 1, slots: 1, desks: 2 });
    expect(await worker.used("all")).toBe(1);
    await expect.poll(() => set.for({ user: "alice" }).stats().slots.used).toBe(0);
  });
});

test("a name that no limit has is an error of the call", async () => {
  const worker = crew({ mode: "thread", limits: makeSet() });
  await expect(worker.serve("alice", "x", 0)).rejects.toThrow(InvalidRequestError);
  await expect(worker.serve("alice", "y", 0)).rejects.toThrow('"team"');
});

test("limits that a method hands to another worker may be a view", async () => {
  const set = makeSet();
  class Office extends Worker {
    async work(): Promise<unknown> {
      const inner = crew({ mode: "process", limits: this.limits.for({ user: "dora" }) });
      const kept = await inner.keep({ desks: 0 });
      await inner.stop();
      return kept;
    }
  }
  const office = Office.options({ limits: set.for({ team: "blue" }) as never }).init();
  expect(await office.work()).toEqual({ call_count: 1, slots: 1 });
  expect(set.stats().all.used).toBe(1);
  await office.stop();
});
