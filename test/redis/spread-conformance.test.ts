/** The conformance suite's cases of partitions, over sets that are spread over the slots of a real server. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { Redis } from "ioredis";
import { afterAll, beforeAll } from "vitest";
import { SpreadRedisLimitSet } from "../../src/redis/index.ts";
import { type Harness, type SetOptions, START, type Subject } from "../conformance/harness.ts";
import { CASES_OF_ALL, CASES_OF_ONE_BOUND, THEMES_OF_ALL } from "../conformance/spread.ts";
import { conformance } from "../conformance/suite.ts";
import { describeRedis, RedisServer } from "./server.ts";
import { SteppedClock } from "./stepped-clock.ts";

// The clock of a test moves by years between two renewals of a lease.
const LEASE_MS = 1000 * 86_400_000;

let server: RedisServer;
let client: Redis;
let sets = 0;

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
  skippedThemes: THEMES_OF_ALL,
  skips: { ...CASES_OF_ALL, ...CASES_OF_ONE_BOUND },
  async create<K extends string>({ limits: given = [], ...options }: SetOptions<K>): Promise<Subject<K>> {
    const clock = new SteppedClock(START);
    const own = { name: `spread ${++sets}`, client, clock, leaseMs: LEASE_MS, slots: 3 };
    const limits = new SpreadRedisLimitSet<K>({ ...options, limits: given, ...own });
    const settle = async () => {
      for (let times = limits.waiting > 0 ? 4 : 2; times > 0; times--) {
        await limits.stats().catch(() => {});
        await nextTurn();
      }
    };
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
      limits: limits as unknown as Subject<K>["limits"],
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

  conformance("a set that is spread over slots", harness);
});
