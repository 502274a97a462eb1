/** The memory of shared sets comes back, and an error in one set leaves the others usable. */
import { LimitSet, RateLimit, ResourceLimit } from "limitset";
import { attachLimits, type LimitSetHandle, shareLimits } from "limitset/threads";
import { expect, test } from "vitest";

const make = () =>
  new LimitSet({
    limits: [
      new RateLimit({ key: "log", capacity: 10, windowMs: 1000, algorithm: "sliding-window" }),
      new ResourceLimit({ key: "db", capacity: 3 }),
    ],
  });

const bytesOf = (handle: LimitSetHandle<"log" | "db">) =>
  (handle.memory as WebAssembly.Memory).buffer.byteLength;

test("a handle that is never attached keeps the memory of its set until it is reclaimed, also after close", () => {
  const limits = make();
  const { handle, reclaim } = shareLimits(limits);
  limits.close();
  expect(attachLimits(handle).tryAcquire({ log: 1 }).successful).toBe(true);
  reclaim();
  const next = make();
  const again = shareLimits(next);
  expect(again.handle.start).toBe(handle.start);
  next.close();
  again.reclaim();
});

test("thousands of such handles: all of the memory comes back", () => {
  const crowd = () => {
    const shared = Array.from({ length: 1000 }, () => {
      const limits = make();
      const one = shareLimits(limits);
      limits.close();
      return one;
    });
    const bytes = bytesOf(shared[0]!.handle);
    for (const { reclaim } of shared) reclaim();
    return { handle: shared[0]!.handle, bytes };
  };
  // A set that stays open keeps the memory from being dropped whole.
  const kept = make();
  kept.tryAcquire({ log: 1 });
  const first = crowd();
  const second = crowd();
  expect(second.handle.memory).toBe(first.handle.memory);
  expect(second.bytes).toBe(first.bytes);
  expect(kept.stats().db.used).toBe(1);
  kept.close();
});

test("a call of the core that traps harms no other set", () => {
  const limits = make();
  const { handle } = shareLimits(limits);
  const there = attachLimits(handle);
  there.tryAcquire({ log: 1, db: 1 });
  const open = Reflect.get(limits, Symbol.for("limitset.internals")) as () => {
    region: { heap: { core: { transact(...numbers: number[]): number; leave(...numbers: number[]): void } } };
  };
  const { core } = open.call(limits).region.heap;
  const nowhere = bytesOf(handle) - 64;
  for (const region of [nowhere, -64, 2 ** 31, 2 ** 32 - 128]) {
    expect(() => core.transact(region, 2 ** 32 - 1024, 5, 0, 0, 0)).toThrow(WebAssembly.RuntimeError);
    expect(() => core.leave(region, 2 ** 32 - 1024, 9, 5, 0)).toThrow(WebAssembly.RuntimeError);
  }
  expect(there.tryAcquire({ log: 1, db: 1 }).successful).toBe(true);
  expect([limits.stats().log.used, limits.stats().db.used]).toEqual([2, 2]);
  const other = make();
  expect(other.tryAcquire({ log: 10 }).successful).toBe(true);
});
