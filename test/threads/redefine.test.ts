/** Threads take, give back and redefine at random, and die at random: none ever takes by a mixture of definitions. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { LimitSet } from "limitset";
import { shareLimits } from "limitset/threads";
import { expect, test } from "vitest";
import { definitions, SLOTS, WORDS } from "./redefiner.js";

const THREADS = 3;
const DEATHS = 100;
const { LIMITSET_SEED = Date.now() % 2 ** 31 } = process.env;
const SEED = Number(LIMITSET_SEED);

test(`${DEATHS} deaths among threads that take, give back and redefine at random (seed ${SEED})`, async () => {
  const limits = new LimitSet<string>({
    limits: definitions(0),
    missingUpdate: "charge",
    maxThreads: THREADS + 1,
    onWarning: () => {},
  });
  const reports = new Int32Array(new SharedArrayBuffer(4 * WORDS * (DEATHS + THREADS)));
  let born = 0;
  const start = () => {
    const workerData = { reports, slot: WORDS * born, seed: SEED + born++ };
    const worker = new Worker(new URL("./redefiner.js", import.meta.url), { workerData });
    worker.on("error", (error) => {
      throw error;
    });
    shareLimits(limits, worker);
    return worker;
  };
  const sample = () => {
    const { total, twin, slots } = limits.stats();
    // Two counters of all grants: equal at every moment, whatever the definitions.
    expect(total!.used).toBe(twin!.used);
    expect(slots!.used).toBeLessThanOrEqual(SLOTS);
    return { total: total!.used, held: slots!.used };
  };
  const workers = Array.from({ length: THREADS }, start);
  const kill = async (worker: Worker) => {
    const ended = once(worker, "exit");
    await worker.terminate();
    await ended.catch(() => {});
  };
  const handle = shareLimits(limits).handle as unknown as { memory: WebAssembly.Memory };
  const bytes = () => {
    handle.memory.grow(0);
    return handle.memory.buffer.byteLength;
  };
  let early = 0;
  for (let deaths = 0; deaths < DEATHS; deaths++) {
    for (let samples = 0; samples < 3; samples++) {
      await sleep(Math.random() * 20);
      sample();
    }
    if (deaths === DEATHS / 2) early = bytes();
    const victim = deaths % THREADS;
    await kill(workers[victim]!);
    workers[victim] = start();
  }
  await Promise.all(workers.map(kill));
  const column = (word: number) =>
    reports.filter((_, i) => i % WORDS === word).reduce((sum, value) => sum + value, 0);
  const [unknown, granted, redefined, wrong] = [column(0), column(1), column(2), column(3)];
  const { total, held } = sample();
  expect(wrong).toBe(0);
  // A thread that died between a take and its report had taken at most once more than it reported.
  expect(total - granted!).toBeGreaterThanOrEqual(0);
  expect(total - granted!).toBeLessThanOrEqual(unknown!);
  expect(held).toBe(0);
  expect(redefined).toBeGreaterThan(DEATHS);
  // A thread that died at the wrong moment keeps a room, and no more.
  expect(bytes() - early).toBeLessThanOrEqual(DEATHS * 2 ** 17);
  console.log(`${born} threads, ${granted} grants, ${redefined} redefinitions, ${unknown} died in a take`);
}, 300_000);
