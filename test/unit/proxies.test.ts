/** Sets in state that Vue makes reactive: it makes proxies of all that is read, except of what it is told to skip. */
import { MessageChannel } from "node:worker_threads";
import { expect, onTestFinished, test } from "vitest";
import { connectDurable } from "../../src/cloudflare/index.ts";
import { LimitSet } from "../../src/index.ts";
import { connectLimits, serveLimits } from "../../src/port/index.ts";
import { RedisLimitSet } from "../../src/redis/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { calls, failure, rate, resource, watch } from "../conformance/tools.ts";

/** A proxy that makes proxies of all that is read through it, and calls methods on itself. */
function reactive<T extends object>(target: T): T {
  const proxies = new WeakMap<object, object>();
  const wrap = (value: unknown): unknown => {
    if (typeof value !== "object" || value === null) return value;
    // Vue leaves alone what is no plain object or class instance.
    if (!/^\[object (Object|Array|Map|Set)\]$/.test(Object.prototype.toString.call(value))) return value;
    if (Object.isFrozen(value) || (value as { __v_skip?: boolean }).__v_skip) return value;
    let proxy = proxies.get(value);
    if (!proxy) {
      proxy = new Proxy(value, {
        get: (inner, key, self) => {
          const got = Reflect.get(inner, key, inner instanceof Map || inner instanceof Set ? inner : self);
          return typeof got === "function" && (inner instanceof Map || inner instanceof Set)
            ? got.bind(inner)
            : wrap(got);
        },
      });
      proxies.set(value, proxy);
    }
    return proxy;
  };
  return wrap(target) as T;
}

const make = (clock = new ManualClock()) =>
  new LimitSet({ limits: [calls(10, 1000), rate("tokens", 10, 1000), resource("db", 1)], clock });

test("a LimitSet and its acquisitions", async () => {
  const clock = new ManualClock();
  const state = reactive({ limits: make(clock), clock, held: undefined as unknown });
  const { limits } = state;
  const held = limits.tryAcquire({ tokens: 4 });
  const proxied = reactive({ held }).held;
  expect(proxied.requested).toEqual({ call_count: 1, tokens: 4, db: 1 });
  const waiter = watch(limits.acquire({ tokens: 1 }, { timeoutMs: 5000 }));
  const late = watch(limits.acquire({ tokens: 1 }, { timeoutMs: 10, signal: new AbortController().signal }));
  expect(limits.waiting).toBe(2);
  await state.clock.advanceAsync(10);
  expect(late.state).toBe("rejected");
  proxied.update({ tokens: 1 });
  proxied.release();
  await state.clock.advanceAsync(0);
  expect(waiter.state).toBe("granted");
  expect(limits.stats().db.used).toBe(1);
  expect(limits.get("db").stats().used).toBe(1);
  expect(limits.tryAcquire({ tokens: 1 }).limitedBy).toEqual(["db"]);
  expect(limits.acquireSync({ tokens: 1, db: 0 }).successful).toBe(true);
  await limits.run({ tokens: 0, db: 0 }, () => {});
  limits.close();
});

test("a connected set", async () => {
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => port1.close());
  serveLimits(make(), port1);
  const { limits } = reactive({ limits: connectLimits<"call_count" | "tokens" | "db">(port2) });
  await limits.ready;
  const { held } = reactive({ held: await limits.acquire({ tokens: 4 }) });
  held.update({ tokens: 1 });
  held.release();
  expect((await limits.stats()).tokens.used).toBe(1);
  expect(limits.keys.length).toBe(3);
  limits.close();
});

test("sets on Redis and in Durable Objects", async () => {
  const { durable } = reactive({
    durable: connectDurable<"db">({ idFromName: () => "", get: () => ({}) } as never, "one"),
  });
  expect((await failure(() => durable.keys)).message).toContain("await limits.ready");
  await durable.close();
  expect((await failure(() => durable.acquire())).message).toContain("closed");
  expect(RedisLimitSet.prototype).toHaveProperty("__v_skip", true);
});
