/** Random histories of waiting on a real server, against the rule of waiting written a second time. Time moves by hand. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RedisLimitSet } from "../../src/redis/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { runs, TIMEOUT_MS } from "../property/settings.ts";
import { waitingHistories } from "../property/waiting-histories.ts";
import { type Open, play, randomScript, START } from "../property/waiting-script.ts";
import { describeRedis, RedisServer } from "./server.ts";

const { LIMITSET_LONG } = process.env;
const { seed: SEED, numRuns: RUNS = 0 } = runs(LIMITSET_LONG ? 100 : 1);
const seeds = Array.from({ length: RUNS }, (_, i) => SEED + i);

let server: RedisServer;
let client: Redis;
let other: Redis;
let sets = 0;

const onServer: Open = (options) => {
  const clock = new ManualClock(START);
  const set = new RedisLimitSet<string>({ ...options, clock, name: `history ${++sets}`, client });
  return {
    sets: [set],
    moveTo: (ms) => clock.set(ms),
    /** A reading is answered after all that was asked before it. What its answer leads to comes before the next one. */
    async settled() {
      let quiet = 0;
      do {
        const { waiting } = set;
        await set.stats();
        await nextTurn();
        quiet = set.waiting === waiting ? quiet + 1 : 0;
      } while (set.waiting > 0 && quiet < 2);
    },
  };
};

/** Two sets of one name, each with a connection of its own, as two processes have them. */
const ofTwo: Open = (options) => {
  const clock = new ManualClock(START);
  const name = `history ${++sets}`;
  const both = [client, other].map(
    (each) => new RedisLimitSet<string>({ ...options, clock, name, client: each }),
  );
  return {
    sets: both,
    moveTo: (ms) => clock.set(ms),
    async settled() {
      for (let times = 0; times < 3; times++) {
        for (const stats of await Promise.all(both.map((set) => set.stats()))) {
          for (const [key, { utilization }] of Object.entries(stats)) {
            expect(utilization, `of ${key}`).toBeLessThanOrEqual(1);
          }
        }
        await nextTurn();
      }
    },
  };
};

describeRedis("the rule of waiting on a server", () => {
  beforeAll(async () => {
    server = await RedisServer.start();
    client = new Redis(server.port, "127.0.0.1");
    other = new Redis(server.port, "127.0.0.1");
  });

  afterAll(async () => {
    client.disconnect();
    other.disconnect();
    await server.stop();
  });

  waitingHistories(seeds, onServer);

  test("lets every waiter of two processes go in the end, whatever is held or paused, and takes no more than there is", {
    timeout: TIMEOUT_MS,
  }, async () => {
    for (const seed of seeds) {
      const script = randomScript(seed, { nested: true, pauses: true, clings: true, ticks: 10_000 });
      const { left, grants } = await play(script, undefined, ofTwo);
      expect(left, `seed ${seed}`).toBe(0);
      const came = script.arrivals.filter(({ parent }) => parent === undefined);
      expect(came.every(({ id }) => grants.has(id))).toBe(true);
    }
  });
});
