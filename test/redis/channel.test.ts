/**
 * Releases are heard on a channel. The leases here are so long that a waiter which does not hear of a release outlives the test.
 */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster, Redis } from "ioredis";
import { Redis as Valkey } from "iovalkey";
import { BackendRefusedError, type LimitError, ResourceLimit } from "limitset";
import { type RedisClient, RedisLimitSet } from "limitset/redis";
import { createClient, createCluster } from "redis";
import { expect, onTestFinished, test } from "vitest";
import { cluster } from "./cluster.ts";
import { clientFor, describeRedis, type RedisServer, serverFor } from "./server.ts";

const DB = [new ResourceLimit({ key: "db", capacity: 1 })] as const;
const COMMANDS = "+evalsha +eval +time +hget +hmget +hgetall +hset +hdel +pexpire".split(" ");

function setOf(client: RedisClient, warnings: LimitError[] = []): RedisLimitSet<"db"> {
  const limits = new RedisLimitSet({
    name: "heard",
    limits: DB,
    client,
    leaseMs: 600_000,
    onWarning: (warning) => warnings.push(warning),
  });
  onTestFinished(() => void limits.close());
  return limits;
}

/** Lets one set wait for a release of the other, several times. */
async function wake(waits: RedisLimitSet<"db">, releases: RedisLimitSet<"db">): Promise<void> {
  for (let times = 0; times < 3; times++) {
    const held = await releases.acquire();
    const waiter = waits.acquire();
    await waits.stats();
    // By then the waiter listens.
    await sleep(100);
    held.release();
    (await waiter).release();
    await waits.stats();
  }
}

/** A client of a user that has these rights, and those that the script needs. */
async function limited(server: RedisServer, name: string, ...rights: string[]): Promise<User> {
  const admin = clientFor(server);
  await admin.call(
    "ACL",
    "SETUSER",
    name,
    "reset",
    "on",
    ">secret",
    "resetchannels",
    ...COMMANDS,
    "~*",
    ...rights,
  );
  return { username: name, password: "secret" };
}

interface User {
  readonly username: string;
  readonly password: string;
}

const USERS: Record<"ioredis" | "node-redis", (server: RedisServer, user: User) => Promise<RedisClient>> = {
  ioredis: async (server, user) => clientFor(server, { ...user, enableReadyCheck: false }),
  "node-redis": async ({ port }, user) => {
    const client = createClient({ ...user, socket: { port, host: "127.0.0.1" } });
    client.on("error", () => {});
    await client.connect();
    onTestFinished(() => client.destroy());
    return client as RedisClient;
  },
};

const NAMES = ["ioredis", "node-redis"] as const;

const PREFIXED: Record<string, (port: number, keyPrefix: string | Buffer) => Redis | Valkey> = {
  ioredis: (port, keyPrefix) => new Redis(port, "127.0.0.1", { keyPrefix } as object),
  iovalkey: (port, keyPrefix) => new Valkey(port, "127.0.0.1", { keyPrefix: String(keyPrefix) }),
  "ioredis, a buffer": (port, keyPrefix) =>
    new Redis(port, "127.0.0.1", { keyPrefix: Buffer.from(String(keyPrefix)) } as object),
};

describeRedis("a channel", () => {
  test.each(Object.keys(PREFIXED))(
    "a release is heard through a client with a prefix for keys (%s)",
    async (name) => {
      const { port } = await serverFor();
      const clients = [1, 2].map(() => PREFIXED[name]!(port, "tenant:"));
      onTestFinished(() => {
        for (const client of clients) client.disconnect();
      });
      const [waits, releases] = clients.map((client) => setOf(client as RedisClient));
      await wake(waits!, releases!);
      // A client without a prefix that writes the prefix into the name has another set.
      expect(await clients[0]!.exists("limitset:{heard}")).toBe(1);
    },
  );

  test.each(["keyPrefix", "redisOptions"])(
    "a release is heard through a cluster with a prefix for keys (%s)",
    { timeout: 60_000 },
    async (where) => {
      const nodes = (await cluster()).map(({ port }) => ({ port, host: "127.0.0.1" }));
      const prefix = { keyPrefix: "tenant:" };
      const options = where === "keyPrefix" ? prefix : { redisOptions: prefix };
      const clients = [1, 2].map(() => new Cluster(nodes, options as object));
      onTestFinished(() => {
        for (const client of clients) client.disconnect();
      });
      await Promise.all(clients.map((client) => once(client, "ready")));
      const [waits, releases] = clients.map((client) => setOf(client));
      await wake(waits!, releases!);
    },
  );

  test("a release is heard through a cluster of node-redis", { timeout: 60_000 }, async () => {
    const rootNodes = (await cluster()).map(({ port }) => ({ socket: { port, host: "127.0.0.1" } }));
    const clients = [1, 2].map(() => createCluster({ rootNodes }));
    for (const client of clients) client.on("error", () => {});
    await Promise.all(clients.map((client) => client.connect()));
    onTestFinished(() => {
      for (const client of clients) client.destroy();
    });
    const [waits, releases] = clients.map((client) => setOf(client as RedisClient));
    await wake(waits!, releases!);
  });

  const LACKING = {
    "the channel": ["+publish", "+subscribe", "+unsubscribe", "&other:*"],
    "the command SUBSCRIBE": ["+publish", "&limitset:*"],
  };
  test.each(
    NAMES.flatMap((name) => Object.entries(LACKING).map(([what, rights]) => [name, what, rights] as const)),
  )(
    "a waiter that lacks a right to listen asks again soon, and its set warns once (%s, %s)",
    async (name, _, rights) => {
      const server = await serverFor();
      const user = await limited(server, "deaf", ...rights);
      const warnings: LimitError[] = [];
      const waits = setOf(await USERS[name](server, user), warnings);
      const releases = setOf(clientFor(server));
      await wake(waits, releases);
      expect(warnings.length).toBe(1);
      expect(warnings[0]).toBeInstanceOf(BackendRefusedError);
      expect(warnings[0]!.message).toMatch(
        /SUBSCRIBE is refused: NOPERM.*allow SUBSCRIBE.*&limitset:\{heard\}/,
      );
      expect(warnings[0]!.cause).toBeInstanceOf(Error);
    },
  );

  test.each(NAMES)("a set that may not tell others of its releases warns once (%s)", async (name) => {
    const server = await serverFor();
    const user = await limited(server, "mute", "+publish", "+subscribe", "+unsubscribe");
    const warnings: LimitError[] = [];
    const releases = setOf(await USERS[name](server, user), warnings);
    const waits = setOf(clientFor(server));
    const held = await releases.acquire();
    const waiter = waits.acquire().catch(() => {});
    await waits.stats();
    // By then the waiter listens.
    await sleep(100);
    held.release();
    await expect.poll(() => warnings.length).toBe(1);
    await waits.close();
    await waiter;
    expect(warnings.length).toBe(1);
    expect(warnings[0]!.message).toMatch(/PUBLISH is refused.*allow PUBLISH.*&limitset:\{heard\}/);
  });

  test("a waiter asks again by itself, however many requests come behind it", async () => {
    const server = await serverFor();
    // Its releases are not heard.
    const user = await limited(server, "mute", "+publish");
    const releases = setOf(await USERS.ioredis(server, user));
    const limits = new RedisLimitSet({ name: "heard", limits: DB, client: clientFor(server), leaseMs: 900 });
    onTestFinished(() => void limits.close());
    const held = await releases.acquire();
    let isGranted = false;
    const waiter = limits.acquire().then(() => {
      isGranted = true;
    });
    await limits.stats();
    await sleep(100);
    held.release();
    const until = performance.now() + 20_000;
    while (!isGranted && performance.now() < until) {
      limits.acquire().catch(() => {});
      await limits.stats();
      await sleep(20);
    }
    expect(isGranted).toBe(true);
    await waiter;
  });

  test("a waiter that may listen again hears of releases at once, and asks no more by itself", async () => {
    const server = await serverFor();
    const user = await limited(server, "healed", "+publish", "+subscribe", "+unsubscribe", "&other:*");
    const client = await USERS.ioredis(server, user);
    const waits = setOf(client);
    const releases = setOf(clientFor(server));
    await wake(waits, releases);
    const admin = clientFor(server);
    await admin.call("ACL", "SETUSER", "healed", "&limitset:*");
    const held = await releases.acquire();
    const waiter = waits.acquire();
    await waits.stats();
    await sleep(100);
    const calls = async () =>
      Number(/cmdstat_evalsha:calls=(\d+)/.exec(await admin.info("commandstats"))?.[1]);
    const before = await calls();
    await sleep(1_000);
    expect((await calls()) - before).toBeLessThanOrEqual(1);
    held.release();
    (await waiter).release();
  });
});
