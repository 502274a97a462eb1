/** Partitions of a set on a server: their keys, what sessions hold in them, and what processes do to each other. */
import { once } from "node:events";
import { Cluster } from "ioredis";
import { CallLimit, InvalidLimitError, RateLimit, ResourceLimit } from "limitset";
import {
  type RedisClient,
  RedisLimitSet,
  type RedisLimitSetOptions,
  RedisLimitSetView,
} from "limitset/redis";
import { createClient } from "redis";
import { expect, onTestFinished, test } from "vitest";
import { cluster } from "./cluster.ts";
import { clientFor, describeRedis, type RedisServer, serverFor } from "./server.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

type Options = Partial<RedisLimitSetOptions<string>>;

function setOf(client: RedisClient, options: Options): RedisLimitSet<string> {
  const limits = new RedisLimitSet<string>({ name: "parted", ...options, client });
  onTestFinished(() => limits.close());
  return limits;
}

function keysOf(server: RedisServer): Promise<string[]> {
  return clientFor(server).keys("limitset:{parted}:*");
}

const ALL = new RateLimit({ key: "all", counts: "tokens", capacity: 1000, windowMs: HOUR });
const EACH = new RateLimit({ key: "each", counts: "tokens", capacity: 10, windowMs: HOUR, per: "user" });
const SLOTS = new ResourceLimit({ key: "slots", capacity: 2, per: "user" });

describeRedis("partitions of a set on a server", () => {
  test("each partition has a key of bounded length, and no name lies on the server", async () => {
    const server = await serverFor();
    const limits = setOf(clientFor(server), { limits: [ALL, EACH] });
    const view = limits.for({ user: "x".repeat(100_000) });
    expect(view).toBeInstanceOf(RedisLimitSetView);
    await (await view.acquire({ tokens: 5 })).update({ tokens: 5 });
    await limits.for({ user: "alice" }).tryAcquire({ tokens: 1 });
    const keys = await keysOf(server);
    expect(keys).toHaveLength(2);
    for (const key of keys) expect(key.length).toBeLessThan(60);
    expect(JSON.stringify(await clientFor(server).hgetall(keys[0]!))).not.toContain("xxx");
  });

  test("a partition that has recovered expires", async () => {
    const server = await serverFor();
    const limits = setOf(clientFor(server), {
      limits: [new CallLimit({ capacity: 2, windowMs: 300, per: "user" }), SLOTS],
    });
    for (let i = 0; i < 20; i++) (await limits.for({ user: `user ${i}` }).acquire()).release();
    await limits.stats();
    expect((await keysOf(server)).length).toBeGreaterThan(10);
    await expect.poll(() => keysOf(server), { timeout: 10_000 }).toEqual([]);
  });

  test("a partition of resources alone is gone with the release", async () => {
    const server = await serverFor();
    const limits = setOf(clientFor(server), { limits: [SLOTS] });
    const held = await limits.for({ user: "alice" }).acquire();
    // That of the partition, and what the session holds in.
    expect(await keysOf(server)).toHaveLength(2);
    held.release();
    await limits.stats();
    expect(await keysOf(server)).toEqual([]);
  });

  test("the key of a set lasts longer than its partitions", async () => {
    const server = await serverFor();
    const limits = setOf(clientFor(server), {
      limits: [new CallLimit({ key: "short", capacity: 9, windowMs: 1 }), EACH].map((limit) => limit),
      leaseMs: 100,
    });
    await limits.for({ user: "alice" }).tryAcquire({ tokens: 5 });
    const client = clientFor(server);
    const [partition] = await keysOf(server);
    expect(await client.pttl("limitset:{parted}")).toBeGreaterThan(await client.pttl(partition!));
    await client.del("limitset:{parted}");
    // A life of the set has ended with its key.
    expect((await limits.for({ user: "alice" }).stats())["each"]!.used).toBe(0);
    await limits.for({ user: "alice" }).tryAcquire({ tokens: 2 });
    expect((await limits.for({ user: "alice" }).stats())["each"]!.used).toBe(2);
  });

  test("what a dead process held in partitions comes back with its lease", async () => {
    const server = await serverFor();
    const dead = clientFor(server);
    const gone = new RedisLimitSet<string>({ name: "parted", client: dead, limits: [SLOTS], leaseMs: 600 });
    for (let i = 0; i < 30; i++) await gone.for({ user: `user ${i}` }).acquire({ slots: 2 });
    const limits = setOf(clientFor(server), { limits: [SLOTS], leaseMs: 600 });
    const of = (i: number) => limits.for({ user: `user ${i}` });
    expect((await of(7).tryAcquire()).limitedBy).toEqual(["slots"]);
    const waiter = of(3).acquire({ slots: 2 });
    dead.disconnect();
    expect((await waiter).successful).toBe(true);
    for (let i = 10; i < 15; i++) expect((await of(i).tryAcquire({ slots: 2 })).successful).toBe(true);
    expect((await of(3).tryAcquire()).successful).toBe(false);
    await gone.close();
  });

  test("a lease that is renewed keeps what is held in partitions", async () => {
    const server = await serverFor();
    const [one, two] = [1, 2].map(() => setOf(clientFor(server), { limits: [SLOTS], leaseMs: 300 }));
    const held = [];
    for (let i = 0; i < 5; i++) held.push(await one!.for({ user: `user ${i}` }).acquire({ slots: 2 }));
    const client = clientFor(server);
    // As if most of the time had passed after which a key expires.
    const session = (await keysOf(server)).find((key) => key.includes(":s"))!;
    for (const id of await client.zrange(session, "0", "-1")) {
      await client.zadd(session, 1, id);
      await client.pexpire(`limitset:{parted}:${id}`, 5_000);
    }
    await expect
      .poll(async () =>
        Math.min(
          ...(await client.zrange(session, "0", "-1", "WITHSCORES")).filter((_, i) => i % 2).map(Number),
        ),
      )
      .toBeGreaterThan(1);
    for (const key of await keysOf(server)) expect(await client.pttl(key)).toBeGreaterThan(HOUR / 2);
    expect((await two!.for({ user: "user 2" }).tryAcquire()).successful).toBe(false);
    held[2]!.release();
    await one!.stats();
    expect((await two!.for({ user: "user 2" }).tryAcquire()).successful).toBe(true);
  });

  test("a release in one process wakes the waiter of that partition in another", async () => {
    const server = await serverFor();
    const [one, two] = [1, 2].map(() => setOf(clientFor(server), { limits: [SLOTS] }));
    const held = await one!.for({ user: "alice" }).acquire({ slots: 2 });
    const waiter = two!.for({ user: "alice" }).acquire({ slots: 1 });
    await expect.poll(() => two!.waiting).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    held.release();
    expect((await waiter).requested).toEqual({ slots: 1 });
  });

  test("an answer that was lost is not done twice", async () => {
    const server = await serverFor();
    const client = clientFor(server);
    const limits = setOf(client, { limits: [ALL, EACH, SLOTS] });
    await limits.for({ user: "bob" }).tryAcquire({ tokens: 1 });
    const evalsha = client.evalsha.bind(client) as (...args: unknown[]) => Promise<unknown>;
    let isLost = true;
    Object.assign(client, {
      evalsha: async (...args: unknown[]) => {
        const answer = await evalsha(...args);
        if (!isLost) return answer;
        isLost = false;
        throw new Error("Connection is closed.");
      },
    });
    const alice = limits.for({ user: "alice" });
    const taken = await Promise.all([1, 2].map(() => alice.acquire({ tokens: 4 })));
    expect(taken.map(({ requested }) => requested)).toEqual([1, 2].map(() => ({ tokens: 4, slots: 1 })));
    const stats = await alice.stats();
    expect([stats["each"]!.used, stats["slots"]!.used]).toEqual([8, 2]);
  });

  test("requests of two tiers of one partition, asked at once, take from the same state", async () => {
    const server = await serverFor();
    const limits = setOf(clientFor(server), {
      limits: [
        new RateLimit({
          key: "each",
          capacity: 10,
          windowMs: DAY,
          per: "user",
          tiers: { pro: { capacity: 100 } },
        }),
      ],
    });
    const [free, pro] = [limits.for({ user: "a" }), limits.for({ user: "a" }, { tier: "pro" })];
    const all = await Promise.all(
      [1, 2, 3].flatMap(() => [free.tryAcquire({ each: 1 }), pro.tryAcquire({ each: 20 })]),
    );
    expect(all.map(({ successful }) => successful)).toEqual([true, true, false, true, false, true]);
    expect((await pro.stats())["each"]!.used).toBe(61);
  });

  test("a redefinition of one process holds for the partitions of the others", async () => {
    const server = await serverFor();
    const [one, two] = [1, 2].map(() => setOf(clientFor(server), { limits: [EACH, SLOTS] }));
    const held = await two!.for({ user: "alice" }).acquire({ tokens: 0 });
    await two!.for({ user: "alice" }).tryAcquire({ tokens: 8, slots: 0 });
    await one!.stats();
    await one!.redefine([SLOTS, new RateLimit({ ...EACH, capacity: 20 } as never)]);
    await one!.redefine([SLOTS, new RateLimit({ ...EACH, capacity: 30 } as never)]);
    const stats = await two!.for({ user: "alice" }).stats();
    expect([stats["each"]!.available, stats["slots"]!.used]).toEqual([22, 1]);
    held.release();
    expect((await one!.for({ user: "alice" }).stats())["slots"]!.used).toBe(0);
  });

  test("a name that a cluster would cut differently is refused where limits have partitions", async () => {
    const client = clientFor(await serverFor());
    expect(() => new RedisLimitSet<string>({ name: "}x", client, limits: [EACH] })).toThrow(
      InvalidLimitError,
    );
    await new RedisLimitSet<string>({ name: "}x", client, limits: [ALL] }).close();
  });

  test("node-redis takes from partitions", async () => {
    const server = await serverFor();
    const client = createClient({ socket: { port: server.port, host: "127.0.0.1" } });
    await client.connect();
    onTestFinished(() => client.destroy());
    const limits = setOf(client as RedisClient, { limits: [ALL, EACH] });
    expect((await limits.for({ user: "alice" }).tryAcquire({ tokens: 10 })).successful).toBe(true);
    expect((await limits.for({ user: "alice" }).tryAcquire({ tokens: 1 })).limitedBy).toEqual(["each"]);
  });

  test("partitions lie in the slot of their set on a cluster", { timeout: 60_000 }, async () => {
    const nodes = (await cluster()).map(({ port }) => ({ port, host: "127.0.0.1" }));
    const client = new Cluster(nodes);
    onTestFinished(() => client.disconnect());
    await once(client, "ready");
    for (const name of ["a", "b{c}", "d}e", "f{"]) {
      const limits = setOf(client, { name, limits: [ALL, EACH, SLOTS] });
      const held = await limits.for({ user: "alice" }).acquire({ tokens: 10 });
      await limits.for({ user: "bob" }).tryAcquire({ tokens: 10 });
      expect((await limits.for({ user: "alice" }).tryAcquire({ tokens: 1 })).limitedBy).toEqual(["each"]);
      held.update({ tokens: 4 });
      held.release();
      expect((await limits.for({ user: "alice" }).stats())["each"]!.used).toBe(4);
    }
  });
});
