/** Many requests of two sets that time out, abort, nest and release, over connections that break: the sums are right in the end. */
import { setTimeout as sleep } from "node:timers/promises";
import { RateLimit, ResourceLimit } from "limitset";
import { RedisLimitSet } from "limitset/redis";
import { expect, onTestFinished, test } from "vitest";
import { describeRedis, serverFor } from "./server.ts";
import { Wire } from "./wire.ts";

// The window is so long that nothing is refilled.
const LIMITS = [
  new RateLimit({ key: "tokens", capacity: 100_000, windowMs: 10 ** 10 }),
  new ResourceLimit({ key: "db", capacity: 3 }),
  new ResourceLimit({ key: "slots", capacity: 5 }),
] as const;

const { LIMITSET_SEED = "20250101" }: { LIMITSET_SEED?: string } = process.env;

/** Mulberry32: the same numbers for the same seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describeRedis("stress", () => {
  test(`the usage is the sum of all reports, and nothing stays held, after failures of any kind (LIMITSET_SEED=${LIMITSET_SEED})`, async () => {
    const next = random(Number(LIMITSET_SEED));
    const upTo = (most: number) => Math.floor(next() * (most + 1));
    const server = await serverFor();
    const wires = [await Wire.to(server), await Wire.to(server)];
    const sets = wires.map((wire) => {
      const client = wire.client({ maxRetriesPerRequest: upTo(1) ? 20 : 0 });
      const set = new RedisLimitSet({ name: "stress", limits: LIMITS, client, deadlineMs: 20_000 });
      onTestFinished(() => set.close());
      return set;
    });
    // A refund may be smaller than it should be while the debt is less than what is out: the state has four marks for the lows
    // of the debt. With this much charged from the start, no low bounds a refund, and the sum is exact.
    const first = await sets[0]!.acquire({ tokens: 1_000, db: 0, slots: 0 });
    first.update({ tokens: 1_000 });
    first.release();
    let reported = 1_000;
    const inside = { db: 0, slots: 0 };
    const outcomes = { granted: 0, timeouts: 0, aborts: 0 };

    const one = async (set: (typeof sets)[number]) => {
      const db = upTo(3);
      const slots = upTo(2);
      const tokens = upTo(3) * 10;
      const controller = new AbortController();
      if (upTo(5) === 0) setTimeout(() => controller.abort(new Error("enough")), upTo(10));
      const options = { signal: controller.signal, ...(upTo(2) === 0 && { timeoutMs: upTo(20) }) };
      try {
        const acquisition = await set.acquire({ tokens, db, slots }, options);
        outcomes.granted++;
        inside.db += db;
        inside.slots += slots;
        expect(inside.db).toBeLessThanOrEqual(3);
        expect(inside.slots).toBeLessThanOrEqual(5);
        await sleep(upTo(4));
        if (upTo(4) === 0) {
          const inner = await acquisition.acquire({ tokens: 10, db: 0, slots: 0 });
          inner.update({ tokens: 4 });
          reported += 4;
          inner.release();
        }
        const used = Math.floor(next() * tokens);
        if (tokens > 0) acquisition.update({ tokens: used });
        reported += tokens > 0 ? used : 0;
        inside.db -= db;
        inside.slots -= slots;
        acquisition.release();
      } catch (error) {
        if ((error as Error).name === "TimeoutError") outcomes.timeouts++;
        else if ((error as Error).message === "enough") outcomes.aborts++;
        else throw error;
      }
    };
    const asker = async (set: (typeof sets)[number]) => {
      for (let times = 0; times < 60; times++) await one(set);
    };
    const breaking = (async () => {
      for (let times = 0; times < 20; times++) {
        await sleep(25);
        wires[upTo(1)]!.loseNextAnswer();
      }
    })();
    await Promise.all(sets.flatMap((set) => Array.from({ length: 8 }, () => asker(set))));
    await breaking;
    expect(outcomes.granted).toBeGreaterThan(100);
    expect(outcomes.timeouts).toBeGreaterThan(10);
    expect(outcomes.aborts).toBeGreaterThan(10);
    for (const set of sets) {
      await expect.poll(async () => (await set.stats()).db.used).toBe(0);
      const { tokens, slots } = await set.stats();
      expect([tokens.used, tokens.waiting, slots.used, slots.waiting]).toEqual([reported, 0, 0, 0]);
    }
  });
});
