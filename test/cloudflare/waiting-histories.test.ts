/** The rule of waiting in a Durable Object, in real workerd. Time moves by hand. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll } from "vitest";
import { runs } from "../property/settings.ts";
import { waitingHistories } from "../property/waiting-histories.ts";
import { type Open, START, type Stage } from "../property/waiting-script.ts";
import { startWorkerd, type Workerd } from "../runtimes/workerd.ts";
import { Channel, RemoteLimits } from "./remote.ts";
import { describeWorkerd, newStorage } from "./workerd.ts";

const { seed: SEED, numRuns: RUNS = 0 } = runs(1);
const seeds = Array.from({ length: RUNS }, (_, i) => SEED + i);

let workerd: Workerd;
let channel: Channel;
let sets = 0;

const inObject: Open = async (options) => {
  const set = await RemoteLimits.open<string>(channel, `waiting ${++sets}`, { ...options, start: START });
  return {
    sets: [set as unknown as Stage["sets"][number]],
    moveTo: (ms) => set.move("set", ms),
    async settled() {
      // Calls keep their order: when this one is answered, all before it are.
      for (let times = 0; times < 3; times++) {
        await set.stats();
        await nextTurn();
      }
    },
  };
};

describeWorkerd("in workerd", () => {
  beforeAll(async () => {
    workerd = await startWorkerd(fileURLToPath(new URL("./worker.ts", import.meta.url)), {
      objects: { TESTED: "Tested" },
      storage: newStorage(),
    });
    channel = await Channel.open(workerd.url);
  });

  afterAll(async () => {
    channel?.close();
    await workerd?.kill();
  });

  waitingHistories(seeds, inObject);
});
