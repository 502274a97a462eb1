/** The suite over real Durable Objects in real workerd, with a clock that the test moves. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll } from "vitest";
import { type Harness, type SetOptions, START, type Subject } from "../conformance/harness.ts";
import { conformance } from "../conformance/suite.ts";
import { startWorkerd, type Workerd } from "../runtimes/workerd.ts";
import { Channel, RemoteLimits } from "./remote.ts";
import { describeWorkerd, newStorage } from "./workerd.ts";

let workerd: Workerd;
let channel: Channel;
let sets = 0;

const harness: Harness = {
  capabilities: {
    sync: false,
    timers: false,
    blocking: false,
    warnings: false,
    changes: true,
    redefines: true,
    partitions: true,
    partitionsRedefined: true,
    exhaustive: false,
    crowd: 1000,
  },
  async create<K extends string>(options: SetOptions<K>): Promise<Subject<K>> {
    const limits = await RemoteLimits.open<K>(channel, `conformance ${++sets}`, { ...options, start: START });
    let now = START;
    // Calls keep their order: when this call is answered, all calls before it are answered.
    const settle = async () => {
      for (let times = 0; times < 3; times++) {
        await limits.stats().catch(() => {});
        await nextTurn();
      }
    };
    const moveTo = async (how: "advance" | "set", ms: number) => {
      await settle();
      await limits.move(how, ms);
      now = how === "set" ? ms : now + ms;
      await settle();
    };
    return {
      limits,
      clock: {
        now: () => now,
        advance: (ms) => moveTo("advance", ms),
        set: (ms) => moveTo("set", ms),
        pendingTimers: 0,
        timersSet: 0,
      },
      settle,
      close: () => limits.close(),
    };
  },
};

describeWorkerd("in workerd", () => {
  beforeAll(async () => {
    workerd = await startWorkerd(fileURLToPath(new URL("./worker.ts", import.meta.url)), {
      objects: { TESTED: "Tested" },
      // In memory workerd has no SQLite.
      storage: newStorage(),
    });
    channel = await Channel.open(workerd.url);
  });

  afterAll(async () => {
    channel?.close();
    await workerd?.kill();
  });

  conformance("a set in a Durable Object", harness);
});
