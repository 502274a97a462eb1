/** The whole conformance suite, over sets that another thread has made: this thread is the second that has them. */
import { once } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { afterAll } from "vitest";
import { LimitSet } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { attachLimits, type LimitSetHandle } from "../../src/threads/index.ts";
import { type Harness, type SetOptions, START, type Subject } from "../conformance/harness.ts";
import { conformance } from "../conformance/suite.ts";

const creator = new Worker(new URL("./creator.js", import.meta.url));
afterAll(() => creator.terminate());

class CountingClock extends ManualClock {
  timersSet = 0;

  override setTimeout(callback: () => void, ms: number): unknown {
    this.timersSet++;
    return super.setTimeout(callback, ms > 2 ** 31 - 1 ? 1 : ms);
  }
}

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
  async create<K extends string>({ onWarning, ...options }: SetOptions<K>): Promise<Subject<K>> {
    // The constructor's error is thrown here, since errors lose their class on the way from thread to thread.
    new LimitSet<K>(options).close();
    creator.postMessage(options);
    const [handle] = (await once(creator, "message")) as [LimitSetHandle<K>];
    const clock = new CountingClock(START);
    const limits = attachLimits(handle, { clock, ...(onWarning && { onWarning }) });
    return {
      limits: limits as unknown as Subject<K>["limits"],
      clock: {
        now: () => clock.now(),
        async advance(ms) {
          clock.advance(ms);
          await nextTurn();
        },
        async set(ms) {
          clock.set(ms);
          await nextTurn();
        },
        get pendingTimers() {
          return clock.pendingTimers;
        },
        get timersSet() {
          return clock.timersSet;
        },
      },
      settle: nextTurn,
      close: async () => limits.close(),
      acquireSync: (requested, acquireOptions) =>
        limits.acquireSync(requested, acquireOptions) as unknown as ReturnType<
          NonNullable<Subject<K>["acquireSync"]>
        >,
    };
  },
};

conformance("LimitSet on a second thread", harness);
