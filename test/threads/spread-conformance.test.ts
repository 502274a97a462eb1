/** The conformance suite's cases of partitions, over spread sets that another thread has made: this thread is the second that has them. */
import { once } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { afterAll } from "vitest";
import { ManualClock } from "../../src/testing/index.ts";
import { attachLimits, SpreadLimitSet, type SpreadLimitSetHandle } from "../../src/threads/index.ts";
import { type Harness, type SetOptions, START, type Subject } from "../conformance/harness.ts";
import { CASES_OF_ALL, CASES_OF_ONE_BOUND, THEMES_OF_ALL } from "../conformance/spread.ts";
import { conformance } from "../conformance/suite.ts";

const creator = new Worker(new URL("./creator.js", import.meta.url));
afterAll(() => creator.terminate());

const harness: Harness = {
  capabilities: {
    sync: true,
    timers: true,
    blocking: true,
    warnings: true,
    changes: true,
    redefines: true,
    partitions: true,
    partitionsRedefined: true,
    exhaustive: true,
    crowd: 100_000,
  },
  skippedThemes: THEMES_OF_ALL,
  skips: { ...CASES_OF_ALL, ...CASES_OF_ONE_BOUND },
  async create<K extends string>({ onWarning, limits = [], ...rest }: SetOptions<K>): Promise<Subject<K>> {
    const options = { ...rest, limits, heads: 3 };
    // The constructor's error is thrown here, since errors lose their class on the way from thread to thread.
    new SpreadLimitSet<K>(options).close();
    creator.postMessage(options);
    const [handle] = (await once(creator, "message")) as [SpreadLimitSetHandle<K>];
    const clock = new ManualClock(START);
    const set = attachLimits(handle, { clock, ...(onWarning && { onWarning }) });
    const move = async (how: () => void) => {
      how();
      await nextTurn();
    };
    return {
      limits: set as unknown as Subject<K>["limits"],
      clock: {
        now: () => clock.now(),
        advance: (ms) => move(() => clock.advance(ms)),
        set: (ms) => move(() => clock.set(ms)),
        get pendingTimers() {
          return clock.pendingTimers;
        },
        timersSet: 0,
      },
      settle: nextTurn,
      close: async () => set.close(),
    };
  },
};

conformance("SpreadLimitSet on a second thread", harness);
