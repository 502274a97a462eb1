/** Threads that take in the partitions of a spread set at random, and redefine it, are killed at random: at no moment is anything lost or taken twice. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { LimitStats } from "limitset";
import { attachLimits, SpreadLimitSet, shareLimits } from "limitset/threads";
import { expect, test } from "vitest";
import { ofUsers } from "./visited.js";

const { LIMITSET_SEED = Date.now() % 2 ** 31, LIMITSET_LONG } = process.env;
const SEED = Number(LIMITSET_SEED);
const THREADS = 3;
const DEATHS = LIMITSET_LONG ? 1500 : 40;
const USERS = 2000;
const HEADS = 3;

type Stats = Readonly<Record<"each" | "slots", LimitStats>>;

const shared = (length: number) => new Int32Array(new SharedArrayBuffer(4 * length));
const sum = (words: Int32Array) => words.reduce((all, each) => all + each, 0);

test(`threads that take in a spread set, give back and redefine it at random die ${DEATHS} times (seed ${SEED})`, async () => {
  const limits = new SpreadLimitSet<string, string, string>({
    limits: ofUsers(0),
    missingUpdate: "charge",
    maxThreads: THREADS + 2,
    partitions: { user: { max: 3 * USERS } },
    heads: HEADS,
  });
  const lives = DEATHS + THREADS;
  // Its words: see partitions.test.ts.
  const ledger = {
    redefined: shared(lives),
    granted: shared(USERS),
    busy: shared(2 * lives),
    seats: shared(1),
    dead: shared(lives),
    repeats: shared(lives),
    waited: shared(lives),
  };
  const failures: unknown[] = [];
  let born = 0;
  const early = limits.for({ user: "user 0" }).tryAcquire({ calls: 1 });
  ledger.granted[0]!++;
  const { handle } = shareLimits(limits);
  const start = () => {
    const me = born++;
    const workerData = { me, seed: SEED + me, users: USERS, visitors: 1, isSpread: true, ...ledger };
    const worker = new Worker(new URL("./visits.js", import.meta.url), { workerData });
    worker.on("error", (error) => failures.push(error));
    shareLimits(limits, worker);
    return { worker, me };
  };
  const threads = Array.from({ length: THREADS }, start);
  const kill = async ({ worker, me }: { worker: Worker; me: number }) => {
    const ended = once(worker, "exit");
    ledger.dead[me] = 1;
    await worker.terminate();
    await ended.catch(() => {});
  };
  const statsOf = (user: number) => limits.for({ user: `user ${user}` }).stats() as Stats;
  for (let deaths = 0; deaths < DEATHS; deaths++) {
    await sleep(Math.random() * 40);
    expect([0, 1, 2, 3]).toContain(statsOf(Math.floor(Math.random() * 5)).slots.used);
    expect(failures).toEqual([]);
    while (sum(ledger.redefined) < 2 * deaths && failures.length === 0) await sleep(1);
    const victim = deaths % THREADS;
    await kill(threads[victim]!);
    threads[victim] = start();
  }
  // Without a race the test has tried nothing.
  while (sum(ledger.repeats) < 5 && failures.length === 0) await sleep(20);
  await Promise.all(threads.map(kill));
  early.release();
  expect(failures).toEqual([]);
  let all = 0;
  let unknown = 0;
  for (let user = 0; user < USERS; user++) {
    const { each, slots } = statsOf(user);
    // A thread that died between a take and its report had taken at most once more than it reported.
    const most = ledger.busy.filter((busy) => busy === user + 1).length;
    const unreported = each.used - ledger.granted[user]!;
    expect(unreported, `user ${user}`).toBeGreaterThanOrEqual(0);
    expect(unreported, `user ${user}`).toBeLessThanOrEqual(most);
    expect(slots.used, `user ${user}`).toBe(0);
    all += each.used;
    unknown += most;
  }
  expect(all).toBeGreaterThan(10 * DEATHS);
  expect(sum(ledger.waited)).toBeGreaterThan(0);
  // All parts have the limits of the last redefinition, and all have been taken from.
  const parts = handle.parts.map((part) => attachLimits(part));
  expect(new Set(parts.map((part) => part.get("each").capacity)).size).toBe(1);
  for (const part of parts) expect(part.partitions["user"]?.count).toBeGreaterThan(0);
  for (const part of parts) part.close();
  limits.close();
  console.log(
    `${sum(ledger.redefined)} redefinitions, ${born} threads, ${all} grants, ${sum(ledger.repeats)} repeats, ${unknown} died in the middle of a take`,
  );
}, 300_000);
