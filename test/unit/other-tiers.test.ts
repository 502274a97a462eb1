/** Partitions that were used under one tier, and are asked for under another: what is used goes back as under the first. */
import { expect, test } from "vitest";
import { LimitSet, RateLimit, RateLimitAlgorithm } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { shareLimits } from "../../src/threads/index.ts";
import { watch } from "../conformance/tools.ts";

const START = Date.UTC(2027, 0, 1);
const PROMPT = Object.values(RateLimitAlgorithm).filter((each) => each !== RateLimitAlgorithm.SlidingWindow);

function make(algorithm: RateLimitAlgorithm, isShared = false) {
  const clock = new ManualClock(START);
  const tiers = { pro: { capacity: 100 }, slow: { capacity: 5, windowMs: 10_000 } };
  const limit = new RateLimit({ key: "tokens", capacity: 10, windowMs: 1000, algorithm, per: "user", tiers });
  const set = new LimitSet({ limits: [limit], clock, missingUpdate: "charge" });
  if (isShared) shareLimits(set);
  const of = (tier?: "pro" | "slow") => set.for({ user: "alice" }, tier ? { tier } : {});
  return { clock, of, set };
}

test.each(
  PROMPT.flatMap(
    (each) =>
      [
        [each, "one thread", false],
        [each, "threads", true],
      ] as const,
  ),
)("%s of %s: a refusal under another tier says just when the request passes", (algorithm, _, isShared) => {
  for (const [first, second, taken, wanted] of [
    ["pro", undefined, 100, 1],
    ["pro", "slow", 60, 5],
    [undefined, "slow", 10, 3],
    ["slow", undefined, 5, 9],
    ["slow", "pro", 5, 100],
    ["pro", undefined, 9, 2],
  ] as const) {
    const { clock, of, set } = make(algorithm, isShared);
    of(first).tryAcquire({ tokens: taken });
    const { successful, retryAfterMs } = of(second).peek({ tokens: wanted });
    const what = `${first} ${second} ${taken} ${wanted} ${retryAfterMs}`;
    expect(successful, what).toBe(false);
    clock.set(START + retryAfterMs - 0.001);
    expect(of(second).peek({ tokens: wanted }).successful, what).toBe(false);
    clock.set(START + retryAfterMs);
    expect(of(second).peek({ tokens: wanted }).successful, what).toBe(true);
    set.close();
  }
});

test("a waiter under another tier goes as soon as it can", async () => {
  const { clock, of } = make("token-bucket");
  of("pro").tryAcquire({ tokens: 100 });
  const waiter = watch(of().acquire({ tokens: 5 }));
  clock.advance(949);
  await Promise.resolve();
  expect(waiter.state).toBe("pending");
  clock.advance(1);
  await Promise.resolve();
  await Promise.resolve();
  expect(waiter.state).toBe("granted");
});

test("retryAfterMs behind waiters of another tier is not too late", async () => {
  const { clock, of } = make("token-bucket");
  of("pro").tryAcquire({ tokens: 100 });
  const waiters = [watch(of("pro").acquire({ tokens: 90 })), watch(of().acquire({ tokens: 5 }))];
  const { retryAfterMs, ahead } = of().peek({ tokens: 1 });
  expect({ retryAfterMs, ahead }).toEqual({ retryAfterMs: 1860, ahead: 2 });
  clock.advance(900);
  clock.advance(950);
  await Promise.resolve();
  await Promise.resolve();
  expect(waiters.map(({ state }) => state)).toEqual(["granted", "granted"]);
  // A lower bound: what the last one has taken goes back more slowly.
  expect(of().peek({ tokens: 1 })).toMatchObject({ successful: false, retryAfterMs: 100 });
});
