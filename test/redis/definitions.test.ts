/** The definitions of a set on the server, and the options of `RedisLimitSet`. */
import { InvalidLimitError, InvalidRequestError, type LimitLike, RateLimit, ResourceLimit } from "limitset";
import { DefinitionMismatchError, RedisLimitSet, type RedisLimitSetOptions } from "limitset/redis";
import { ManualClock } from "limitset/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { clientFor, describeRedis, serverFor } from "./server.ts";

const rate = (key: string, capacity: number, windowMs = 60_000) => new RateLimit({ key, capacity, windowMs });
const used = async (limits: RedisLimitSet<string>) =>
  Object.fromEntries(Object.entries(await limits.stats()).map(([key, stats]) => [key, stats.used]));
const DB = new ResourceLimit({ key: "db", capacity: 4 });

describeRedis("definitions", () => {
  async function opener() {
    const client = clientFor(await serverFor());
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

  test("a set with other limits under the same name rejects with the limits of the server, and changes nothing", async () => {
    const open = await opener();
    const one = open([rate("a", 10)]);
    await one.acquire({ a: 3 });
    for (const limits of [[rate("a", 11)], [rate("a", 10, 1000)], [rate("a", 10), DB], [rate("b", 10)]]) {
      const error = await open(limits)
        .acquire({ [limits[0]!.key]: 1 })
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(DefinitionMismatchError);
      expect((error as Error).message).toContain('"a" token-bucket 10 per 60000 ms');
    }
    await expect(open([rate("a", 11)]).stats()).rejects.toBeInstanceOf(DefinitionMismatchError);
    expect(await used(one)).toEqual({ a: 3 });
  });

  test("a set with redefine replaces the limits, keeps what is in use, and lets other sets reject", async () => {
    const open = await opener();
    const algorithms = ["token-bucket", "gcra", "leaky-bucket", "sliding-window", "fixed-window"] as const;
    const limits = (capacity: number, windowMs: number) => [
      ...algorithms.map((algorithm) => new RateLimit({ key: algorithm, capacity, windowMs, algorithm })),
      new ResourceLimit({ key: "db", capacity }),
    ];
    const amounts = Object.fromEntries(algorithms.map((algorithm) => [algorithm, 6]));
    const one = open(limits(10, 60_000));
    const held = await one.acquire({ ...amounts, db: 3 });
    const two = open([...limits(20, 90_000), rate("new", 5)], { redefine: true });
    const stats = await two.stats();
    for (const key of algorithms) expect(stats[key]).toMatchObject({ used: 6, capacity: 20 });
    expect(stats).toMatchObject({ db: { used: 3, capacity: 20 }, new: { used: 0 } });
    await expect(one.acquire({ db: 1 })).rejects.toBeInstanceOf(DefinitionMismatchError);
    expect(held.signal.aborted).toBe(false);
    // `redefine` replaces the limits once. After that, a set rejects when another one has redefined them.
    const three = open(limits(30, 60_000), { redefine: true });
    await three.stats();
    await expect(two.stats()).rejects.toBeInstanceOf(DefinitionMismatchError);
  });

  test("a resource that is redefined with a smaller capacity refuses until enough is released", async () => {
    const open = await opener();
    const one = open([new ResourceLimit({ key: "db", capacity: 4 })]);
    await one.acquire({ db: 3 });
    const two = open([new ResourceLimit({ key: "db", capacity: 2 })], { redefine: true });
    expect((await two.tryAcquire({ db: 1 })).successful).toBe(false);
    await one.close();
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
