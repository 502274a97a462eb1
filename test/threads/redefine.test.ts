/** Threads take, wait, block, give back and redefine at random, and die at random: none ever takes by a mixture of definitions. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { LimitSet } from "limitset";
import { shareLimits } from "limitset/threads";
import { expect, test } from "vitest";
import { definitions, isWhole, TOKENS, WORDS } from "./redefiner.js";

const THREADS = 3;
const DEATHS = 100;
const { LIMITSET_SEED = Date.now() % 2 ** 31 } = process.env;
const SEED = Number(LIMITSET_SEED);
// A month that does not end while the test runs.
const TIME_ZONE = new Date().getUTCHours() === 23 ? "Etc/GMT-6" : "UTC";

test(`${DEATHS} deaths among threads that take, wait, block, give back and redefine at random (seed ${SEED})`, async () => {
  const limits = new LimitSet<string>({
    limits: definitions(0, TIME_ZONE),
    missingUpdate: "charge",
    maxThreads: THREADS + 1,
    onWarning: () => {},
  });
  const reports = new Int32Array(new SharedArrayBuffer(4 * WORDS * (DEATHS + THREADS)));
  let born = 0;
  const start = () => {
    const workerData = { reports, slot: WORDS * born, seed: SEED + born++, timeZone: TIME_ZONE };
    const worker = new Worker(new URL("./redefiner.js", import.meta.url), { workerData });
    worker.on("error", (error) => {
      throw error;
    });
    shareLimits(limits, worker);
    return worker;
  };
  const sample = () => {
    const stats = limits.stats();
    expect(isWhole(stats), JSON.stringify(stats)).toBe(true);
    const { total, slots, month } = stats;
    return { total: total!.used, held: slots!.used, tokens: month!.used };
  };
  const column = (word: number) =>
    reports.filter((_, i) => i % WORDS === word).reduce((sum, value) => sum + value, 0);
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
    while (column(1)! < 30 * deaths || column(2)! < 10 * deaths) await sleep(1);
    if (deaths === DEATHS / 2) early = bytes();
    const victim = deaths % THREADS;
    await kill(workers[victim]!);
    workers[victim] = start();
  }
  await Promise.all(workers.map(kill));
  const [unknown, granted, redefined, wrong, leaving, back] = [0, 1, 2, 3, 4, 5].map(column);
  const { total, held, tokens } = sample();
  expect(wrong).toBe(0);
  // Of the takes that a thread had not reported when it died, each may have been granted.
  expect(total - granted!).toBeGreaterThanOrEqual(0);
  expect(total - granted!).toBeLessThanOrEqual(unknown!);
  expect(held).toBe(0);
  // What was not used goes back while its month lasts, under every definition. A thread that died has given nothing back of what it held.
  expect(tokens).toBeGreaterThanOrEqual(TOKENS * granted! - back! - (TOKENS - 1) * leaving!);
  expect(tokens).toBeLessThanOrEqual(TOKENS * (granted! + unknown!) - back!);
  expect(redefined).toBeGreaterThanOrEqual(10 * (DEATHS - 1));
  // A thread that died at the wrong moment keeps a room, and no more.
  expect(bytes() - early).toBeLessThanOrEqual(DEATHS * 2 ** 17);
  console.log(
    `${born} threads, ${granted} grants, ${redefined} redefinitions, ${unknown} died in a take, ${back} tokens back`,
  );
}, 300_000);
