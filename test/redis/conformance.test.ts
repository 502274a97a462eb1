/** The suite over sets on a real server, with a clock that the test moves. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { AcquireTimeoutError } from "../../src/index.ts";
import { RedisLimitSet } from "../../src/redis/index.ts";
import { type Harness, type SetOptions, START, type Subject } from "../conformance/harness.ts";
import { conformance } from "../conformance/suite.ts";
import { rate, resource, take, watch } from "../conformance/tools.ts";
import { describeRedis, RedisServer } from "./server.ts";
import { SteppedClock } from "./stepped-clock.ts";

// The clock of a test moves by years between two renewals of a lease.
const LEASE_MS = 1000 * 86_400_000;

let server: RedisServer;
let client: Redis;
let sets = 0;

const EXPIRY = "partitions that have recovered expire on a server: there is no other bound";

const harness: Harness = {
  capabilities: {
    sync: false,
    timers: false,
    blocking: false,
    warnings: true,
    changes: true,
    redefines: true,
    partitions: true,
    partitionsRedefined: true,
    exhaustive: false,
    crowd: 1000,
  },
  skips: {
    "beyond its bound new names share one state": EXPIRY,
    "beyond its bound new names are refused if the set says so": EXPIRY,
    "waiters of a shared state are served as it recovers": EXPIRY,
    "the state that names share goes on": EXPIRY,
  },
  skippedThemes: {
    "names without a place": EXPIRY,
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
