/** Threads are reclaimed while they live and run on, and others get their numbers at once: no thread harms another. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { LimitSet } from "limitset";
import { attachLimits, type SharedLimits, shareLimits } from "limitset/threads";
import { expect, onTestFinished, test } from "vitest";
import { limitsOfAllKinds } from "./limits.ts";
import { AT_REST, check, ENDING, HANDLE, ROUND, STOP, step, words } from "./steps.js";

const { LIMITSET_SEED = Date.now() % 2 ** 31, LIMITSET_LONG } = process.env;
const SEED = Number(LIMITSET_SEED);
const SECONDS = LIMITSET_LONG ? 120 : 10;
const THREADS = 3;
// One thread more than there are numbers for, besides that of the set's maker: a thread always waits for the number of another.
const MOST_THREADS = 2;

let state = SEED;
function random(below: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}

function spin(us: number): void {
  for (const end = performance.now() + us / 1000; performance.now() < end; );
}

/** Threads that live life after life, in rounds. */
class Crowd {
  readonly limits = limitsOfAllKinds(MOST_THREADS);
  readonly reports = new Int32Array(new SharedArrayBuffer(4 * words(THREADS).granted));
  readonly failures: unknown[] = [];
  readonly workers: readonly Worker[];
  readonly threadIds: readonly number[];
  shared!: SharedLimits<string>;
  /** The grants of this thread's own lives. */
  own = 0;

  constructor() {
    this.share();
    this.workers = Array.from({ length: THREADS }, (_, index) => {
      const workerData = { reports: this.reports, index, seed: SEED + index, handle: this.shared.handle };
      return new Worker(new URL("./reclaimed.js", import.meta.url), { workerData });
    });
    for (const worker of this.workers) worker.on("error", (error) => this.failures.push(error));
    this.threadIds = this.workers.map(({ threadId }) => threadId);
    onTestFinished(() => Promise.all(this.workers.map((worker) => worker.terminate())).then(() => {}));
  }

  /** Gives the threads a new handle. */
  share(): void {
    this.shared = shareLimits(this.limits);
    Atomics.store(this.reports, HANDLE, this.shared.handle.number);
  }

  sum(word: "granted" | "lives"): number {
    return this.workers.reduce((all, _, index) => all + this.reports[words(index)[word]]!, 0);
  }

  get granted(): number {
    return this.own + this.sum("granted");
  }

  /** Reclaims one living thread, or all of them. */
  reclaim(): void {
    if (random(4) > 0) {
      this.shared.reclaim(this.threadIds[random(THREADS)]);
      return;
    }
    const { reclaim } = this.shared;
    this.share();
    reclaim();
  }

  /** Lives a short life in this thread, with a number that has just come back, if there is one. */
  live(): void {
    let limits: LimitSet<string>;
    try {
      limits = attachLimits(this.shared.handle, { onWarning: () => {} });
    } catch {
      return;
    }
    const life = { limits, held: [], random, granted: () => this.own++ };
    for (let left = random(20); left > 0; left--) step(life);
    limits.close();
  }

  /** Reclaims all threads, and waits until they have noticed. */
  async end(): Promise<void> {
    Atomics.store(this.reports, ENDING, 1);
    this.shared.reclaim();
    for (let resting = 0; resting < THREADS; resting = Atomics.load(this.reports, AT_REST)) {
      if (Atomics.wait(this.reports, AT_REST, resting, 100) === "timed-out") await sleep(0);
      expect(this.failures).toEqual([]);
    }
  }

  begin(): void {
    this.share();
    Atomics.store(this.reports, AT_REST, 0);
    Atomics.store(this.reports, ENDING, 0);
    this.goOn();
  }

  async stop(): Promise<void> {
    const ended = Promise.all(this.workers.map((worker) => once(worker, "exit")));
    Atomics.store(this.reports, STOP, 1);
    this.goOn();
    await ended;
    expect(this.failures).toEqual([]);
  }

  private goOn(): void {
    Atomics.add(this.reports, ROUND, 1);
    Atomics.notify(this.reports, ROUND);
  }
}

test(
  `threads that live are reclaimed for ${SECONDS} s (seed ${SEED})`,
  async () => {
    const crowd = new Crowd();
    const { limits } = crowd;
    let rounds = 0;
    let reclaims = 0;
    for (const end = performance.now() + 1000 * SECONDS; performance.now() < end; rounds++) {
      for (let left = random(4); left > 0; left--) {
        spin(random(500));
        crowd.reclaim();
        reclaims++;
        crowd.live();
        check(limits.stats());
      }
      spin(random(500));
      await crowd.end();
      reclaims++;
      check(limits.stats());
      const { total, db, slots } = limits.stats();
      // No thread is ever killed, so that each grant has been reported.
      expect([total?.used, db?.used, slots?.used]).toEqual([crowd.granted, 0, 0]);
      crowd.begin();
    }
    await crowd.end();
    await crowd.stop();
    console.log(
      `${rounds} rounds, ${reclaims} reclaims, ${crowd.sum("lives")} lives, ${crowd.granted} grants`,
    );
    // Without lives the test has tried nothing.
    expect(crowd.sum("lives")).toBeGreaterThan(20 * SECONDS);
    // All numbers are free again.
    crowd.share();
    for (let i = 0; i < MOST_THREADS; i++) attachLimits(crowd.shared.handle).stats();
    limits.close();
  },
  1000 * SECONDS + 60_000,
);
