import { expect, test } from "vitest";
import { LimitSet } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { resource, watch } from "../conformance/tools.ts";

const WAITERS = 2000;
const LONGEST_MS = 500;

/** A reproducible die (Lehmer's generator). */
function die(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % sides;
  };
}

test.each([11, 12, 13])(
  "each waiter times out at its own time, though others leave before it (%s)",
  async (seed) => {
    const roll = die(seed);
    const clock = new ManualClock(0);
    const limits = new LimitSet({ limits: [resource("db", 1)], clock });
    limits.tryAcquire();
    const waiters = Array.from({ length: WAITERS }, () => {
      const timeoutMs = 1 + roll(LONGEST_MS);
      const controller = new AbortController();
      const watched = watch(limits.acquire({}, { timeoutMs, signal: controller.signal }));
      return { timeoutMs, controller, watched };
    });

    // Some waiters leave beforehand, in no order at all, and more of them while time passes.
    const staying = new Set(waiters);
    const leave = () => {
      const waiter = [...staying][roll(staying.size)]!;
      waiter.controller.abort();
      staying.delete(waiter);
    };
    for (let i = 0; i < WAITERS / 4; i++) leave();
    for (let ms = 1; ms <= LONGEST_MS; ms++) {
      if (staying.size > 0 && ms % 2 === 0) leave();
      clock.advance(1);
      for (const waiter of staying) if (waiter.timeoutMs <= ms) staying.delete(waiter);
      expect(limits.waiting).toBe(staying.size);
    }
    await clock.advanceAsync(0);
    expect(limits.waiting).toBe(0);
    expect(waiters.every(({ watched }) => watched.state === "rejected")).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  },
);
