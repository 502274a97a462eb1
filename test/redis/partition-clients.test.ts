/** Partitions by each of the supported clients: views, tiers, resets, redefinitions and waiters, beside a set on another connection. */
import { once } from "node:events";
import { Redis as Rest } from "@upstash/redis";
import { Cluster } from "ioredis";
import { Redis as Valkey } from "iovalkey";
import { RateLimit, ResourceLimit } from "limitset";
import { type RedisClient, RedisLimitSet } from "limitset/redis";
import { createCluster } from "redis";
import { expect, onTestFinished, test } from "vitest";
import { cluster } from "./cluster.ts";
import { restFor } from "./rest.ts";
import { clientFor, describeRedis, serverFor } from "./server.ts";

const HOUR = 3_600_000;
const ALL = new RateLimit({ key: "all", counts: "tokens", capacity: 1000, windowMs: HOUR });
const SLOTS = new ResourceLimit({ key: "slots", capacity: 2, per: "user" });
const each = (capacity: number) =>
  new RateLimit({
    ...{ key: "each", counts: "tokens", capacity, windowMs: 100 * HOUR, per: "user" },
    tiers: { pro: { capacity: 10 * capacity } },
  });

/** Uses two sets, each with a client of its own. */
async function use(mine: RedisClient, theirs: RedisClient): Promise<void> {
  const [one, two] = [mine, theirs].map((client) => {
    const set = new RedisLimitSet<string>({ name: "parted clients", limits: [ALL, each(10), SLOTS], client });
    onTestFinished(() => set.close());
    return set;
  }) as [RedisLimitSet<string>, RedisLimitSet<string>];
  const used = async (set: RedisLimitSet<string>, user: string) => {
    const stats = await set.for({ user }).stats();
    return [stats["all"]!.used, stats["each"]!.used, stats["slots"]!.used];
  };
  const [alice, bob] = [one.for({ user: "alice" }), one.for({ user: "bob" })];
  const held = await alice.acquire({ tokens: 6 });
  await bob.tryAcquire({ tokens: 3, slots: 0 });
  expect((await two.for({ user: "alice" }).tryAcquire({ tokens: 5 })).limitedBy).toEqual(["each"]);
  const pro = two.for({ user: "alice" }, { tier: "pro" });
  expect((await pro.tryAcquire({ tokens: 50, slots: 0 })).successful).toBe(true);
  expect(await used(one, "alice")).toEqual([59, 56, 1]);

  await two.for({ user: "alice" }).reset();
  expect(await used(one, "alice")).toEqual([59, 0, 1]);
  await two.for({ user: "bob" }).charge({ tokens: 1 });
  expect(await used(one, "bob")).toEqual([60, 4, 0]);

  await one.redefine([each(20), ALL, new ResourceLimit({ ...SLOTS, capacity: 1 } as never)]);
  // The other set follows with its next call.
  await two.stats();
  expect((await two.for({ user: "bob" }).tryAcquire({ tokens: 17 })).limitedBy).toEqual(["each"]);
  const waiter = two.for({ user: "alice" }).acquire({ tokens: 20 });
  await expect.poll(() => two.waiting).toBe(1);
  // By then the waiter listens, where a client can.
  await new Promise((resolve) => setTimeout(resolve, 150));
  held.update({ tokens: 6 });
  held.release();
  (await waiter).update({ tokens: 20 });
  expect(await used(one, "alice")).toEqual([80, 20, 1]);
  await one.reset(["each", "all"]);
  expect(await used(two, "alice")).toEqual([0, 0, 1]);
}

/** Several sets share the partitions of a cluster: some lie on each of its nodes. */
async function spread(client: Cluster): Promise<void> {
  const sets = Array.from({ length: 16 }, (_, i) => {
    const set = new RedisLimitSet<string>({ name: `users ${i}`, limits: [each(10), SLOTS], client });
    onTestFinished(() => set.close());
    return set;
  });
  const of = (user: number) => sets[user % sets.length]!.for({ user: `user ${user}` });
  const held = await Promise.all(Array.from({ length: 64 }, (_, user) => of(user).acquire({ tokens: 10 })));
  const refused = await Promise.all(held.map((_, user) => of(user).tryAcquire({ tokens: 1 })));
  expect(refused.filter(({ successful }) => successful)).toEqual([]);
  const counts = await Promise.all(
    client.nodes("master").map(async (node) => {
      const keys = await node.keys("limitset:{users *}:*");
      // Each partition is a hash; what a session holds in is a sorted set.
      const types = await Promise.all(keys.map((key) => node.type(key)));
      return types.filter((type) => type === "hash").length;
    }),
  );
  expect(counts.reduce((sum, count) => sum + count)).toBe(64);
  expect(Math.min(...counts)).toBeGreaterThan(0);
  for (const acquisition of held) {
    acquisition.update({ tokens: 10 });
    acquisition.release();
  }
}

describeRedis("partitions by each client", () => {
  test("iovalkey", async () => {
    const server = await serverFor();
    const client = new Valkey(server.port, "127.0.0.1");
    onTestFinished(() => client.disconnect());
    await use(client, clientFor(server));
  });

  test("@upstash/redis, over HTTP, which takes and waits", async () => {
    const server = await serverFor();
    const rest = () => restFor(server).then((proxy) => new Rest(proxy));
    await use(clientFor(server), await rest());
  });

  test("@upstash/redis, over HTTP, which redefines and resets", async () => {
    const server = await serverFor();
    await use(new Rest(await restFor(server)), clientFor(server));
  });

  test("ioredis and node-redis, on a cluster", { timeout: 60_000 }, async () => {
    const nodes = (await cluster()).map(({ port }) => ({ port, host: "127.0.0.1" }));
    const one = new Cluster(nodes);
    onTestFinished(() => one.disconnect());
    const two = createCluster({ rootNodes: nodes.map((socket) => ({ socket })) });
    two.on("error", () => {});
    await Promise.all([once(one, "ready"), two.connect()]);
    onTestFinished(() => two.destroy());
    await use(one, two as unknown as RedisClient);
    await spread(one);
  });
});
