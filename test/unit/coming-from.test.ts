/** What other libraries do where their limits change, and the call that does the same here: the table of docs/changing.md. */
import { expect, test } from "vitest";
import { type Inherit, LimitSet, RateLimit, RateLimitAlgorithm, ResourceLimit } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";

const { GCRA, FixedWindow, LeakyBucket } = RateLimitAlgorithm;

function setOf(limit: RateLimit<"x"> | ResourceLimit<"x">) {
  const clock = new ManualClock(Date.UTC(2027, 0, 1));
  return { clock, set: new LimitSet({ limits: [limit], clock }) };
}

const rate = (capacity: number, more: object = {}) =>
  new RateLimit({ key: "x", capacity, windowMs: 1000, ...more });

// 30 of 100 tokens are left; the bucket then has room for 50, or for 500.
const STRATEGIES: readonly (readonly [strategy: string, inherit: Inherit, of50: number, of500: number])[] = [
  ["AS_IS", "available", 30, 30],
  ["PROPORTIONALLY", "proportional", 15, 150],
  ["RESET", "fresh", 50, 500],
  ["ADDITIVE", "used", -20, 430],
];

test.each(STRATEGIES)("bucket4j's TokensInheritanceStrategy.%s is %s", (_, inherit, of50, of500) => {
  for (const [capacity, left] of [
    [50, of50],
    [500, of500],
  ] as const) {
    const { set } = setOf(rate(100));
    set.tryAcquire({ x: 70 });
    set.redefine([rate(capacity)], { inherit });
    expect(set.stats().x.available).toBe(left);
  }
});

test("SetLimit of golang.org/x/time/rate keeps the tokens, which come back at the new rate", () => {
  const { set, clock } = setOf(rate(100, { algorithm: GCRA, burst: 10 }));
  set.tryAcquire({ x: 10 });
  set.redefine([rate(1000, { algorithm: GCRA, burst: 10 })]);
  expect(set.stats().x.available).toBe(0);
  void clock.advance(5);
  expect(set.stats().x.available).toBe(5);
});

test("SetBurst of golang.org/x/time/rate keeps the tokens, up to the new burst", () => {
  for (const [burst, left] of [
    [20, 4],
    [2, 2],
  ] as const) {
    const { set } = setOf(rate(100, { algorithm: GCRA, burst: 10 }));
    set.tryAcquire({ x: 6 });
    set.redefine([rate(100, { algorithm: GCRA, burst })], { inherit: "available" });
    expect(set.stats().x.available).toBe(left);
  }
});

test("concurrency of p-queue, and maxConcurrent of Bottleneck: more start at once, fewer as others end", async () => {
  const { set } = setOf(new ResourceLimit({ key: "x", capacity: 2 }));
  const held = [set.tryAcquire(), set.tryAcquire()];
  const waiting = [set.acquire(), set.acquire()];
  set.redefine([new ResourceLimit({ key: "x", capacity: 3 })]);
  expect(set.waiting).toBe(1);
  set.redefine([new ResourceLimit({ key: "x", capacity: 1 })]);
  (await waiting[0]!).release();
  held[0]!.release();
  expect(set.waiting).toBe(1);
  held[1]!.release();
  expect((await waiting[1]!).successful).toBe(true);
});

test("intervalCap of p-queue counts the present interval", () => {
  const { set } = setOf(rate(5, { algorithm: FixedWindow }));
  set.tryAcquire({ x: 5 });
  set.redefine([rate(8, { algorithm: FixedWindow })]);
  expect(set.stats().x.available).toBe(3);
});

test("minTime of Bottleneck holds for what starts after the change", () => {
  const { set } = setOf(rate(1, { algorithm: LeakyBucket }));
  set.tryAcquire({ x: 1 });
  set.redefine([rate(1, { algorithm: LeakyBucket, windowMs: 250 })]);
  expect(set.peek({ x: 1 }).retryAfterMs).toBe(250);
});
