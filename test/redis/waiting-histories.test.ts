/** Random histories of waiting on a real server, against the rule of waiting written a second time. Time moves by hand. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RedisLimitSet } from "../../src/redis/index.ts";
import { runs, TIMEOUT_MS } from "../property/settings.ts";
import { type Open, play, playByRule, randomScript, type Taste } from "../property/waiting-script.ts";
import { describeRedis, RedisServer } from "./server.ts";

const { LIMITSET_LONG } = process.env;
const { seed: SEED, numRuns: RUNS = 0 } = runs(LIMITSET_LONG ? 100 : 1);
const seeds = Array.from({ length: RUNS }, (_, i) => SEED + i);

let server: RedisServer;
let client: Redis;
let sets = 0;

const onServer: Open = (options) => {
  const set = new RedisLimitSet<string>({ ...options, name: `history ${++sets}`, client });
  return {
    set,
    clock: options.clock,
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

describeRedis("the rule of waiting on a server", () => {
  beforeAll(async () => {
    server = await RedisServer.start();
    client = new Redis(server.port, "127.0.0.1");
  });

  afterAll(async () => {
    client.disconnect();
    await server.stop();
  });

  test.each<[string, Taste]>([
    ["of plain requests", {}],
    ["with priorities", { priorities: true }],
    ["with nested requests", { nested: true }],
    ["with both", { nested: true, priorities: true }],
    ["with pauses and priorities", { pauses: true, priorities: true }],
  ])(
    "decides random histories %s as the queue of a process does",
    { timeout: TIMEOUT_MS },
    async (_, taste) => {
      let waited = 0;
      for (const seed of seeds) {
        const script = randomScript(seed, taste);
        const real = await play(script, undefined, onServer);
        const plain = playByRule(script);
        expect(Object.fromEntries(real.grants), `seed ${seed}`).toEqual(Object.fromEntries(plain.grants));
        waited += [...real.grants].filter(([id, tick]) => tick > script.arrivals[id]!.tick).length;
      }
      expect(waited).toBeGreaterThan(5 * seeds.length);
    },
  );
});
