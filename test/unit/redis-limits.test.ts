/** Definitions that the script on a server does not know yet are refused before any of it is asked. */
import { expect, test } from "vitest";
import { InvalidLimitError, type Limit, RateLimit } from "../../src/index.ts";
import { RedisLimitSet } from "../../src/redis/index.ts";

const RATE = { key: "tokens", capacity: 10, windowMs: 1000 } as const;

const REFUSED: readonly (readonly [field: string, limit: Limit])[] = [
  ["per", new RateLimit({ ...RATE, per: "user" })],
];

test.each(REFUSED)("a RedisLimitSet refuses %s, and names it", (field, limit) => {
  const client = new Proxy({}, { get: () => () => expect.unreachable("the client is left alone") });
  const make = () => new RedisLimitSet<string>({ name: "x", client: client as never, limits: [limit] });
  expect(make).toThrow(InvalidLimitError);
  expect(make).toThrow(`${field} of ${JSON.stringify(limit.key)}`);
});
