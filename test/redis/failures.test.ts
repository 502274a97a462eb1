/** A server that is away, slow, restarted, read-only or forgets the script, and a network that loses answers. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  BackendRefusedError,
  BackendUnavailableError,
  type LimitLike,
  RateLimit,
  ResourceLimit,
} from "limitset";
import { RedisLimitSet, type RedisLimitSetOptions } from "limitset/redis";
import { expect, onTestFinished, test } from "vitest";
import { clientFor, describeRedis, type RedisServer, serverFor } from "./server.ts";
import { Wire } from "./wire.ts";

const HOUR = 3_600_000;
const TOKENS = new RateLimit({ key: "tokens", capacity: 100, windowMs: HOUR });
const DB = new ResourceLimit({ key: "db", capacity: 2 });

function setOf<K extends string>(options: Omit<RedisLimitSetOptions<K>, "name">): RedisLimitSet<K> {
  const limits = new RedisLimitSet<K>({ name: "failing", missingUpdate: "charge", ...options });
  onTestFinished(() => limits.close());
  return limits;
}

async function started<K extends string>(
  limits: readonly LimitLike<K>[],
  options: Partial<RedisLimitSetOptions<K>> = {},
  clientOptions: object = {},
): Promise<{ server: RedisServer; limits: RedisLimitSet<K>; client: ReturnType<typeof clientFor> }> {
  const server = await serverFor();
  const client = clientFor(server, { retryStrategy: () => 20, ...clientOptions });
  return { server, client, limits: setOf<K>({ limits, client, ...options }) };
}

const used = async (limits: RedisLimitSet<string>) =>
  Object.fromEntries(Object.entries(await limits.stats()).map(([key, stats]) => [key, stats.used]));

describeRedis("a server that fails", () => {
  test("a set sends the script again to a server that has forgotten it", async () => {
    const { limits, client } = await started([TOKENS, DB]);
    const acquisition = await limits.acquire({ tokens: 40 });
    await client.script("FLUSH");
    acquisition.update({ tokens: 10 });
    acquisition.release();
    expect(await used(limits)).toEqual({ tokens: 10, db: 0 });
    await client.script("FLUSH");
    expect((await limits.tryAcquire({ tokens: 91 })).limitedBy).toEqual(["tokens"]);
  });

  test("a waiter survives a restart of the server, and is granted by it", async () => {
    const { limits, server } = await started([DB], { leaseMs: 400 });
    const holder = await limits.acquire({ db: 2 });
    const lost = new Promise((resolve) => holder.signal.addEventListener("abort", resolve));
    const waiter = limits.acquire({ db: 1 });
    await limits.stats();
    await server.kill();
    await sleep(200);
    await server.start();
    // The server has restarted empty, so that nothing is held any more.
    expect((await waiter).requested).toEqual({ db: 1 });
    await lost;
    expect(await used(limits)).toEqual({ db: 1 });
  });

  for (const clientOptions of [{}, { maxRetriesPerRequest: null }, { enableOfflineQueue: false }]) {
    test(`a request rejects within the deadline if the server is away (${JSON.stringify(clientOptions)})`, async () => {
      const { limits, server } = await started([DB, TOKENS], { deadlineMs: 200 }, clientOptions);
      await expect
        .poll(() =>
          limits.stats().then(
            () => true,
            () => false,
          ),
        )
        .toBe(true);
      await server.kill();
      const before = performance.now();
      const errors = await Promise.all(
        [
          limits.acquire({ tokens: 1 }),
          limits.tryAcquire({ tokens: 1 }),
          limits.stats(),
          limits.get("db").stats(),
        ].map((asked) =>
          asked.then(
            () => undefined,
            (error: unknown) => error,
          ),
        ),
      );
      for (const error of errors) expect(error).toBeInstanceOf(BackendUnavailableError);
      expect(performance.now() - before).toBeLessThan(3_000);
      await server.start();
      await expect
        .poll(
          () =>
            limits.tryAcquire({ tokens: 1 }).then(
              (tried) => tried.successful,
              () => false,
            ),
          { timeout: 5_000 },
        )
        .toBe(true);
    });
  }

  test("a request rejects within the deadline if the server was never there", async () => {
    const server = await serverFor();
    await server.kill();
    const limits = setOf({ limits: [TOKENS], client: clientFor(server), deadlineMs: 100 });
    await expect(limits.acquire({ tokens: 1 })).rejects.toBeInstanceOf(BackendUnavailableError);
  });

  test("a request is granted by a slow answer within the deadline", async () => {
    const { limits, client } = await started([TOKENS], { deadlineMs: 5_000 });
    await limits.stats();
    await client.client("PAUSE", 200);
    expect((await limits.acquire({ tokens: 5 })).requested).toEqual({ tokens: 5 });
  });

  test("a grant that arrives after the deadline is given back", async () => {
    const { limits, server } = await started([TOKENS, DB], { deadlineMs: 50 });
    await limits.stats();
    await clientFor(server).client("PAUSE", 400);
    await expect(limits.acquire({ tokens: 5 })).rejects.toBeInstanceOf(BackendUnavailableError);
    await expect.poll(() => used(limits).catch(() => undefined)).toEqual({ tokens: 0, db: 0 });
  });

  test("a request to a read-only replica rejects within the deadline", async () => {
    const main = await serverFor();
    const replica = await serverFor("--replicaof", "127.0.0.1", String(main.port));
    const limits = setOf({ limits: [TOKENS], client: clientFor(replica), deadlineMs: 200 });
    const error = await limits.acquire({ tokens: 1 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BackendUnavailableError);
  });

  test("a request rejects at once, with the cause, if the key of the set holds something else", async () => {
    const { limits, client } = await started([TOKENS], { deadlineMs: 60_000 });
    await client.set("limitset:{failing}", "mine");
    const error = await limits.acquire({ tokens: 1 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BackendRefusedError);
    expect((error as Error).message).toContain("WRONGTYPE");
    await client.del("limitset:{failing}");
    expect((await limits.acquire({ tokens: 1 })).successful).toBe(true);
  });

  for (const resends of [true, false]) {
    const title = resends ? "sends again by itself" : "gives up";
    test(`a lost answer makes nothing taken or given back twice (the client ${title})`, async () => {
      const server = await serverFor();
      const wire = await Wire.to(server);
      const client = wire.client({
        autoResendUnfulfilledCommands: resends,
        maxRetriesPerRequest: resends ? 20 : 0,
      });
      const limits = setOf({ limits: [TOKENS, DB], client, deadlineMs: 10_000 });
      await limits.stats();
      for (let times = 0; times < 5; times++) {
        wire.loseNextAnswer();
        const acquisition = await limits.acquire({ tokens: 10 });
        expect(await used(limits)).toEqual({ tokens: 10, db: 1 });
        const other = await limits.acquire({ tokens: 20 });
        other.update({ tokens: 0 });
        acquisition.update({ tokens: 0 });
        wire.loseNextAnswer();
        acquisition.release();
        expect(await used(limits)).toEqual({ tokens: 20, db: 1 });
        other.release();
        expect(await used(limits)).toEqual({ tokens: 0, db: 0 });
      }
      expect(wire.lost).toBe(10);
    });
  }

  test("a set with whenAway allow grants all requests uncounted while the server is away", async () => {
    const { limits, server } = await started([TOKENS, DB], { deadlineMs: 100, whenAway: "allow" });
    await limits.acquire({ tokens: 100, db: 0 });
    await server.kill();
    for (let times = 0; times < 3; times++) {
      const acquisition = await limits.acquire({ tokens: 100 });
      expect(acquisition.requested).toEqual({ tokens: 100, db: 1 });
      expect(acquisition.signal.aborted).toBe(false);
      acquisition.release();
    }
    expect((await limits.tryAcquire({ tokens: 1 })).successful).toBe(true);
    expect((await limits.peek({ tokens: 1 })).successful).toBe(true);
    await server.start();
    await expect
      .poll(() => used(limits).catch(() => undefined), { timeout: 5_000 })
      .toEqual({ tokens: 0, db: 0 });
    await limits.acquire({ tokens: 7 });
    expect(await used(limits)).toEqual({ tokens: 7, db: 1 });
  });

  test("a set with whenAway local keeps to its share of the limits while the server is away", async () => {
    const { limits, server } = await started([TOKENS, DB], {
      deadlineMs: 100,
      whenAway: "local",
      localShare: 0.5,
    });
    await limits.stats();
    await server.kill();
    // It is asked of the server still, and answered by the stand-in.
    expect((await limits.peek({ tokens: 50 })).successful).toBe(true);
    const one = await limits.acquire({ tokens: 50 });
    const tried = await limits.tryAcquire({ tokens: 1, db: 0 });
    expect(tried).toMatchObject({ successful: false, limitedBy: ["tokens"] });
    expect(await limits.peek({ tokens: 1, db: 0 })).toMatchObject({
      successful: false,
      limitedBy: ["tokens"],
    });
    await expect(limits.peek({ tokens: 51 })).rejects.toBeInstanceOf(BackendUnavailableError);
    const waiter = limits.acquire({ tokens: 0 });
    one.update({ tokens: 1 });
    one.release();
    expect((await waiter).requested).toEqual({ db: 1 });
    await expect(limits.acquire({ tokens: 51 })).rejects.toBeInstanceOf(BackendUnavailableError);
    await server.start();
    await expect
      .poll(
        () =>
          limits.acquire({ tokens: 51 }).then(
            (got) => got.requested,
            () => undefined,
          ),
        { timeout: 5_000 },
      )
      .toEqual({ tokens: 51, db: 1 });
  });

  test("a waiter is granted by the stand-in when the server goes away", async () => {
    const { limits, server } = await started([DB], { deadlineMs: 100, whenAway: "allow" });
    await limits.acquire({ db: 2 });
    const waiter = limits.acquire({ db: 1 });
    await limits.stats();
    await server.kill();
    limits.stats().catch(() => {});
    expect((await waiter).requested).toEqual({ db: 1 });
  });

  test("a signal ends the wait for a server that does not answer", async () => {
    const { limits, server } = await started([TOKENS], { deadlineMs: 300 });
    await limits.stats();
    await server.kill();
    const controller = new AbortController();
    const waiter = limits.acquire({ tokens: 1 }, { signal: controller.signal });
    await sleep(20);
    controller.abort(new Error("enough"));
    await expect(waiter).rejects.toThrow("enough");
  });

  test("close does not wait for long for a server that is away", async () => {
    const { limits, server } = await started([DB], { deadlineMs: 100 });
    await limits.acquire();
    const waiter = limits.acquire({ db: 2 });
    waiter.catch(() => {});
    await server.kill();
    const before = performance.now();
    await limits.close();
    expect(performance.now() - before).toBeLessThan(3_000);
    await expect(waiter).rejects.toMatchObject({ code: "ERR_LIMIT_SET_CLOSED" });
  });
});
