/** Clients that are none: what they lack is said. */
import { BackendRefusedError, CallLimit } from "limitset";
import { type RedisClient, RedisLimitSet } from "limitset/redis";
import { expect, onTestFinished, test } from "vitest";

// Its types are those of another version of ioredis.
const MOCK: string = "ioredis-mock";

function setOf(client: RedisClient): RedisLimitSet<"call_count"> {
  const limits = [new CallLimit({ capacity: 10, windowMs: 1_000 })];
  const set = new RedisLimitSet({ name: "pretended", limits, client, deadlineMs: 60_000 });
  onTestFinished(() => void set.close());
  return set;
}

test("a set on ioredis-mock rejects at once, and the error says what the mock lacks", async () => {
  const { default: Mock } = (await import(MOCK)) as { default: new () => RedisClient };
  const error = await setOf(new Mock())
    .acquire()
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(BackendRefusedError);
  expect((error as Error).message).toMatch(/ioredis-mock.*lacks whole numbers above 2\^31.*real server/);
  expect((error as Error).cause).toBeInstanceOf(Error);
});

test("a client that lacks methods is an error that names them", () => {
  const client = { eval: () => {}, duplicate: () => {} } as unknown as RedisClient;
  expect(() => setOf(client)).toThrow(
    /client must be one of ioredis, iovalkey, node-redis or @upstash\/redis.*it has no evalsha$/,
  );
  expect(() => setOf({} as RedisClient)).toThrow(/it has no evalsha, no eval, no duplicate$/);
});
