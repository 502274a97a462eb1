/** Sets and acquisitions as they print: programs log them, and assertions that fail print them. */
import { inspect } from "node:util";
import { MessageChannel } from "node:worker_threads";
import { expect, test } from "vitest";
import { CallLimit, LimitSet } from "../../src/index.ts";
import { connectLimits, serveLimits } from "../../src/port/index.ts";
import { RedisLimitSet } from "../../src/redis/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { calls, rate, resource } from "../conformance/tools.ts";

const clock = new ManualClock();
const printed = (value: unknown) => inspect(value, { breakLength: Number.POSITIVE_INFINITY });

test("a set prints as its keys and its waiters", () => {
  const set = new LimitSet({ limits: [rate("tokens", 10, 1000), resource("db", 1)], clock });
  expect(printed(set)).toBe("LimitSet { keys: [ 'tokens', 'db' ], waiting: 0 }");
  set.close();
  expect(printed(set)).toBe("LimitSet { keys: [ 'tokens', 'db' ], waiting: 0 }");
});

test("a set of a class of the program prints with the name of that class", () => {
  class Budget extends LimitSet<"tokens"> {}
  expect(printed(new Budget({ limits: [rate("tokens", 10, 1000)], clock }))).toMatch(/^Budget \{ keys/);
});

test("a view prints as its names and its tier", () => {
  const tiers = { pro: { capacity: 100 } };
  const set = new LimitSet({
    limits: [new CallLimit({ capacity: 2, windowMs: 1000, per: "user", tiers })],
    clock,
  });
  const pro = set.for({ user: "alice" }, { tier: "pro" });
  expect(printed(pro)).toBe(
    "LimitSetView { keys: [ 'call_count' ], names: { user: 'alice' }, tier: 'pro', waiting: 0 }",
  );
});

test("an acquisition prints as what it has taken, and a refusal as the reason", () => {
  const set = new LimitSet({ limits: [calls(10, 1000), resource("db", 1)], clock });
  const held = set.tryAcquire();
  expect(printed(held)).toBe(
    "Acquisition { successful: true, requested: { call_count: 1, db: 1 }, waitedMs: 0 }",
  );
  expect(printed(set.tryAcquire())).toBe(
    "Acquisition { successful: false, retryAfterMs: Infinity, limitedBy: [ 'db' ], ahead: 0 }",
  );
});

test("a set elsewhere prints as short, also before its host has described it", async () => {
  const { port1, port2 } = new MessageChannel();
  serveLimits(new LimitSet({ limits: [calls(10, 1000)], clock }), port1);
  const connected = connectLimits(port2);
  expect(printed(connected)).toMatch(/^\w+ \{( waiting: 0 )?\}$/);
  await connected.stats();
  expect(printed(connected)).toMatch(/^\w+ \{ keys: \[ 'call_count' \]/);
  expect(printed(await connected.tryAcquire())).toMatch(/^Acquisition \{/);
  await connected.close();
  expect(printed(Object.create(RedisLimitSet.prototype))).toBe("RedisLimitSet {}");
});

test("a runtime that tells of no way to print gets the facts", () => {
  const set = new LimitSet({ limits: [calls(10, 1000)], clock });
  const print = (set as never as Record<symbol, () => unknown>)[Symbol.for("nodejs.util.inspect.custom")]!;
  expect(print.call(set)).toEqual({ keys: ["call_count"], waiting: 0 });
});
