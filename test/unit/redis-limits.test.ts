/** Definitions that the script on a server does not know yet are refused before any of it is asked. */
import { expect, test } from "vitest";
import { CallLimit, InvalidLimitError, type Limit, RateLimit } from "../../src/index.ts";
import { RedisLimitSet } from "../../src/redis/index.ts";

const RATE = { key: "tokens", capacity: 10, windowMs: 1000 } as const;

const REFUSED: readonly (readonly [field: string, limit: Limit])[] = [
  ["counts", new RateLimit({ ...RATE, counts: "words" })],
  ["key", new CallLimit({ key: "calls", capacity: 10, windowMs: 1000 })],
  ["capacity", new RateLimit({ ...RATE, capacity: Number.POSITIVE_INFINITY })],
  ["initial", new RateLimit({ ...RATE, initial: 0 })],
  ["enforce", new RateLimit({ ...RATE, enforce: false })],
  ["per", new RateLimit({ ...RATE, per: "user" })],
  ["every", new CallLimit({ capacity: 10, every: "day", algorithm: "fixed-window" })],
];

test.each(REFUSED)("a RedisLimitSet refuses %s, and names it", (field, limit) => {
  const client = new Proxy({}, { get: () => () => expect.unreachable("the client is left alone") });
  const make = () => new RedisLimitSet<string>({ name: "x", client: client as never, limits: [limit] });
  expect(make).toThrow(InvalidLimitError);
  expect(make).toThrow(`${field} of ${JSON.stringify(limit.key)}`);
});
