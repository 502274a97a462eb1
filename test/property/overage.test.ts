import { expect, it } from "vitest";
import { LimitSet, RateLimit } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { ALGORITHMS } from "./definitions.ts";

// Other histories keep overage far below the largest debt that the core can count, since the oracle counts on beyond it. There
// only one thing matters: a debt that is too large to be counted must not turn into budget.

const CAPACITY = 10;

it.each(ALGORITHMS)("%s: no amount of overage ever becomes budget", (algorithm) => {
  const clock = new ManualClock();
  const limit = new RateLimit({ key: "k", capacity: CAPACITY, windowMs: 1000, algorithm, overage: "debt" });
  const limits = new LimitSet({ limits: [limit], clock, shared: false });
  for (let i = 0; i < 2000; i++) {
    const acquisition = limits.tryAcquire({ k: 0 });
    acquisition.update({ k: Number.MAX_SAFE_INTEGER });
    acquisition.release();
    const { used, available } = limits.stats().k;
    if (used < CAPACITY || available > 0)
      throw new Error(`${used} used, ${available} available after ${i + 1}`);
    clock.advance(i < 1500 ? 1 : 10);
  }
  clock.advance(10_000);
  let granted = 0;
  while (granted <= CAPACITY && limits.tryAcquire({ k: 1 }).successful) granted++;
  expect(granted).toBeLessThanOrEqual(CAPACITY);
  limits.close();
});
