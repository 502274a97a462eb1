/** A program that has added properties to `Object.prototype`: old libraries do so. */
import { MessageChannel } from "node:worker_threads";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LimitSet } from "../../src/index.ts";
import { connectLimits, serveLimits } from "../../src/port/index.ts";
import { calls, failure, rate, resource } from "../conformance/tools.ts";

const added = Object.prototype as { foo?: unknown; bar?: unknown };

beforeEach(() => {
  added.foo = 5;
  added.bar = () => {};
});

afterEach(() => {
  delete added.foo;
  delete added.bar;
});

const make = () => new LimitSet({ limits: [calls(10, 1000), rate("tokens", 10, 1000), resource("db", 2)] });

test("a set takes, settles and tells as ever", async () => {
  const limits = make();
  const { signal } = new AbortController();
  const outer = await limits.acquire({ tokens: 4 }, { timeoutMs: 100, signal });
  expect(Object.keys(outer.requested)).toEqual(["call_count", "tokens", "db"]);
  const inner = await outer.acquire({ tokens: 2 }, { timeoutMs: 0 });
  inner.update({ tokens: 1 });
  inner.release();
  outer.update({ tokens: 1, call_count: 0 });
  outer.release();
  limits.acquireSync({ tokens: 1 }, { timeoutMs: 5 });
  expect(limits.tryAcquire({ tokens: 9 }).successful).toBe(false);
  expect(await limits.run({ tokens: 0 }, async () => "ran")).toBe("ran");
  expect(limits.stats().db.used).toBe(1);
});

test("a name that is really given, and that no limit has, is an error still", async () => {
  const limits = make();
  expect((await failure(() => limits.acquire({ tokens: 1, foo: 1 } as never))).message).toContain('"foo"');
  expect((await failure(() => limits.acquire({}))).message).toContain('name the amount of "tokens"');
  expect((await failure(() => limits.acquire({ tokens: 1 }, { foo: 1 } as never))).message).toContain(
    "foo must be",
  );
});

test("a connected set does so too", async () => {
  const limits = make();
  const { port1, port2 } = new MessageChannel();
  serveLimits(limits, port1);
  const connected = connectLimits<"call_count" | "tokens" | "db">(port2);
  const held = await connected.acquire({ tokens: 4 }, { timeoutMs: 100 });
  held.update({ tokens: 1 });
  held.release();
  expect((await connected.tryAcquire({ tokens: 10 })).limitedBy).toEqual(["tokens"]);
  expect((await connected.stats()).db.used).toBe(0);
  connected.close();
  port1.close();
});
