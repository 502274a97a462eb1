/** Threads that take in thousands of partitions at random are killed at random: at no moment is anything lost, left over or taken twice. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { LimitSet, type LimitStats } from "limitset";
import { shareLimits } from "limitset/threads";
import { expect, test } from "vitest";
import { nodesAtRest } from "./nodes.ts";
import { definitions } from "./visited.js";

const { LIMITSET_SEED = Date.now() % 2 ** 31, LIMITSET_LONG } = process.env;
const SEED = Number(LIMITSET_SEED);
const THREADS = 3;
const DEATHS = LIMITSET_LONG ? 3000 : 300;
const USERS = 3000;
const VISITORS = 1500;
/** Fewer than there are visitors: some are evicted, and some share a state. */
const MAX_VISITORS = 40;
type Stats = Readonly<Record<"total" | "db" | "each" | "slots" | "seat", LimitStats>>;

const shared = (length: number) => new Int32Array(new SharedArrayBuffer(4 * length));

test.each([
  ["take in partitions and give back", DEATHS, false],
  ["take in partitions, give back and redefine the set", DEATHS / 2, true],
])(
  `threads that %s at random die %i times (seed ${SEED})`,
  async (_, most, redefines) => {
    const limits = new LimitSet<string, string, string>({
      limits: definitions(0),
      missingUpdate: "charge",
      maxThreads: THREADS + 1,
      partitions: { user: { max: USERS }, visitor: { max: MAX_VISITORS } },
    });
    const lives = most + THREADS;
    const ledger = {
      ...(redefines && { redefined: shared(lives) }),
      /** For each user, the grants; for each life, the users for which it is about to take, and for which it waits, plus 1. */
      granted: shared(USERS),
      busy: shared(2 * lives),
      /** For each visitor, the life that has the seat, plus 1; and whether a life is over. */
      seats: shared(VISITORS),
      dead: shared(lives),
      repeats: shared(lives),
      /** For each life, how many requests were granted for which it waited. */
      waited: shared(lives),
    };
    const failures: unknown[] = [];
    let born = 0;
    // Some have taken before the set is shared.
    const early = limits.for({ user: "user 0", visitor: "visitor 0" }).tryAcquire({ calls: 1, seat: 1 });
    expect(early.successful).toBe(true);
    ledger.granted[0]!++;
    const { handle } = shareLimits(limits);
    const start = () => {
      const me = born++;
      const workerData = { me, seed: SEED + me, users: USERS, visitors: VISITORS, ...ledger };
      const worker = new Worker(new URL("./visits.js", import.meta.url), { workerData });
      worker.on("error", (error) => failures.push(error));
      shareLimits(limits, worker);
      return { worker, me };
    };
    const redefinitions = () => ledger.redefined?.reduce((all, each) => all + each, 0) ?? 0;
    const threads = Array.from({ length: THREADS }, start);
    const kill = async ({ worker, me }: { worker: Worker; me: number }) => {
      const ended = once(worker, "exit");
      ledger.dead[me] = 1;
      await worker.terminate();
      await ended.catch(() => {});
    };
    const sample = () => {
      const { total, db } = limits.stats() as Stats;
      expect(db.used).toBeGreaterThanOrEqual(0);
      expect(db.used).toBeLessThanOrEqual(9);
      expect(total.used).toBeGreaterThan(0);
      expect(limits.partitions["visitor"]?.count).toBeLessThanOrEqual(MAX_VISITORS);
      const user = Math.floor(Math.random() * 5);
      const { slots, each } = limits.for({ user: `user ${user}`, visitor: null }).stats() as Stats;
      expect([0, 1, 2, 3]).toContain(slots.used);
      expect(each.used).toBeLessThanOrEqual(total.used + 10_000);
      expect(failures).toEqual([]);
    };
    for (let deaths = 0; deaths < most; deaths++) {
      await sleep(Math.random() * 60);
      sample();
      while (redefines && redefinitions() < 2 * deaths && failures.length === 0) await sleep(1);
      const victim = deaths % THREADS;
      await kill(threads[victim]!);
      threads[victim] = start();
    }
    // Without a race the test has tried nothing: on a busy machine the threads may take turns for a while.
    const repeats = () => ledger.repeats.reduce((all, each) => all + each, 0);
    while (repeats() < 5 && failures.length === 0) await sleep(20);
    await Promise.all(threads.map(kill));
    early.release();
    expect(failures).toEqual([]);
    expect(ledger.waited.some((count) => count > 0)).toBe(true);
    const { total, db } = limits.stats() as Stats;
    let sum = 0;
    let unknown = 0;
    for (let user = 0; user < USERS; user++) {
      const { each, slots } = limits.for({ user: `user ${user}`, visitor: null }).stats() as Stats;
      // A thread that died between a take and its report had taken at most once more than it reported.
      const most = ledger.busy.filter((busy) => busy === user + 1).length;
      const unreported = each.used - ledger.granted[user]!;
      expect(unreported, `user ${user}`).toBeGreaterThanOrEqual(0);
      expect(unreported, `user ${user}`).toBeLessThanOrEqual(most);
      expect(slots.used, `user ${user}`).toBe(0);
      sum += each.used;
      unknown += most;
    }
    expect(total.used).toBe(sum);
    expect(db.used).toBe(0);
    for (let visitor = 0; visitor < VISITORS; visitor++) {
      const { seat } = limits.for({ user: null, visitor: `visitor ${visitor}` }).stats() as Stats;
      expect(seat.used, `visitor ${visitor}`).toBe(0);
    }
    // Each node is named by one word, and none is lost.
    for (const { inPlaces, counted, named, used, waitedFor } of nodesAtRest(
      (handle as unknown as { memory: WebAssembly.Memory }).memory,
      (handle as unknown as { start: number }).start,
    )) {
      expect(inPlaces).toBe(counted);
      // Those that waited have died.
      if (!redefines) expect(waitedFor).toBe(0);
      expect(named).toEqual(Array.from({ length: used }, (_, i) => i + 1));
    }
    expect(sum).toBeGreaterThan(10 * most);
    if (redefines) expect(redefinitions()).toBeGreaterThan(most);
    limits.close();
    console.log(
      `${redefinitions()} redefinitions, ${born} threads, ${sum} grants, ${repeats()} repeats, ${unknown} died in the middle of a take`,
    );
  },
  600_000,
);
