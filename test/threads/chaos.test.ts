/**
 * Chaos: threads take from three sets with limits of all kinds. They are killed and reclaimed at random and close sets at random,
 * while other sets come and go and the memory grows.
 */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { LimitSet } from "limitset";
import { attachLimits, type SharedLimits, shareLimits } from "limitset/threads";
import { expect, onTestFinished, test } from "vitest";
import { limitsOfAllKinds } from "./limits.ts";
import { check } from "./steps.js";

const { LIMITSET_SEED = Date.now() % 2 ** 31, LIMITSET_LONG } = process.env;
const SEED = Number(LIMITSET_SEED);
const SECONDS = LIMITSET_LONG ? 120 : 10;
const SETS = 3;
const THREADS = 3;
const MOST_LIVES = 400 * SECONDS;
// For each set, a thread reports whether it is about to take, and how often it was granted.
const WORDS = 2 * SETS;

let state = SEED;
function random(below: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}

interface Life {
  readonly worker: Worker;
  readonly threadId: number;
  readonly shares: readonly SharedLimits<string>[];
  readonly ended: Promise<unknown>;
}

class Chaos {
  readonly sets = Array.from({ length: SETS }, () => limitsOfAllKinds(THREADS));
  readonly reports = new Int32Array(new SharedArrayBuffer(4 * WORDS * MOST_LIVES));
  readonly lives: Life[] = [];
  readonly failures: unknown[] = [];
  readonly granted = this.sets.map(() => 0);
  readonly counts = { lives: 0, kills: 0, reclaims: 0, sets: 0, growths: 0 };
  private readonly others: { limits: LimitSet<string>; shared: SharedLimits<string> }[] = [];
  private bytes = 0;

  start(): void {
    const seed = SEED + this.counts.lives;
    const workerData = { reports: this.reports, slot: WORDS * this.counts.lives++, sets: SETS, seed };
    const worker = new Worker(new URL("./chaos.js", import.meta.url), { workerData });
    worker.on("error", (error) => this.failures.push(error));
    const { threadId } = worker;
    const shares = this.sets.map((limits) => shareLimits(limits, worker));
    const ended = once(worker, "exit").then(() => {
      const at = this.lives.findIndex((life) => life.worker === worker);
      if (at >= 0) this.lives.splice(at, 1);
    });
    this.lives.push({ worker, threadId, shares, ended });
  }

  async kill(): Promise<void> {
    const life = this.lives[random(this.lives.length)];
    if (!life) return;
    await life.worker.terminate();
    await life.ended;
    this.counts.kills++;
  }

  /** Reclaims a living thread from one set. By its handle it can then not attach again. */
  reclaim(): void {
    const life = this.lives[random(this.lives.length)];
    if (!life) return;
    const share = life.shares[random(SETS)]!;
    if (random(3) === 0) share.reclaim();
    else share.reclaim(life.threadId);
    this.counts.reclaims++;
  }

  /** Makes sets until the memory grows once more, or closes most of them. */
  crowd(): void {
    if (this.others.length > 60) {
      for (const { limits, shared } of this.others.splice(10)) {
        if (random(2) === 0) shared.reclaim();
        limits.close();
        shared.reclaim();
      }
      return;
    }
    for (let left = random(10); left > 0; left--) {
      const limits = limitsOfAllKinds(1 + random(20));
      const shared = shareLimits(limits);
      if (random(2) === 0) attachLimits(shared.handle).tryAcquire({ total: 1, twin: 1, tokens: 1, log: 1 });
      this.others.push({ limits, shared });
      const { byteLength } = (shared.handle.memory as WebAssembly.Memory).buffer;
      if (byteLength > this.bytes) this.counts.growths++;
      this.bytes = Math.max(this.bytes, byteLength);
      this.counts.sets++;
    }
  }

  take(): void {
    const index = random(SETS);
    const limits = this.sets[index]!;
    const requested = { total: 1, twin: 1, tokens: 1, cells: 1, bucket: 0, log: 1, db: 1, slots: 1 };
    const acquisition = limits.tryAcquire(requested);
    if (!acquisition.successful) return;
    this.granted[index]!++;
    acquisition.release();
  }

  /** Checks all sets while the threads go on. */
  check(): void {
    expect(this.failures).toEqual([]);
    for (const limits of this.sets) check(limits.stats());
  }

  /** Ends all threads, and checks that each set has charged what was granted, and that all has come back. */
  async end(): Promise<void> {
    await Promise.all(this.lives.map(({ worker, ended }) => worker.terminate().then(() => ended)));
    this.check();
    for (const [index, limits] of this.sets.entries()) {
      const column = (word: number) =>
        this.reports.filter((_, i) => i % WORDS === 2 * index + word).reduce((sum, value) => sum + value, 0);
      const [unknown, reported] = [column(0), column(1)];
      const { total, db, slots } = limits.stats();
      const unreported = total!.used - reported! - this.granted[index]!;
      this.granted[index]! += reported!;
      // A thread that died between a take and its report had taken at most once more than it reported.
      expect(unreported).toBeGreaterThanOrEqual(0);
      expect(unreported).toBeLessThanOrEqual(unknown!);
      expect([db!.used, slots!.used]).toEqual([0, 0]);
      const { handle } = shareLimits(limits);
      for (let i = 0; i < THREADS; i++) attachLimits(handle).stats();
      limits.close();
    }
    for (const { limits, shared } of this.others) {
      const { total, twin } = limits.stats();
      expect([0, 1]).toContain(total!.used);
      expect(twin!.used).toBe(total!.used);
      limits.close();
      shared.reclaim();
    }
  }
}

test(
  `threads come and go in three sets for ${SECONDS} s (seed ${SEED})`,
  async () => {
    const chaos = new Chaos();
    onTestFinished(() => Promise.all(chaos.lives.map(({ worker }) => worker.terminate())).then(() => {}));
    for (const end = performance.now() + 1000 * SECONDS; performance.now() < end; ) {
      while (chaos.lives.length < THREADS) chaos.start();
      await sleep(random(20));
      for (let left = random(50); left > 0; left--) chaos.take();
      const what = random(5);
      if (what < 2) await chaos.kill();
      else if (what === 2) chaos.reclaim();
      else chaos.crowd();
      chaos.check();
    }
    await chaos.end();
    console.log(JSON.stringify({ ...chaos.counts, granted: chaos.granted }));
    expect(chaos.counts.lives).toBeGreaterThan(2 * SECONDS);
    expect(chaos.counts.growths).toBeGreaterThan(2);
    for (const granted of chaos.granted) expect(granted).toBeGreaterThan(100 * SECONDS);
  },
  1000 * SECONDS + 60_000,
);
