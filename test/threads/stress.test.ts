/** Threads that use one set at random are killed at random: at no moment is anything lost or left over. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { LimitSet, RateLimit, RateLimitAlgorithm, ResourceLimit } from "limitset";
import { shareLimits } from "limitset/threads";
import { expect, test } from "vitest";

const THREADS = 3;
const DEATHS = 300;
const WORDS = 3;
const { LIMITSET_SEED = Date.now() % 2 ** 31 } = process.env;
const SEED = Number(LIMITSET_SEED);
const YEAR_MS = 365 * 86_400_000;

const limits = new LimitSet({
  limits: [
    // Two exact counters of all grants: they must be equal at every moment.
    ...(["total", "twin"] as const).map(
      (key) =>
        new RateLimit({
          key,
          capacity: 2 ** 40,
          windowMs: YEAR_MS,
          algorithm: RateLimitAlgorithm.FixedWindow,
        }),
    ),
    new RateLimit({ key: "tokens", capacity: 5000, windowMs: 50 }),
    new RateLimit({ key: "log", capacity: 400, windowMs: 20, algorithm: RateLimitAlgorithm.SlidingWindow }),
    new ResourceLimit({ key: "db", capacity: 5 }),
    new ResourceLimit({ key: "slots", capacity: 3 }),
  ],
  missingUpdate: "charge",
  maxThreads: THREADS + 1,
});

function sample(): void {
  const stats = limits.stats();
  expect(stats.total.used).toBe(stats.twin.used);
  for (const [key, { available, used }] of Object.entries(stats)) {
    expect(available, key).toBeGreaterThanOrEqual(0);
    expect(used, key).toBeGreaterThanOrEqual(0);
  }
}

test(`${DEATHS} deaths among threads that take and give back at random (seed ${SEED})`, async () => {
  const reports = new Int32Array(new SharedArrayBuffer(4 * WORDS * (DEATHS + THREADS)));
  let born = 0;
  const start = () => {
    const workerData = { reports, slot: WORDS * born, seed: SEED + born++ };
    const worker = new Worker(new URL("./contender.js", import.meta.url), { workerData });
    shareLimits(limits, worker);
    return worker;
  };
  const workers = Array.from({ length: THREADS }, start);
  const kill = async (worker: Worker) => {
    const ended = once(worker, "exit");
    await worker.terminate();
    await ended.catch(() => {});
  };
  for (let deaths = 0; deaths < DEATHS; deaths++) {
    for (let samples = 0; samples < 3; samples++) {
      await sleep(Math.random() * 20);
      sample();
    }
    const victim = deaths % THREADS;
    await kill(workers[victim]!);
    workers[victim] = start();
  }
  await Promise.all(workers.map(kill));
  const column = (word: number) =>
    reports.filter((_, i) => i % WORDS === word).reduce((sum, value) => sum + value, 0);
  const [unknown, granted, repeats] = [column(0), column(1), column(2)];
  sample();
  const stats = limits.stats();
  // A thread that died between a take and its report had taken at most once more than it reported.
  expect(stats.total.used - granted!).toBeGreaterThanOrEqual(0);
  expect(stats.total.used - granted!).toBeLessThanOrEqual(unknown!);
  expect([stats.db.used, stats.slots.used]).toEqual([0, 0]);
  expect(granted).toBeGreaterThan(DEATHS);
  // Without a race the test has tried nothing.
  expect(repeats).toBeGreaterThan(0);
  console.log(
    `${born} threads, ${granted} grants, ${repeats} repeats, ${unknown} died in the middle of a take`,
  );
}, 300_000);
