/** A server that is away, slow, restarting, readonly, or forgets the script; a network that loses answers. */
import { setTimeout as sleep } from "node:timers/promises";
import { BackendUnavailableError, type LimitLike, RateLimit, ResourceLimit } from "limitset";
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
  test("a server that has forgotten the script is taught it again", async () => {
    const { limits, client } = await started([TOKENS, DB]);
    const acquisition = await limits.acquire({ tokens: 40 });
    await client.script("FLUSH");
    acquisition.update({ tokens: 10 });
    acquisition.release();
    expect(await used(limits)).toEqual({ tokens: 10, db: 0 });
    await client.script("FLUSH");
    expect((await limits.tryAcquire({ tokens: 91 })).limitedBy).toEqual(["tokens"]);
  });

  test("who waits survives a restart, and requests pass again", async () => {
    const { limits, server } = await started([DB], { leaseMs: 400 });
    const holder = await limits.acquire({ db: 2 });
    const lost = new Promise((resolve) => holder.signal.addEventListener("abort", resolve));
    const waiter = limits.acquire({ db: 1 });
    await limits.stats();
    await server.kill();
    await sleep(200);
    await server.start();
    // It has come back empty: what was held is not.
    expect((await waiter).requested).toEqual({ db: 1 });
    await lost;
    expect(await used(limits)).toEqual({ db: 1 });
  });

  for (const clientOptions of [{}, { maxRetriesPerRequest: null }, { enableOfflineQueue: false }]) {
    test(`away, it is an error within the deadline (${JSON.stringify(clientOptions)})`, async () => {
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

  test("a server that never was is an error within the deadline", async () => {
    const server = await serverFor();
    await server.kill();
    const limits = setOf({ limits: [TOKENS], client: clientFor(server), deadlineMs: 100 });
    await expect(limits.acquire({ tokens: 1 })).rejects.toBeInstanceOf(BackendUnavailableError);
  });

  test("a slow answer within the deadline is an answer", async () => {
    const { limits, client } = await started([TOKENS], { deadlineMs: 5_000 });
    await limits.stats();
    await client.client("PAUSE", 200);
    expect((await limits.acquire({ tokens: 5 })).requested).toEqual({ tokens: 5 });
  });

  test("what is granted after the deadline is given back", async () => {
    const { limits, server } = await started([TOKENS, DB], { deadlineMs: 50 });
    await limits.stats();
    await clientFor(server).client("PAUSE", 400);
    await expect(limits.acquire({ tokens: 5 })).rejects.toBeInstanceOf(BackendUnavailableError);
    await expect.poll(() => used(limits).catch(() => undefined)).toEqual({ tokens: 0, db: 0 });
  });

  test("a replica that may not be written to is an error within the deadline", async () => {
    const main = await serverFor();
    const replica = await serverFor("--replicaof", "127.0.0.1", String(main.port));
    const limits = setOf({ limits: [TOKENS], client: clientFor(replica), deadlineMs: 200 });
    const error = await limits.acquire({ tokens: 1 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BackendUnavailableError);
  });

  test("a key that is something else is an error at once, with its cause", async () => {
    const { limits, client } = await started([TOKENS], { deadlineMs: 60_000 });
    await client.set("limitset:{failing}", "mine");
    const error = await limits.acquire({ tokens: 1 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BackendUnavailableError);
    expect((error as Error).message).toContain("WRONGTYPE");
    await client.del("limitset:{failing}");
    expect((await limits.acquire({ tokens: 1 })).successful).toBe(true);
  });

  for (const resends of [true, false]) {
    const title = resends ? "sends again by itself" : "gives up";
    test(`an answer that is lost: nothing is taken twice, nothing comes back twice (the client ${title})`, async () => {
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

  test("allowed while it is away, requests pass uncounted", async () => {
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
    await server.start();
    await expect
      .poll(() => used(limits).catch(() => undefined), { timeout: 5_000 })
      .toEqual({ tokens: 0, db: 0 });
    await limits.acquire({ tokens: 7 });
    expect(await used(limits)).toEqual({ tokens: 7, db: 1 });
  });

  test("locally while it is away, a share of the limits holds", async () => {
    const { limits, server } = await started([TOKENS, DB], {
      deadlineMs: 100,
      whenAway: "local",
      localShare: 0.5,
    });
    await limits.stats();
    await server.kill();
    const one = await limits.acquire({ tokens: 50 });
    const tried = await limits.tryAcquire({ tokens: 1, db: 0 });
    expect(tried).toMatchObject({ successful: false, limitedBy: ["tokens"] });
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

  test("whoever waits when it goes away is served by the stand-in too", async () => {
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

  test("closing does not wait for long for a server that is away", async () => {
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
