/** A server that fails while two processes take from partitions: a ledger counts what each name has been granted. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { LimitError, type Limits, RateLimit, ResourceLimit } from "limitset";
import { RedisLimitSet } from "limitset/redis";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { Ledger } from "./ledger.ts";
import { clientFor, describeRedis, RedisServer } from "./server.ts";
import { Wire } from "./wire.ts";

const [TOKENS, SLOTS] = [60, 2];
// The window is so long that nothing is refilled.
const LIMITS = [
  new RateLimit({
    ...{ key: "tokens", capacity: TOKENS, windowMs: 10 ** 10, per: "user" },
    tiers: { pro: { windowMs: 2 * 10 ** 10 } },
  }),
  new ResourceLimit({ key: "slots", capacity: SLOTS, per: "user" }),
] as const;
const NAMES = ["alice", "bob", "carol"] as const;

interface Scene {
  readonly server: RedisServer;
  readonly operator: Redis;
  readonly wires: readonly Wire[];
}

type Fault = (scene: Scene) => Promise<unknown>;

/** Whatever a request to a failing server may reject with. */
const EXPECTED = ["ERR_BACKEND_UNAVAILABLE", "ERR_BACKEND_REFUSED", "ERR_ACQUIRE_TIMEOUT"];

const FAULTS: readonly (readonly [string, Fault])[] = [
  ["forgets its scripts", ({ operator }) => operator.script("FLUSH")],
  ["cuts all connections", ({ operator }) => operator.call("CLIENT", "KILL", "TYPE", "normal")],
  ["is slow", ({ operator }) => operator.client("PAUSE", 150)],
  [
    "is stopped for a while",
    async ({ server }) => {
      server.signal("SIGSTOP");
      await sleep(150);
      server.signal("SIGCONT");
    },
  ],
  [
    "is out of memory for a while",
    async ({ operator }) => {
      await operator.config("SET", "maxmemory", "1");
      await sleep(100);
      await operator.config("SET", "maxmemory", "0");
    },
  ],
  [
    "takes no writes for a while",
    async ({ operator }) => {
      await operator.replicaof("127.0.0.1", 1);
      await sleep(100);
      await operator.replicaof("NO", "ONE");
    },
  ],
  [
    "has its answers lost",
    async ({ wires }) => {
      for (let times = 0; times < 6; times++) {
        wires[times % 2]!.loseNextAnswer();
        await sleep(10);
      }
    },
  ],
  [
    "is killed, and comes back with what it had written",
    async ({ server }) => {
      await server.kill();
      await sleep(50);
      await server.start();
    },
  ],
];

describeRedis("a server that fails while partitions are taken from", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start("--appendonly", "yes", "--appendfsync", "always");
  });
  afterAll(() => server.stop());

  /** Two sets take from partitions until the names have nothing left, or too much time has passed. The fault comes early. */
  async function load(name: string, fault: Fault, ledger: Ledger): Promise<readonly RedisLimitSet<string>[]> {
    const wires = [await Wire.to(server), await Wire.to(server)];
    const sets = wires.map((wire) => {
      const client = wire.client({ maxRetriesPerRequest: 0 });
      const set = new RedisLimitSet<string>({
        ...{ name, limits: LIMITS, client, deadlineMs: 400, leaseMs: 10_000, missingUpdate: "charge" },
      });
      onTestFinished(() => set.close());
      return set;
    });
    let isOver = false;
    const spent = new Set<string>();
    const asker = async (set: RedisLimitSet<string>, turn: number) => {
      for (let i = turn; !isOver && spent.size < NAMES.length; i++) {
        const user = NAMES[i % NAMES.length]!;
        const view = set.for({ user }, i % 2 === 0 ? { tier: "pro" } : {}) as unknown as Limits<string>;
        try {
          const isWaiter = i % 4 === 0;
          const amounts = { tokens: 1 };
          const taken = isWaiter
            ? await view.acquire(amounts, { timeoutMs: 50 })
            : await view.tryAcquire(amounts);
          if (!taken.successful) {
            if (taken.limitedBy.includes("tokens")) spent.add(user);
            continue;
          }
          ledger.take(user, taken);
          await sleep(2);
          ledger.giveBack(user, taken);
        } catch (error) {
          if (!(error instanceof LimitError) || !EXPECTED.includes(error.code)) throw error;
          await sleep(5);
        }
      }
    };
    const working = Promise.all(sets.flatMap((set) => [0, 1, 2].map((turn) => asker(set, turn))));
    await Promise.race([
      expect.poll(() => ledger.grants, { interval: 1, timeout: 5_000 }).toBeGreaterThan(5),
      working,
    ]);
    const before = ledger.grants;
    await fault({ server, operator: clientFor(server), wires });
    // What was lost with a deadline is given back some time: then nobody has it.
    setTimeout(() => {
      isOver = true;
    }, 5_000);
    await working;
    expect(ledger.grants).toBeGreaterThan(before);
    return sets;
  }

  test.each(FAULTS)("no name is granted more than its limits where a server %s", async (title, fault) => {
    const ledger = new Ledger(TOKENS, SLOTS);
    const [set] = await load(`failing: ${title}`, fault, ledger);
    for (const user of NAMES) {
      const read = () => set!.for({ user }).stats();
      await expect.poll(async () => (await read())["slots"]!.used, { timeout: 5_000 }).toBe(0);
      expect((await read())["tokens"]!.used).toBeGreaterThanOrEqual(ledger.grantedTo(user));
    }
  });

  test("where a server is flushed each name begins once more, and once only", async () => {
    const ledger = new Ledger(TOKENS, SLOTS);
    await load(
      "flushed",
      ({ operator }) => {
        ledger.lives = 2;
        return operator.flushall();
      },
      ledger,
    );
  });
});
