/** The suite over sets on a real server, with a clock that the test moves. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { AcquireTimeoutError } from "../../src/index.ts";
import { RedisLimitSet } from "../../src/redis/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { type Harness, type SetOptions, START, type Subject } from "../conformance/harness.ts";
import { conformance } from "../conformance/suite.ts";
import { ALGORITHMS, failure, rate, resource, take, watch } from "../conformance/tools.ts";
import { describeRedis, RedisServer } from "./server.ts";

// The clock of a test moves by years between two renewals of a lease.
const LEASE_MS = 1000 * 86_400_000;

/** A manual clock that knows when its next timer is due. */
class SteppedClock extends ManualClock {
  readonly #due = new Map<unknown, number>();

  get nextTimer(): number {
    return Math.min(...this.#due.values());
  }

  override setTimeout(callback: () => void, ms: number): unknown {
    const timer = super.setTimeout(() => {
      this.#due.delete(timer);
      callback();
    }, ms);
    this.#due.set(timer, this.now() + Math.max(0, ms));
    return timer;
  }

  override clearTimeout(timer: unknown): void {
    this.#due.delete(timer);
    super.clearTimeout(timer);
  }
}

const STRICT = "on Redis waiters of one process go strictly in order: backfilling is for a later version";
const UNCOUNTED = "on Redis retryAfterMs does not count the waiters before: that is for a later version";
const UNBOUNDED = "on Redis waits have no bounds but timeoutMs: others are for a later version";
const ONE_PRIORITY = "on Redis all requests have one priority: others are for a later version";

const SKIPS: Record<string, string> = {
  "a request passes a waiter that awaits another limit, where there is room for both": STRICT,
  "a request does not take the last of a limit that a waiter wants too": STRICT,
  "limitedBy names the limit that is full, and not those that are kept for waiters": STRICT,
  "every refusal behind waiters names the one limit that is full": STRICT,
  "a try that is refused because of a waiter is told so by stats": UNCOUNTED,
  "a window does not split a waiter": UNCOUNTED,
  "the error of a timeout tells which limit refused, for how long, and how many stood before": UNCOUNTED,
  "a wait beyond the end of a window's day is told to the millisecond": UNCOUNTED,
  "with maxWaiting, one waiter too many is turned away at once": UNBOUNDED,
  "with maxWaiting, a request that passes never stands in the line": UNBOUNDED,
  "with maxWaitMs, a request that would wait for longer is turned away at once": UNBOUNDED,
  "maxWaitMs ends a wait for a release as timeoutMs does": UNBOUNDED,
  "a higher priority goes first, and one priority in order of arrival": ONE_PRIORITY,
  "with agingMs, an earlier request goes before a later one of a higher priority": ONE_PRIORITY,
  "a try does not pass waiters of its own priority, and passes those of a lower one": ONE_PRIORITY,
};
for (const algorithm of ALGORITHMS) {
  SKIPS[`a try behind a waiter of a ${algorithm} passes after retryAfterMs, and not before`] = UNCOUNTED;
  SKIPS[`five waiters of a ${algorithm} count one window each`] = UNCOUNTED;
}

let server: RedisServer;
let client: Redis;
let sets = 0;

const harness: Harness = {
  capabilities: {
    sync: false,
    timers: false,
    blocking: false,
    warnings: true,
    changes: false,
    redefines: false,
    partitions: false,
    exhaustive: false,
    crowd: 1000,
  },
  skips: SKIPS,
  skippedThemes: {
    "several limits of one metric": "the script on the server knows one limit of a metric",
    "infinite capacities": "the script on the server has no limit that never refuses",
    "initial amounts": "the script on the server begins all limits full",
    "windows of the calendar": "the script on the server has no calendar",
  },
  async create<K extends string>(options: SetOptions<K>): Promise<Subject<K>> {
    const clock = new SteppedClock(START);
    const name = `conformance ${++sets}`;
    const limits = new RedisLimitSet<K>({ ...options, name, client, clock, leaseMs: LEASE_MS });
    // Operations keep their order: a reading is answered after all that was asked before it. Operations to which those answers lead
    // come before the next reading.
    const settle = async () => {
      for (let times = limits.waiting > 0 ? 4 : 2; times > 0; times--) {
        await limits.stats().catch(() => {});
        await nextTurn();
      }
    };
    /** Moves time from timer to timer. All that one timer leads to arrives before the next timer fires. */
    const moveTo = async (ms: number) => {
      await settle();
      while (clock.nextTimer <= ms) {
        clock.set(Math.max(clock.now(), clock.nextTimer));
        await settle();
      }
      clock.set(ms);
      await settle();
    };
    return {
      limits,
      clock: {
        now: () => clock.now(),
        advance: (ms) => moveTo(clock.now() + ms),
        set: moveTo,
        pendingTimers: 0,
        timersSet: 0,
      },
      settle,
      close: () => limits.close(),
    };
  },
};

describeRedis("on a server", () => {
  beforeAll(async () => {
    server = await RedisServer.start();
    client = new Redis(server.port, "127.0.0.1");
  });

  afterAll(async () => {
    client.disconnect();
    await server.stop();
  });

  conformance("a set on Redis", harness);

  test.each([
    [{ priority: 1 }, "priority must be 0 or left out for a RedisLimitSet, got 1"],
    [{ maxWaitMs: 500 }, "maxWaitMs must be left out for a RedisLimitSet, got 500"],
  ])("a request with %j is an error on Redis, and takes nothing", async (options, message) => {
    const { limits, close } = await harness.create({ limits: [rate("x", 10, 1000)] });
    onTestFinished(close);
    const outer = await limits.acquire({ x: 1 }, { priority: 0, maxWaitMs: Number.POSITIVE_INFINITY });
    for (const asked of [limits, outer]) {
      const error = await failure(() => asked.acquire({ x: 1 }, options));
      expect(error).toMatchObject({ code: "ERR_INVALID_REQUEST" });
      expect(error.message).toContain(message);
    }
    expect((await limits.stats()).x.used).toBe(1);
  });

  test("the error of a timeout tells which limit refused, and how many stood before", async () => {
    const { limits, clock, settle, close } = await harness.create({
      limits: [rate("x", 10, 10_000), resource("db", 1)],
    });
    onTestFinished(close);
    await take(limits, { x: 10 });
    for (const x of [1, 2]) watch(limits.acquire({ x, db: 0 }));
    await settle();
    const late = watch(limits.acquire({ x: 3 }, { timeoutMs: 500 }));
    watch(limits.acquire({ x: 4, db: 0 }));
    await clock.advance(500);
    expect(late.reason).toBeInstanceOf(AcquireTimeoutError);
    expect(late.reason).toMatchObject({ limitedBy: ["x", "db"], ahead: 2, retryAfterMs: Infinity });
  });
});
