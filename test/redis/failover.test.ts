/** A server that dies, and that Sentinel replaces by its replica. */
import { Redis } from "ioredis";
import { RateLimit, ResourceLimit } from "limitset";
import { type RedisClient, RedisLimitSet } from "limitset/redis";
import { createSentinel } from "redis";
import { expect, onTestFinished, test } from "vitest";
import { clientFor, describeRedis, RedisServer, serverFor } from "./server.ts";

const LIMITS = [
  new RateLimit({ key: "tokens", capacity: 100, windowMs: 3_600_000 }),
  new ResourceLimit({ key: "db", capacity: 2 }),
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
  const limits = new RedisLimitSet({ name: "failover", limits: LIMITS, client, leaseMs: 20_000 });
  onTestFinished(() => limits.close());
  const holder = await limits.acquire({ tokens: 60, db: 2 });
  const waiter = limits.acquire({ tokens: 10, db: 1 });
  await limits.stats();
  await clientFor(master).wait(1, 5_000);
  await master.kill();
  // No request is answered until the replica takes over. The replica has never run the script.
  const stats = () => limits.stats().catch(() => undefined);
  await expect.poll(stats, { timeout: 20_000 }).toMatchObject({ tokens: { used: 60 }, db: { used: 2 } });
  expect(await clientFor(replica).info("replication")).toContain("role:master");
  expect(holder.signal.aborted).toBe(false);
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
