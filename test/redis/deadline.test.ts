/** When a server counts as away: only after it had `deadlineMs` to answer, and this process the time to hear it. */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { AcquireTimeoutError, BackendUnavailableError, RateLimit, ResourceLimit } from "limitset";
import { type RedisClient, RedisLimitSet, type RedisLimitSetOptions } from "limitset/redis";
import { createClient } from "redis";
import { expect, onTestFinished, test } from "vitest";
import { Peer } from "./peers.ts";
import { clientFor, describeRedis, type RedisServer, serverFor } from "./server.ts";

const HOUR = 3_600_000;
const TEN = [new RateLimit({ key: "tokens", capacity: 10, windowMs: HOUR })] as const;
const AWAY = [{ whenAway: "allow" }, { whenAway: "local", localShare: 1 }] as const;

function setOf<K extends string>(options: RedisLimitSetOptions<K>): RedisLimitSet<K> {
  const limits = new RedisLimitSet<K>({ missingUpdate: "charge", ...options });
  onTestFinished(() => limits.close());
  return limits;
}

/** Keeps this thread from everything else, as the work on an HTTP request does: after it timers come first, and then input. */
function blockLikeInput(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => {
      const until = performance.now() + ms;
      while (performance.now() < until);
      resolve();
    });
  });
}

/** How many of the requests were granted; the others have timed out. */
async function granted(requests: readonly Promise<unknown>[]): Promise<number> {
  const outcomes = await Promise.allSettled(requests);
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") expect(outcome.reason).toBeInstanceOf(AcquireTimeoutError);
  }
  return outcomes.filter(({ status }) => status === "fulfilled").length;
}

async function nodeRedis(port: number): Promise<RedisClient> {
  const client = createClient({ socket: { port, host: "127.0.0.1" } });
  client.on("error", () => {});
  onTestFinished(() => client.destroy());
  client.connect().catch(() => {});
  return client as RedisClient;
}

const CLIENTS: Record<"ioredis" | "node-redis", (server: Pick<RedisServer, "port">) => Promise<RedisClient>> =
  {
    ioredis: async (server) => clientFor(server as RedisServer),
    "node-redis": ({ port }) => nodeRedis(port),
  };

const NAMES = ["ioredis", "node-redis"] as const;

/** A way to the server on which each connection takes so long to get through. */
async function slowWay(server: RedisServer, ms: number): Promise<{ port: number }> {
  const listener = createServer(async (near) => {
    near.on("error", () => {});
    near.pause();
    await sleep(ms);
    const far = connect(server.port, "127.0.0.1");
    far.on("error", () => {});
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.pipe(other);
      one.on("close", () => other.destroy());
    }
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  onTestFinished(() => void listener.close());
  return listener.address() as { port: number };
}

describeRedis("a deadline", () => {
  test.each(AWAY)(
    "a set admits no more after its thread was blocked for longer than the deadline ($whenAway)",
    async (away) => {
      const server = await serverFor();
      const limits = setOf({ name: "blocked", limits: TEN, client: clientFor(server), ...away });
      const other = clientFor(server);
      let successes = await granted(Array.from({ length: 5 }, () => limits.acquire({ tokens: 1 })));
      for (let times = 0; times < 3; times++) {
        await other.client("PAUSE", 100);
        const requests = Array.from({ length: 30 }, () =>
          limits.acquire({ tokens: 1 }, { timeoutMs: 1_000 }),
        );
        const tries = Array.from({ length: 30 }, () => limits.tryAcquire({ tokens: 1 }));
        // By then the batch is on its way, and the server answers while the thread is blocked.
        await sleep(20);
        await blockLikeInput(1_500);
        successes += await granted(requests);
        for (const tried of await Promise.all(tries)) if (tried.successful) successes++;
      }
      expect(successes).toBe(10);
    },
  );

  test.each(AWAY)("a process that was frozen and thawed admits no more ($whenAway)", async (away) => {
    const server = await serverFor();
    const peer = await Peer.start(server, { name: "frozen", limits: TEN, missingUpdate: "charge", ...away });
    await peer.ask("burst", { tokens: 1 }, 2);
    await clientFor(server).client("PAUSE", 400);
    const successes = peer.ask("burst", { tokens: 1 }, 60);
    await sleep(100);
    peer.process.kill("SIGSTOP");
    await sleep(2_500);
    peer.process.kill("SIGCONT");
    expect(await successes).toBe(8);
  });

  test.each(NAMES)(
    "five thousand sets that start at once on one client admit no more (%s)",
    { timeout: 120_000 },
    async (name) => {
      const server = await serverFor();
      const client = await CLIENTS[name](server);
      const limits = [new RateLimit({ key: "tokens", capacity: 1, windowMs: HOUR })];
      const sets = Array.from({ length: 5_000 }, (_, i) => {
        return new RedisLimitSet({
          name: `burst ${i}`,
          limits,
          client,
          missingUpdate: "charge",
          whenAway: "allow",
        });
      });
      const tries = sets.flatMap((set) => [1, 2, 3].map(() => set.tryAcquire({ tokens: 1 })));
      const successes = (await Promise.all(tries)).filter((tried) => tried.successful).length;
      expect(successes).toBe(5_000);
      await Promise.all(sets.map((set) => set.close()));
    },
  );

  test.each(NAMES.flatMap((name) => AWAY.map((away) => [name, away.whenAway, away] as const)))(
    "a set admits no more while the first connection takes longer than the deadline (%s, %s)",
    async (name, _, away) => {
      const way = await slowWay(await serverFor(), 1_500);
      const limits = setOf({ name: "slow", limits: TEN, client: await CLIENTS[name](way), ...away });
      const patient = Array.from({ length: 30 }, () => limits.acquire({ tokens: 1 }, { timeoutMs: 20_000 }));
      const tries = Array.from({ length: 30 }, () => limits.tryAcquire({ tokens: 1 }));
      for (const request of patient) request.catch(() => {});
      const successes = await Promise.all(tries.map(async (each) => ((await each).successful ? 1 : 0)));
      const first: unknown[] = await Promise.all(patient.slice(0, 10));
      expect([first.length, successes.reduce((sum: number, one) => sum + one, 0)]).toEqual([10, 0]);
      expect(limits.waiting).toBe(20);
    },
  );

  test("a request whose timeout ends during a slow first connection does not wait for the connection", async () => {
    const way = await slowWay(await serverFor(), 5_000);
    const client = clientFor(way as RedisServer);
    const limits = setOf({ name: "slow", limits: TEN, client, deadlineMs: 100, whenAway: "allow" });
    const before = performance.now();
    const request = limits.acquire({ tokens: 1 }, { timeoutMs: 50 });
    await expect(request).rejects.toBeInstanceOf(AcquireTimeoutError);
    expect(performance.now() - before).toBeLessThan(4_000);
  });

  test("a first connection that never gets through counts as away after ten deadlines", async () => {
    const way = await slowWay(await serverFor(), 60_000);
    const client = clientFor(way as RedisServer);
    const limits = setOf({ name: "slow", limits: TEN, client, deadlineMs: 50, whenAway: "allow" });
    const grants = await Promise.all(Array.from({ length: 11 }, () => limits.acquire({ tokens: 1 })));
    expect(grants.length).toBe(11);
  });

  test.each(["dies", "freezes"])(
    "a request behind a waiter rejects within the deadline when the server %s",
    async (how) => {
      const server = await serverFor();
      const client = clientFor(server, { retryStrategy: () => 20 });
      const limits = setOf({
        name: "behind",
        limits: [new ResourceLimit({ key: "db", capacity: 1 })],
        client,
        deadlineMs: 500,
      });
      const holder = await limits.acquire();
      const waiter = limits.acquire();
      waiter.catch(() => {});
      await limits.stats();
      if (how === "dies") await server.kill();
      else server.signal("SIGSTOP");
      const before = performance.now();
      await expect(limits.acquire()).rejects.toBeInstanceOf(BackendUnavailableError);
      // It would be 10 s if the request were not asked for until the waiter is.
      expect(performance.now() - before).toBeLessThan(5_000);
      expect(limits.waiting).toBe(1);
      if (how === "freezes") server.signal("SIGCONT");
      holder.release();
    },
  );

  test("requests behind a waiter ask a server that answers for few signs of life", async () => {
    const server = await serverFor();
    const client = new Redis(server.port, "127.0.0.1");
    onTestFinished(() => client.disconnect());
    const limits = setOf({ name: "behind", limits: [new ResourceLimit({ key: "db", capacity: 1 })], client });
    const holder = await limits.acquire();
    limits.acquire().catch(() => {});
    await limits.stats();
    const calls = async () =>
      Number(/cmdstat_evalsha:calls=(\d+)/.exec(await client.info("commandstats"))?.[1] ?? 0);
    const before = await calls();
    const began = performance.now();
    let requests = 0;
    for (; requests < 300; requests++) {
      limits.acquire().catch(() => {});
      await sleep(1);
    }
    const tenths = Math.ceil((performance.now() - began) / 100);
    expect((await calls()) - before).toBeLessThanOrEqual(tenths + 2);
    expect(limits.waiting).toBe(requests + 1);
    holder.release();
  });
});
