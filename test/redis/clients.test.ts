/**
 * The supported clients. With each, a set takes, waits until a release on another connection wakes it, and survives a server that
 * forgets the script.
 */
import { once } from "node:events";
import { Cluster, Redis } from "ioredis";
import { Redis as Valkey } from "iovalkey";
import { RateLimit, ResourceLimit } from "limitset";
import { type RedisClient, RedisLimitSet } from "limitset/redis";
import { createClient, createCluster } from "redis";
import { expect, onTestFinished, test } from "vitest";
import { cluster } from "./cluster.ts";
import { describeRedis, serverFor } from "./server.ts";

const LIMITS = [
  new RateLimit({ key: "tokens", capacity: 100, windowMs: 3_600_000 }),
  new ResourceLimit({ key: "db", capacity: 2 }),
] as const;

/** Uses two sets on two connections of a client. */
async function use(one: RedisClient, two: RedisClient, forget: () => Promise<unknown>): Promise<void> {
  const [mine, theirs] = [one, two].map(
    (client) => new RedisLimitSet({ name: "clients", limits: LIMITS, client }),
  ) as [RedisLimitSet<"tokens" | "db">, RedisLimitSet<"tokens" | "db">];
  const acquisition = await theirs.acquire({ tokens: 60, db: 2 });
  const refused = await mine.tryAcquire({ tokens: 41 });
  expect(refused.limitedBy).toEqual(["tokens", "db"]);
  await forget();
  const waiter = mine.acquire({ tokens: 100 });
  await expect.poll(async () => (await mine.stats()).tokens.waiting).toBe(1);
  // By then the waiter listens.
  await new Promise((resolve) => setTimeout(resolve, 200));
  acquisition.update({ tokens: 0 });
  acquisition.release();
  const granted = await waiter;
  expect(granted.requested).toEqual({ tokens: 100, db: 1 });
  granted.update({ tokens: 3 });
  granted.release();
  const stats = await theirs.stats();
  expect([stats.tokens.used, stats.db.used]).toEqual([3, 0]);
  await Promise.all([mine.close(), theirs.close()]);
}

describeRedis("clients", () => {
  test("a set works with ioredis", async () => {
    const { port } = await serverFor();
    const [one, two] = [new Redis(port, "127.0.0.1"), new Redis(port, "127.0.0.1")];
    onTestFinished(() => {
      for (const client of [one, two]) client.disconnect();
    });
    await use(one, two, () => one.script("FLUSH"));
  });

  test("a set works with iovalkey", async () => {
    const { port } = await serverFor();
    const [one, two] = [new Valkey(port, "127.0.0.1"), new Valkey(port, "127.0.0.1")];
    onTestFinished(() => {
      for (const client of [one, two]) client.disconnect();
    });
    await use(one, two, () => one.script("FLUSH"));
  });

  test("a set works with node-redis", async () => {
    const { port } = await serverFor();
    const [one, two] = [1, 2].map(() => createClient({ socket: { port, host: "127.0.0.1" } }));
    await Promise.all([one!.connect(), two!.connect()]);
    onTestFinished(() => {
      for (const client of [one!, two!]) client.destroy();
    });
    await use(one!, two!, () => one!.scriptFlush());
  });

  test("a set works with ioredis and a cluster", { timeout: 60_000 }, async () => {
    const nodes = (await cluster()).map(({ port }) => ({ port, host: "127.0.0.1" }));
    const [one, two] = [new Cluster(nodes), new Cluster(nodes)];
    onTestFinished(() => {
      for (const client of [one, two]) client.disconnect();
    });
    await Promise.all([once(one, "ready"), once(two, "ready")]);
    await use(one, two, () => Promise.all(one.nodes("master").map((node) => node.script("FLUSH"))));
  });

  test("a set works with node-redis and a cluster", { timeout: 60_000 }, async () => {
    const rootNodes = (await cluster()).map(({ port }) => ({ socket: { port, host: "127.0.0.1" } }));
    const [one, two] = [1, 2].map(() => createCluster({ rootNodes }));
    for (const client of [one!, two!]) client.on("error", () => {});
    await Promise.all([one!.connect(), two!.connect()]);
    onTestFinished(() => {
      for (const client of [one!, two!]) client.destroy();
    });
    const flush = async () => {
      for (const { client } of one!.masters) await (await client)?.scriptFlush();
    };
    await use(one!, two!, flush);
  });
});
