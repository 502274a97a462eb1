/** Pools of threads that others have written, each thread of which gets the same data. */
import { LimitSet, RateLimit, ResourceLimit } from "limitset";
import { type SharedLimits, shareLimits } from "limitset/threads";
import { Piscina } from "piscina";
import { afterEach, expect, test } from "vitest";

const THREADS = 4;

let pool: Piscina | undefined;
afterEach(() => pool?.destroy());

function poolOf({ handle }: SharedLimits<"tokens" | "connections">): Piscina {
  pool = new Piscina({
    filename: new URL("./pool-task.js", import.meta.url).href,
    workerData: handle,
    minThreads: THREADS,
    maxThreads: THREADS,
    concurrentTasksPerWorker: 1,
  });
  return pool;
}

function make() {
  return new LimitSet({
    limits: [
      new RateLimit({ key: "tokens", capacity: 80, windowMs: 3_600_000 }),
      new ResourceLimit({ key: "connections", capacity: 2 }),
    ],
  });
}

test("eight tasks on the threads of a piscina pool take from one set, by one handle as workerData", async () => {
  const limits = make();
  const tasks = poolOf(shareLimits(limits));
  const answers = await Promise.all(Array.from({ length: 8 }, () => tasks.run({ tokens: 10 })));
  expect(answers.map(({ tokens }) => tokens)).toEqual(Array.from({ length: 8 }, () => 10));
  expect(new Set(answers.map(({ thread }) => thread)).size).toBeGreaterThan(1);
  expect(limits.stats().tokens.used).toBe(80);
  expect(limits.stats().connections.used).toBe(0);
  await expect(tasks.run({ tokens: 10, timeoutMs: 0 })).rejects.toThrow(/limited by "tokens"/);
});

test("threads of a pool that is destroyed while they hold give back by reclaim", async () => {
  const limits = make();
  const shared = shareLimits(limits);
  const tasks = poolOf(shared);
  await Promise.all([1, 2].map(() => tasks.run({ tokens: 10, keep: true })));
  expect(limits.stats().connections.used).toBe(2);
  await tasks.destroy();
  shared.reclaim();
  expect(limits.stats().connections.used).toBe(0);
  expect(limits.stats().tokens.used).toBe(20);
});
