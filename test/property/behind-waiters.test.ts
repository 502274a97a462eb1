import fc from "fast-check";
import { expect, test } from "vitest";
import { LimitSet, RateLimit, RateLimitAlgorithm } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { runs, TIMEOUT_MS } from "./settings.ts";

const START = Date.UTC(2026, 5, 1);
const { TokenBucket, GCRA, LeakyBucket, SlidingWindow, FixedWindow } = RateLimitAlgorithm;

/** A set whose limit `x` is used up in part, and its line. */
interface Line {
  readonly capacity: number;
  readonly windowMs: number;
  readonly burst: number;
  /** Takes before the line: after so many microseconds, so many units. */
  readonly taken: readonly (readonly [number, number])[];
  readonly waiting: readonly number[];
  readonly own: number;
}

function lines(mostWaiters: number): fc.Arbitrary<Line> {
  return fc.integer({ min: 1, max: 50 }).chain((capacity) => {
    const units = fc.integer({ min: 1, max: capacity });
    return fc.record({
      capacity: fc.constant(capacity),
      windowMs: fc.integer({ min: 1, max: 100_000 }),
      burst: units,
      taken: fc.array(fc.tuple(fc.integer({ min: 0, max: 5_000 }), units), { minLength: 1, maxLength: 8 }),
      waiting: fc.array(units, { maxLength: mostWaiters }),
      own: units,
    });
  });
}

/** Plays the line. Returns how long a try is told to wait, and after how long such a try passes; undefined if it passes at once. */
async function play(
  algorithm: RateLimitAlgorithm,
  line: Line,
): Promise<[toldMs: number, tookMs: number] | undefined> {
  const { capacity, windowMs, burst, taken, waiting, own } = line;
  const most = algorithm === GCRA ? burst : capacity;
  const clock = new ManualClock(START);
  const extra = algorithm === GCRA ? { burst } : {};
  const limits = new LimitSet({
    limits: [new RateLimit({ key: "x", capacity, windowMs, algorithm, ...extra })],
    clock,
  });
  let us = 0;
  for (const [later, units] of taken) {
    us += later;
    clock.set(START + us / 1000);
    limits.tryAcquire({ x: Math.min(units, most) });
  }
  for (const units of waiting) void limits.acquire({ x: Math.min(units, most) });
  const request = { x: Math.min(own, most) };
  const tried = limits.tryAcquire(request);
  if (tried.successful) return undefined;
  // The first moment at which it passes, to a microsecond: the waiters before it go as the clock moves.
  const asked = clock.now();
  const told = Math.round(tried.retryAfterMs * 1000);
  const late = waiting.length + 2;
  for (let micros = told - 1; micros <= told + late; micros++) {
    clock.set(asked + micros / 1000);
    await null;
    if (limits.tryAcquire(request).successful) return [told, micros];
  }
  throw new Error(`refused for longer than ${told} us, by more than ${late} us`);
}

test.each([
  [LeakyBucket, 0],
  [FixedWindow, 0],
  [SlidingWindow, 0],
  // Each waiter goes at a whole microsecond, and a full bucket does not fill on in the rest of it.
  [TokenBucket, 1],
  [GCRA, 1],
])(
  "a try behind waiters of a %s passes when it is told, and not before",
  { timeout: TIMEOUT_MS },
  async (algorithm, late) => {
    let refused = 0;
    const property = fc.asyncProperty(lines(40), async (line) => {
      const played = await play(algorithm, line);
      if (!played) return;
      refused++;
      const [told, took] = played;
      expect(took).toBeGreaterThanOrEqual(told);
      expect(took - told).toBeLessThanOrEqual(late * (line.waiting.length + 1));
    });
    await fc.assert(property, runs(150));
    expect(refused).toBeGreaterThan(75);
  },
);

test.each([TokenBucket, GCRA, LeakyBucket, SlidingWindow, FixedWindow])(
  "a try behind 1,000 waiters of a %s passes when it is told",
  { timeout: TIMEOUT_MS },
  async (algorithm) => {
    for (const capacity of [1, 7, 50]) {
      const waiting = Array.from({ length: 1000 }, (_, i) => 1 + ((i * 7) % capacity));
      const line = {
        capacity,
        windowMs: 977,
        burst: capacity,
        taken: [[0, capacity]] as const,
        waiting,
        own: capacity,
      };
      const [told, took] = (await play(algorithm, line))!;
      const late = algorithm === TokenBucket || algorithm === GCRA ? 1000 : 0;
      expect(took).toBeGreaterThanOrEqual(told);
      expect(took - told).toBeLessThanOrEqual(late);
    }
  },
);
