/** A server that dies, and that Sentinel replaces by its replica. */
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { RateLimit, ResourceLimit } from "limitset";
import { type RedisClient, RedisLimitSet } from "limitset/redis";
import { createSentinel } from "redis";
import { expect, onTestFinished, test } from "vitest";
import { Ledger } from "./ledger.ts";
import { clientFor, describeRedis, RedisServer, serverFor } from "./server.ts";

const LIMITS = [
  new RateLimit({ key: "tokens", capacity: 100, windowMs: 3_600_000 }),
  new ResourceLimit({ key: "db", capacity: 2 }),
  new RateLimit({
    key: "each",
    capacity: 20,
    windowMs: 10 ** 10,
    per: "user",
    tiers: { pro: { windowMs: 10 ** 11 } },
  }),
  new ResourceLimit({ key: "slots", capacity: 1, per: "user" }),
] as const;

/** A master with a replica, and a sentinel that watches both. */
async function watched(): Promise<{ master: RedisServer; replica: RedisServer; sentinel: RedisServer }> {
  const master = await serverFor();
  const replica = await serverFor("--replicaof", "127.0.0.1", String(master.port));
  const sentinel = await RedisServer.watch(master);
  onTestFinished(() => sentinel.stop());
  const asked = clientFor(sentinel);
  const replicas = async () => ((await asked.call("SENTINEL", "REPLICAS", "main")) as string[][]).length;
  await expect.poll(replicas, { timeout: 15_000, interval: 50 }).toBe(1);
  const info = clientFor(replica);
  await expect.poll(() => info.info("replication"), { timeout: 15_000 }).toContain("master_link_status:up");
  return { master, replica, sentinel };
}

/** Checks that usage, held resources and waiters live on in the replica. */
async function outlive(
  client: RedisClient,
  { master, replica }: { master: RedisServer; replica: RedisServer },
): Promise<void> {
  const limits = new RedisLimitSet({
    ...{
      name: "failover",
      limits: LIMITS,
      client,
      leaseMs: 20_000,
      deadlineMs: 500,
      missingUpdate: "charge",
    },
  });
  onTestFinished(() => limits.close());
  const alice = limits.for({ user: "alice" }, { tier: "pro" });
  const held = await alice.acquire({ tokens: 0, db: 0, each: 6 });
  const holder = await limits.for({ user: null }).acquire({ tokens: 60, db: 2 });
  const waiter = limits.for({ user: null }).acquire({ tokens: 10, db: 1 });
  await limits.stats();
  await clientFor(master).wait(1, 5_000);
  // What others take meanwhile may be forgotten, once.
  const ledger = new Ledger(20, 1);
  ledger.lives = 2;
  let isOver = false;
  const asker = async (user: string) => {
    while (!isOver) {
      const one = { tokens: 0, db: 0, each: 1 };
      const taken = await limits
        .for({ user })
        .tryAcquire(one)
        .catch(() => undefined);
      if (taken?.successful) ledger.take(user, taken);
      await sleep(5);
      if (taken?.successful) ledger.giveBack(user, taken);
    }
  };
  const working = Promise.all(["bob", "carol"].map(asker));
  await expect.poll(() => ledger.grants).toBeGreaterThan(10);
  await master.kill();
  // No request is answered until the replica takes over. The replica has never run the script.
  const stats = () => limits.stats().catch(() => undefined);
  await expect.poll(stats, { timeout: 20_000 }).toMatchObject({ tokens: { used: 60 }, db: { used: 2 } });
  expect(await clientFor(replica).info("replication")).toContain("role:master");
  expect(holder.signal.aborted).toBe(false);
  isOver = true;
  await working;
  // The partition of alice had arrived there: with its tier, what is used of it, and what is held of it.
  const each = { tokens: 0, db: 0, each: 1 };
  expect((await alice.stats()).each).toMatchObject({ used: 6, windowMs: 10 ** 11 });
  expect(await alice.tryAcquire(each)).toMatchObject({ successful: false, limitedBy: ["slots"] });
  held.update({ each: 4 });
  held.release();
  for (let used = 4; used < 20; used++) (await alice.acquire(each)).release();
  expect((await alice.tryAcquire(each)).limitedBy).toEqual(["each"]);
  holder.update({ tokens: 20 });
  holder.release();
  const granted = await waiter;
  granted.update({ tokens: 10 });
  granted.release();
  expect(await limits.stats()).toMatchObject({ tokens: { used: 30 }, db: { used: 0 } });
}

describeRedis("a failover", () => {
  test("a set survives a failover by Sentinel with ioredis", { timeout: 60_000 }, async () => {
    const servers = await watched();
    const client = new Redis({
      sentinels: [{ host: "127.0.0.1", port: servers.sentinel.port }],
      name: "main",
      sentinelRetryStrategy: () => 100,
    });
    client.on("error", () => {});
    onTestFinished(() => client.disconnect());
    await outlive(client, servers);
  });

  test("a set survives a failover by Sentinel with node-redis", { timeout: 60_000 }, async () => {
    const servers = await watched();
    const client = createSentinel({
      name: "main",
      sentinelRootNodes: [{ host: "127.0.0.1", port: servers.sentinel.port }],
      scanInterval: 100,
    });
    client.on("error", () => {});
    await client.connect();
    onTestFinished(() => client.destroy());
    await outlive(client, servers);
  });
});
