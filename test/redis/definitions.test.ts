/** The definitions of a set on the server, and the options of `RedisLimitSet`. */
import { InvalidLimitError, InvalidRequestError, type LimitLike, RateLimit, ResourceLimit } from "limitset";
import { DefinitionMismatchError, RedisLimitSet, type RedisLimitSetOptions } from "limitset/redis";
import { ManualClock } from "limitset/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Redefinition } from "../../src/limits/era.ts";
import { Definitions } from "../../src/redis/definitions.ts";
import { clientFor, describeRedis, type RedisServer, serverFor } from "./server.ts";

const rate = (key: string, capacity: number, windowMs = 60_000) => new RateLimit({ key, capacity, windowMs });
const used = async (limits: RedisLimitSet<string>) =>
  Object.fromEntries(Object.entries(await limits.stats()).map(([key, stats]) => [key, stats.used]));
const DB = new ResourceLimit({ key: "db", capacity: 4 });

describeRedis("definitions", () => {
  async function opener(server?: RedisServer) {
    const client = clientFor(server ?? (await serverFor()));
    const clock = new ManualClock();
    return (limits: readonly LimitLike<string>[], options: Partial<RedisLimitSetOptions<string>> = {}) => {
      const set = new RedisLimitSet<string>({
        name: "one",
        client,
        clock,
        limits,
        missingUpdate: "charge",
        ...options,
      });
      onTestFinished(() => set.close());
      return set;
    };
  }

  test("sets with the same limits in another order share their state", async () => {
    const open = await opener();
    const one = open([rate("a", 10), rate("b", 20), DB]);
    const two = open([DB, rate("b", 20), rate("a", 10)]);
    await one.acquire({ a: 3, b: 5 });
    expect(await used(two)).toEqual({ a: 3, b: 5, db: 1 });
    expect((await two.tryAcquire({ a: 8, b: 16 })).limitedBy).toEqual(["b", "a"]);
  });

  test("of one version, the limits of the process that came later count for all, with one warning", async () => {
    const open = await opener();
    const warnings: unknown[] = [];
    const one = open([rate("a", 10)]);
    await one.acquire({ a: 3 });
    const two = open([rate("a", 20), rate("b", 5)], { onWarning: (warning) => warnings.push(warning) });
    expect(await used(two)).toEqual({ a: 3, b: 0 });
    expect(warnings).toMatchObject([{ code: "WARN_SAME_VERSION", version: 0 }]);
    expect(await used(one)).toEqual({ a: 3, b: 0 });
    expect(one.keys).toEqual(["a", "b"]);
    expect((await one.tryAcquire({ a: 17, b: 5 })).successful).toBe(true);
    expect((await two.tryAcquire({ a: 1, b: 0 })).limitedBy).toEqual(["a"]);
    expect(warnings).toHaveLength(1);
  });

  test("the limits of the higher version count for all, whichever process comes first", async () => {
    for (const order of [
      [1, 2],
      [2, 1],
    ]) {
      const open = await opener();
      const onWarning = () => expect.unreachable();
      const sets = order.map((version) => open([rate("a", 10 * version)], { version, onWarning }));
      for (const set of sets) await set.acquire({ a: 3 });
      for (const set of sets) {
        expect((await set.stats())["a"]).toMatchObject({ used: 6, capacity: 20 });
        expect(set.get("a").capacity).toBe(20);
      }
    }
  });

  test("acquisitions and waiters from before go on under the limits of a higher version", async () => {
    const open = await opener();
    const one = open([DB, rate("a", 10)]);
    const held = await one.acquire({ a: 6, db: 4 });
    const settled: string[] = [];
    const waits = (requested: Record<string, number>, name: string) =>
      one.acquire(requested).then(
        (granted) => settled.push(`${name} ${JSON.stringify(granted.requested)}`),
        (error) => settled.push(`${name} ${error.code}`),
      );
    const waiters = [waits({ a: 8, db: 0 }, "all"), waits({ a: 1, db: 3 }, "slots"), waits({ a: 5 }, "some")];
    await one.stats();
    const two = open([rate("a", 15), new ResourceLimit({ key: "db", capacity: 2 })], { version: 1 });
    expect(await used(two)).toEqual({ a: 6, db: 4 });
    await waiters[0];
    held.update({ a: 2 });
    held.release();
    await Promise.all(waiters);
    expect(settled).toEqual(["slots ERR_INVALID_REQUEST", 'all {"a":8}', 'some {"a":5,"db":1}']);
    expect(held.signal.aborted).toBe(false);
    expect(await used(two)).toEqual({ a: 15, db: 1 });
  });

  test("a server that has lost the limits of the higher version gets them again", async () => {
    const server = await serverFor();
    const open = await opener(server);
    const one = open([rate("a", 10)], { version: 1 });
    const two = open([rate("a", 20)], { version: 2 });
    for (const set of [one, two]) await set.stats();
    await clientFor(server).flushall();
    const late = open([rate("a", 10)], { version: 1 });
    await late.acquire({ a: 4 });
    expect((await late.stats())["a"]!.capacity).toBe(10);
    for (const set of [two, one, late])
      expect((await set.stats())["a"]).toMatchObject({ capacity: 20, used: 4 });
  });

  test("two processes that redefine at once do so one after the other", async () => {
    const open = await opener();
    const sets = [open([rate("a", 10)]), open([rate("a", 10)])];
    await sets[0]!.acquire({ a: 4 });
    await sets[1]!.stats();
    const double: Redefinition = (current) =>
      current.map((each) => ({ ...each, capacity: 2 * each.capacity }));
    await Promise.all(sets.map((set) => set.redefine(double)));
    for (const set of sets) expect((await set.stats())["a"]).toMatchObject({ capacity: 40, used: 4 });
  });

  test("a redefinition whose answer is lost is done once", async () => {
    const server = await serverFor();
    const client = clientFor(server);
    const evalsha = client.evalsha.bind(client) as (...args: unknown[]) => Promise<unknown>;
    let losses = 0;
    client.evalsha = (async (...args: unknown[]) => {
      const answer = await evalsha(...args);
      // A whole call that has a redefinition.
      if (!args[9] || losses++ > 0) return answer;
      throw new Error("the connection is lost");
    }) as never;
    const open = await opener(server);
    const one = open([rate("a", 10)], { client });
    await one.acquire({ a: 6 });
    await one.redefine([rate("a", 30)], { inherit: "available" });
    expect(losses).toBeGreaterThan(0);
    expect((await one.stats())["a"]).toMatchObject({ capacity: 30, used: 26 });
    await one.redefine([rate("a", 40)], { inherit: "proportional" });
    expect((await one.stats())["a"]).toMatchObject({ capacity: 40, used: 35 });
  });

  test("a pause and the totals outlast a redefinition", async () => {
    const open = await opener();
    const one = open([rate("a", 10), rate("b", 10)]);
    await one.acquire({ a: 1, b: 1 });
    await one.pause(5000, ["b"]);
    await one.redefine([rate("b", 20), rate("c", 5)]);
    expect((await one.stats())["b"]).toMatchObject({ granted: 1, used: 1, retryAfterMs: 5000 });
    expect((await one.tryAcquire({ b: 0, c: 1 })).successful).toBe(true);
  });

  test("limits that a process of an earlier version of this library has written are left alone", async () => {
    const server = await serverFor();
    const client = clientFor(server);
    const text = '0 10 60000000 6000000 1 450359962 1 0 10 ["a","rate",1]';
    await client.hset("limitset:{one}", "d", text, "1", "0 0 0");
    const open = await opener(server);
    const error = await open([rate("a", 10)])
      .acquire({ a: 1 })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DefinitionMismatchError);
    expect((error as Error).message).toContain('"a" token-bucket 10 per 60000 ms');
    expect(await client.hgetall("limitset:{one}")).toEqual({ d: text, "1": "0 0 0" });
  });

  test.each([
    ["v2", "0 1b2 3d4", (json: string) => ({ E: json, t: "5", x: "6", "1": "0 0 0", sme: "9 1 - ok" })],
    ["v3", "0 b1b2.3d4", (json: string) => ({ J: json, "b1b2.3d4": "numbers", sme: "numbers" })],
  ])(
    "a set in the earlier format %s, with the same limits, is left alone and named in the error",
    async (format, name, states) => {
      const server = await serverFor();
      const client = clientFor(server);
      const { text, json } = new Definitions([rate("a", 10)]);
      const earlier = text.replaceAll(" v4 ", ` ${format} `).replace(/"0 n[\w-]+"/, `"${name}"`);
      expect(earlier).toContain(`"${name}"`);
      const fields = { d: earlier, ...states(json) };
      await client.hset("limitset:{one}", fields);
      const open = await opener(server);
      const error = await open([rate("a", 10)])
        .acquire({ a: 1 })
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(DefinitionMismatchError);
      expect((error as Error).message).toContain('"a" token-bucket 10 per 60000 ms');
      expect(await client.hgetall("limitset:{one}")).toEqual(fields);
    },
  );

  test("a process of an earlier version of this library finds no limits that it could take for its own", async () => {
    const server = await serverFor();
    const client = clientFor(server);
    const open = await opener(server);
    await open([rate("a", 10), DB]).acquire({ a: 1 });
    // What the earlier version reads: its definitions as text, their JSON, which it follows, and its states.
    const [text, json, latest, state] = await client.hmget("limitset:{one}", "d", "E", "t", "1");
    expect(text).toMatch(/^(\d+ ){9}v4 /);
    expect([json, latest, state]).toEqual([null, null, null]);
  });

  test("a process of an earlier version of this library can read that the limits are of a later one", () => {
    const [head, ...lines] = new Definitions([rate("a", 10), DB]).text.split("\n");
    for (const line of [head!, ...lines]) {
      expect(line).toMatch(/^(\d+ ){9}v4 /);
      expect(JSON.parse(line.slice(line.indexOf("[")))).toHaveProperty("length");
    }
    expect(head).toContain('"a limit of a later version of limitset"');
  });
});

describe("options", () => {
  const client = { evalsha: async () => "", eval: async () => "", duplicate: () => ({}) };
  const base = { name: "x", client, limits: [DB] };

  test.each([
    ["name", ""],
    ["name", 7],
    ["leaseMs", 0],
    ["leaseMs", Number.NaN],
    ["leaseMs", Number.POSITIVE_INFINITY],
    ["leaseMs", "1000"],
    ["deadlineMs", 0],
    ["deadlineMs", Number.NaN],
    ["deadlineMs", 2 ** 31],
    ["whenAway", "ignore"],
    ["missingUpdate", "forget"],
    ["localShare", 0.5],
    ["redefine", true],
  ])("the option %s of %s is an error that names the option", (field, value) => {
    const error = (() => {
      try {
        new RedisLimitSet({ ...base, [field]: value } as never);
      } catch (thrown) {
        return thrown;
      }
      return undefined;
    })();
    expect(error).toBeInstanceOf(InvalidLimitError);
    expect((error as InvalidLimitError).field).toBe(field);
  });

  test.each([undefined, 0, -0.1, 1.1, Number.NaN])("a local share of %s is an error", (localShare) => {
    const options = { ...base, whenAway: "local", localShare } as never;
    expect(() => new RedisLimitSet(options)).toThrow(InvalidLimitError);
  });

  test.each([undefined, null, {}, "redis://127.0.0.1", { evalsha: 1 }])(
    "%s as a client is an error",
    (none) => {
      expect(() => new RedisLimitSet({ ...base, client: none as never })).toThrow(InvalidRequestError);
    },
  );

  test("an acquire rejects if the server gives an answer that makes no sense", async () => {
    const broken = { ...client, evalsha: async () => "what?" };
    const limits = new RedisLimitSet({ ...base, client: broken, deadlineMs: 100 });
    await expect(limits.acquire()).rejects.toMatchObject({ code: "ERR_BACKEND_UNAVAILABLE" });
  });
});
