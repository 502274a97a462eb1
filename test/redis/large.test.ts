/** Sets of many sessions and of many limits: each call of the script does all that it is asked, or changes nothing. */
import type { Redis } from "ioredis";
import { InvalidLimitError, RateLimit, ResourceLimit } from "limitset";
import { RedisLimitSet } from "limitset/redis";
import { expect, onTestFinished, test } from "vitest";
import { wholeCall } from "../../src/redis/call.ts";
import { Definitions } from "../../src/redis/definitions.ts";
import { nameOfScript, script } from "../../src/redis/script/index.ts";
import { clientFor, describeRedis, serverFor } from "./server.ts";

const sha = await nameOfScript();

const HOUR = 3_600_000;
const LEASE_MS = 600_000;

function open<K extends string>(
  client: Redis,
  limits: readonly (RateLimit<K> | ResourceLimit<K>)[],
  more = {},
) {
  const set = new RedisLimitSet<K>({
    name: "large",
    client,
    limits,
    leaseMs: LEASE_MS,
    deadlineMs: 30_000,
    missingUpdate: "charge",
    ...more,
  });
  onTestFinished(() => set.close());
  return set;
}

/** Takes one token and one slot in each of so many sessions, as so many processes would. */
async function crowd(client: Redis, limits: readonly (RateLimit | ResourceLimit)[], sessions: number) {
  const definitions = new Definitions(limits);
  await client.script("LOAD", script);
  const pipeline = client.pipeline();
  const request = `T${definitions.indexes.map((index) => `${index}:1`)}`;
  for (let i = 0; i < sessions; i++) {
    const caller = { definitions, session: `peer${i}`, seq: 1 };
    const call = wholeCall(caller, { leaseUs: LEASE_MS * 1000 }, [request]);
    pipeline.evalsha(sha, 1, "limitset:{large}", ...call);
  }
  for (const [error, answer] of (await pipeline.exec())!)
    expect([error, answer]).toEqual([null, expect.stringMatching(/^ok 1 /)]);
}

describeRedis("a large set", () => {
  test("redefine keeps what 5,000 sessions have taken", async () => {
    const client = clientFor(await serverFor());
    const tokens = (capacity: number) => new RateLimit({ key: "tokens", capacity, windowMs: 1000 * HOUR });
    const slots = (capacity: number) => new ResourceLimit({ key: "slots", capacity });
    const gone = new RateLimit({ key: "gone", capacity: 5_000, windowMs: 1000 * HOUR });
    await crowd(client, [gone, tokens(5_000), slots(5_000)], 5_000);
    const two = open(client, [tokens(6_000), slots(6_000)], { version: 1 });
    expect(await two.stats()).toMatchObject({ tokens: { used: 5_000 }, slots: { used: 5_000 } });
    expect((await two.tryAcquire({ tokens: 1001, slots: 1 })).limitedBy).toEqual(["tokens"]);
    expect((await two.tryAcquire({ tokens: 1, slots: 1001 })).limitedBy).toEqual(["slots"]);
    // The first limit of the old definitions is the second of the new ones: nothing of it is left.
    expect(await client.hexists("limitset:{large}", "3")).toBe(0);
  });

  test("redefine ends the sessions whose lease is over", async () => {
    const client = clientFor(await serverFor());
    const limits = (capacity: number) => [new ResourceLimit({ key: "slots", capacity })];
    const clock = { now: () => 1_700_000_000_000, setTimeout: () => 0, clearTimeout: () => {} };
    const one = open(client, limits(4), { clock });
    await one.acquire({ slots: 3 });
    const later = { ...clock, now: () => 1_700_000_000_000 + LEASE_MS };
    const two = open(client, limits(5), { clock: later, version: 1 });
    expect(await two.stats()).toMatchObject({ slots: { used: 0, capacity: 5 } });
    const names = await client.hkeys("limitset:{large}");
    // That of the process which has redefined the set is alive.
    expect(names.filter((name) => name.startsWith("s"))).toHaveLength(1);
  });

  test("a refund after redefine does not let the debt leak twice", async () => {
    const client = clientFor(await serverFor());
    const limits = (capacity: number) => [
      new RateLimit({ key: "tokens", capacity, windowMs: 1000 * capacity }),
    ];
    let now = 1_700_000_000_000;
    const clock = { now: () => now, setTimeout: () => 0, clearTimeout: () => {} };
    const one = open(client, limits(100), { clock });
    await one.acquire({ tokens: 100 });
    now += 50_000;
    const two = open(client, limits(200), { clock, version: 1 });
    expect((await two.stats()).tokens.used).toBe(50);
    const name = (await client.hkeys("limitset:{large}")).find((field) => field.startsWith("n"))!;
    const definitions = { name, text: "", json: "", beginsBelow: false } as Definitions;
    const caller = { definitions, session: "peer", seq: 1, reading: now * 1000 };
    const settlement = `S${(now - 50_000) * 1000} 1:-1`;
    const call = wholeCall(caller, { leaseUs: LEASE_MS * 1000, isBrought: false }, [settlement]);
    await client.evalsha(sha, 1, "limitset:{large}", ...call);
    // The reservation still gives back one of the 50 that are left.
    expect((await two.stats()).tokens.used).toBe(49);
  });

  test("a call that the server refuses for want of memory changes nothing", async () => {
    const client = clientFor(await serverFor());
    const limits = (capacity: number) => [
      new RateLimit({ key: "tokens", capacity, windowMs: HOUR }),
      new ResourceLimit({ key: "slots", capacity }),
    ];
    const one = open(client, limits(10), { deadlineMs: 200 });
    await one.acquire({ tokens: 4, slots: 2 });
    const before = await client.hgetall("limitset:{large}");
    await client.config("SET", "maxmemory", "1");
    const two = open(client, limits(20), { version: 1, deadlineMs: 200 });
    const refused = await Promise.allSettled([two.acquire({ tokens: 1 }), one.acquire({ tokens: 1 })]);
    const reason = expect.objectContaining({ code: "ERR_BACKEND_UNAVAILABLE" });
    expect(refused).toEqual([
      { status: "rejected", reason },
      { status: "rejected", reason },
    ]);
    expect(await client.hgetall("limitset:{large}")).toEqual(before);
    await client.config("SET", "maxmemory", "0");
  });

  test("a set of 5,000 limits takes from all of them, reads them and gives back", {
    timeout: 60_000,
  }, async () => {
    const client = clientFor(await serverFor());
    const limits = Array.from({ length: 5_000 }, (_, i) =>
      i % 2
        ? new ResourceLimit({ key: `slots ${i}`, capacity: 2 })
        : new RateLimit({ key: `tokens ${i}`, capacity: 2, windowMs: 1000 * HOUR }),
    );
    const set = open<string>(client, limits);
    const all = Object.fromEntries(limits.map(({ key }) => [key, 2]));
    const acquisition = await set.acquire(all);
    const used = async () => new Set(Object.values(await set.stats()).map((stats) => stats.used));
    expect(await used()).toEqual(new Set([2]));
    expect((await set.tryAcquire(all)).limitedBy).toHaveLength(5_000);
    acquisition.update(
      Object.fromEntries(limits.flatMap(({ key, type }) => (type === "rate" ? [[key, 0]] : []))),
    );
    acquisition.release();
    expect(await used()).toEqual(new Set([0]));
    await set.acquire(all);
    const larger = limits.map((limit) =>
      limit.type === "rate" ? new RateLimit({ ...limit, capacity: 3 }) : limit,
    );
    const two = open<string>(client, larger, { version: 1 });
    expect(new Set(Object.values(await two.stats()).map((stats) => stats.used))).toEqual(new Set([2]));
  });

  test("a set of more limits than the script takes is an error that says how many it may have", () => {
    const limits = Array.from({ length: 5_001 }, (_, i) => new ResourceLimit({ key: `${i}`, capacity: 1 }));
    const client = { evalsha: async () => "", eval: async () => "", duplicate: () => ({}) };
    const error = (() => {
      try {
        new RedisLimitSet({ name: "x", client, limits });
      } catch (thrown) {
        return thrown;
      }
      return undefined;
    })();
    expect(error).toBeInstanceOf(InvalidLimitError);
    expect(error).toMatchObject({ field: "limits", bounds: expect.stringContaining("5000") });
  });
});
