import { describe, expect, test } from "vitest";
import { InvalidLimitError, InvalidRequestError, LimitSet } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { calls, rate, resource, watch } from "../conformance/tools.ts";

const make = (clock = new ManualClock()) =>
  new LimitSet({ limits: [rate("tokens", 100, 1000), calls(10, 1000), resource("db", 2)], clock });

describe("construction", () => {
  test("without options it has no limits", () => {
    const limits = new LimitSet();
    expect(limits.keys).toEqual([]);
    expect(limits.stats()).toEqual({});
    expect(limits.config).toEqual({});
    expect(limits.waiting).toBe(0);
    expect(limits.tryAcquire().successful).toBe(true);
    expect(limits.acquireSync().successful).toBe(true);
  });

  test.each([{}, "limits", 5, null])("limits that are no array: %s", (limits) => {
    expect(() => new LimitSet({ limits: limits as never })).toThrow(InvalidLimitError);
  });

  test.each(["maybe", 1, true])("missingUpdate %s", (missingUpdate) => {
    expect(() => new LimitSet({ missingUpdate: missingUpdate as never })).toThrow(/missingUpdate/);
  });

  test("many limits in one set", () => {
    const keys = Array.from({ length: 100 }, (_, i) => `limit ${i}`);
    const limits = new LimitSet({ limits: keys.map((key, i) => resource(key, i + 1)) });
    expect(limits.keys).toEqual(keys);
    const everything = Object.fromEntries(keys.map((key, i) => [key, i + 1]));
    const acq = limits.tryAcquire(everything);
    expect(acq.requested).toEqual(everything);
    expect(limits.tryAcquire().limitedBy).toEqual(keys);
    acq.release();
    expect(Object.values(limits.stats()).every(({ used }) => used === 0)).toBe(true);
  });
});

describe("keys", () => {
  test("stand in the order of the limits and cannot be changed", () => {
    const { keys } = make();
    expect(keys).toEqual(["tokens", "call_count", "db"]);
    expect(() => (keys as string[]).push("more")).toThrow(TypeError);
  });
});

describe("config", () => {
  test("is a copy of what was given, and frozen", () => {
    const config = { model: "large" };
    const limits = new LimitSet({ config });
    config.model = "small";
    expect(limits.config).toEqual({ model: "large" });
    expect(() => Object.assign(limits.config, { model: "small" })).toThrow(TypeError);
  });

  test("each acquisition has its own copy, which may be changed", () => {
    const limits = new LimitSet({ config: { model: "large" } });
    const first = limits.tryAcquire();
    const config = first.config;
    Object.assign(config, { model: "small", more: 1 });
    expect(config).toEqual({ model: "small", more: 1 });
    expect(limits.tryAcquire().config).toEqual({ model: "large" });
    expect(limits.config).toEqual({ model: "large" });
  });
});

describe("get", () => {
  test("gives the definition's fields and its stats", () => {
    const limits = make();
    limits.tryAcquire({ tokens: 30 });
    const { stats, ...definition } = limits.get("tokens");
    expect(definition).toEqual({
      type: "rate",
      key: "tokens",
      counts: "tokens",
      capacity: 100,
      windowMs: 1000,
      algorithm: "token-bucket",
      unit: 1,
      overage: "error",
      enforce: true,
    });
    expect(stats()).toEqual(limits.stats().tokens);
    expect(stats().used).toBe(30);
  });

  test("its stats follow the set", () => {
    const limits = make();
    const db = limits.get("db");
    expect(db.stats().used).toBe(0);
    const acq = limits.tryAcquire({ db: 2 });
    expect(db.stats().used).toBe(2);
    acq.release();
    expect(db.stats().used).toBe(0);
  });

  test.each(["tokns", "", "__proto__", "constructor", "toString", "length"])("unknown key %j", (key) => {
    expect(() => make().get(key as "db")).toThrow(InvalidRequestError);
    expect(() => make().get(key as "db")).toThrow(JSON.stringify(key));
  });
});

describe("waiting", () => {
  test("counts waiters until they are served, time out or abort", async () => {
    const clock = new ManualClock();
    const limits = make(clock);
    const holder = limits.tryAcquire({ db: 2 });
    const controller = new AbortController();
    const waiters = [
      limits.acquire({ db: 1 }),
      limits.acquire({ tokens: 1 }, { timeoutMs: 50 }),
      limits.acquire({ tokens: 1 }, { signal: controller.signal }),
    ].map((promise) => watch(promise));
    expect(limits.waiting).toBe(3);
    expect(limits.stats().db.waiting).toBe(3);
    expect(limits.stats().tokens.waiting).toBe(2);
    expect(limits.stats().call_count.waiting).toBe(3);
    controller.abort();
    expect(limits.waiting).toBe(2);
    clock.advance(50);
    expect(limits.waiting).toBe(1);
    holder.release();
    expect(limits.waiting).toBe(0);
    await clock.advanceAsync(0);
    expect(waiters.map(({ state }) => state)).toEqual(["granted", "rejected", "rejected"]);
    expect(Object.values(limits.stats()).map(({ waiting }) => waiting)).toEqual([0, 0, 0]);
  });

  test("a request that is granted at once never counts", () => {
    const limits = make();
    void limits.acquire({ tokens: 1 });
    expect(limits.waiting).toBe(0);
  });
});

describe("sets are independent", () => {
  test.each([true, false])("shared: %s", (shared) => {
    const [one, other] = [0, 0].map(() => new LimitSet({ limits: [resource("db", 1)], shared }));
    expect(one!.tryAcquire().successful).toBe(true);
    expect(other!.stats().db.used).toBe(0);
    one!.close();
    expect(other!.tryAcquire().successful).toBe(true);
  });
});
