/**
 * What other libraries do where their limits change, and the call that does the same here: the table of docs/changing.md. Those of
 * JavaScript run beside ours.
 */
import Bottleneck from "bottleneck";
import PQueue from "p-queue";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
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

/** Jobs that a library runs under its limits. */
interface Runner {
  run(job: () => Promise<void>): Promise<unknown>;
  /** Changes the limit: how many run at once, or how many milliseconds lie between two starts. */
  change(value: number): void;
}

/** Bottleneck passes a job through a few timers of a millisecond. */
const A_MOMENT_MS = 20;
const roughly = (ms: number) => Math.round(ms / A_MOMENT_MS) * A_MOMENT_MS;

/** Counts the jobs of a runner that have started, and ends them. */
class Jobs {
  readonly startedAt: number[] = [];
  readonly #runner: Runner;
  readonly #ends: (() => void)[] = [];
  readonly #all: Promise<unknown>[] = [];

  constructor(runner: Runner, count: number) {
    this.#runner = runner;
    this.add(count);
  }

  add(count: number): void {
    for (let i = 0; i < count; i++) this.#all.push(this.#runner.run(() => this.#job()));
  }

  get running(): number {
    return this.#ends.length;
  }

  async change(value: number): Promise<void> {
    this.#runner.change(value);
    await vi.advanceTimersByTimeAsync(A_MOMENT_MS);
  }

  async end(): Promise<void> {
    this.#ends.shift()!();
    await vi.advanceTimersByTimeAsync(A_MOMENT_MS);
  }

  async endAll(): Promise<void> {
    while (this.#ends.length > 0) await this.end();
    await Promise.all(this.#all);
  }

  #job(): Promise<void> {
    this.startedAt.push(Date.now());
    return new Promise((resolve) => {
      this.#ends.push(resolve);
    });
  }
}

/** Our set, with the clock of the timers that the test moves. */
function ours(limit: (value: number) => RateLimit<"x"> | ResourceLimit<"x">, value: number): Runner {
  const clock = {
    now: () => Date.now(),
    setTimeout: (callback: () => void, ms: number) => setTimeout(callback, ms),
    clearTimeout: (timer: unknown) => clearTimeout(timer as number),
  };
  const set = new LimitSet<"x">({ limits: [limit(value)], clock, missingUpdate: "charge" });
  return {
    run: (job) => set.run({ x: 1 }, job),
    change: (value) => set.redefine([limit(value)]),
  };
}

describe("beside ours", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: Date.UTC(2027, 0, 1) });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const concurrent: Record<string, (most: number) => Runner> = {
    "p-queue's concurrency": (most) => {
      const queue = new PQueue({ concurrency: most });
      return {
        run: (job) => queue.add(job),
        change: (value) => {
          queue.concurrency = value;
        },
      };
    },
    "Bottleneck's maxConcurrent": (most) => {
      const limiter = new Bottleneck({ maxConcurrent: most });
      return {
        run: (job) => limiter.schedule(job),
        change: (value) => void limiter.updateSettings({ maxConcurrent: value }),
      };
    },
    "ResourceLimit of ours": (most) => ours((capacity) => new ResourceLimit({ key: "x", capacity }), most),
  };

  test.each(Object.entries(concurrent))("%s: more start at once, fewer as others end", async (_, make) => {
    const jobs = new Jobs(make(2), 6);
    await vi.advanceTimersByTimeAsync(A_MOMENT_MS);
    const running = [jobs.running];
    await jobs.change(3);
    running.push(jobs.running);
    await jobs.change(1);
    running.push(jobs.running);
    for (let i = 0; i < 3; i++) {
      await jobs.end();
      running.push(jobs.running);
    }
    expect(running).toEqual([2, 3, 3, 2, 1, 1]);
    expect(jobs.startedAt).toHaveLength(4);
    await jobs.change(6);
    await jobs.endAll();
  });

  const spaced: Record<string, (ms: number) => Runner> = {
    "Bottleneck's minTime": (minTime) => {
      const limiter = new Bottleneck({ minTime });
      return {
        run: (job) => limiter.schedule(job),
        change: (value) => void limiter.updateSettings({ minTime: value }),
      };
    },
    "leaky bucket of ours": (ms) =>
      ours((windowMs) => rate(1, { algorithm: LeakyBucket, windowMs }) as RateLimit<"x">, ms),
  };

  test.each(Object.entries(spaced))(
    "%s: what comes later starts as far apart as it says by then",
    async (_, make) => {
      const began = Date.now();
      const jobs = new Jobs(make(1000), 2);
      await vi.advanceTimersByTimeAsync(1500);
      await jobs.change(240);
      jobs.add(4);
      await vi.advanceTimersByTimeAsync(10_000);
      const starts = jobs.startedAt.map((at) => roughly(at - began));
      expect(starts.slice(0, 2)).toEqual([0, 1000]);
      const gaps = starts.slice(3).map((at, i) => at - starts[i + 2]!);
      expect(gaps).toEqual([240, 240, 240]);
      await jobs.endAll();
    },
  );

  test("those that wait already keep their times in Bottleneck, and wait for the new limits in ours", async () => {
    const gaps = [];
    for (const make of Object.values(spaced)) {
      const began = Date.now();
      const jobs = new Jobs(make(1000), 4);
      await vi.advanceTimersByTimeAsync(1500);
      await jobs.change(240);
      await vi.advanceTimersByTimeAsync(10_000);
      gaps.push(roughly(jobs.startedAt[3]! - began) - roughly(jobs.startedAt[2]! - began));
      await jobs.endAll();
    }
    expect(gaps).toEqual([1000, 240]);
  });

  test("p-queue has no other intervalCap for a queue in use; a fixed window of ours has, and counts the present interval", async () => {
    const queue = new PQueue({ intervalCap: 5, interval: 1000 });
    Object.assign(queue, { intervalCap: 8 });
    let started = 0;
    for (let i = 0; i < 10; i++) void queue.add(() => started++);
    await vi.advanceTimersByTimeAsync(0);
    expect(started).toBe(5);
    const { set } = setOf(rate(5, { algorithm: FixedWindow }));
    set.tryAcquire({ x: 5 });
    set.redefine([rate(8, { algorithm: FixedWindow })]);
    expect(set.stats().x.available).toBe(3);
  });
});
