import { setImmediate as nextTurn } from "node:timers/promises";
import { LimitSet } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { type Harness, type SetOptions, START, type Subject, type TestClock } from "./harness.ts";
import { conformance } from "./suite.ts";

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A manual clock that counts its timers. They overflow as those of the platform do. */
class PlatformClock extends ManualClock {
  timersSet = 0;

  override setTimeout(callback: () => void, ms: number): unknown {
    this.timersSet++;
    return super.setTimeout(callback, ms > LONGEST_TIMER_MS ? 1 : ms);
  }
}

class LocalClock implements TestClock {
  readonly clock = new PlatformClock(START);

  now(): number {
    return this.clock.now();
  }

  async advance(ms: number): Promise<void> {
    this.clock.advance(ms);
    await nextTurn();
  }

  async set(ms: number): Promise<void> {
    this.clock.set(ms);
    await nextTurn();
  }

  get pendingTimers(): number {
    return this.clock.pendingTimers;
  }

  get timersSet(): number {
    return this.clock.timersSet;
  }
}

function harness(shared: boolean): Harness {
  return {
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
    async create<K extends string>(options: SetOptions<K>): Promise<Subject<K>> {
      const clock = new LocalClock();
      const limits = new LimitSet<K>({ limits: [], ...options, shared, clock: clock.clock });
      return {
        limits,
        clock,
        settle: nextTurn,
        close: async () => limits.close(),
        acquireSync: (requested, acquireOptions) => limits.acquireSync(requested, acquireOptions),
      };
    },
  };
}

conformance("LimitSet in shared memory", harness(true));
conformance("LimitSet in private memory", harness(false));
