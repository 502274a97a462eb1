import { describe, expect, test } from "vitest";
import { InvalidRequestError, LimitSet, UsageNotReportedError } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { calls, rate, resource } from "../conformance/tools.ts";

const make = () =>
  new LimitSet({
    limits: [rate("tokens", 100, 60_000), calls(10, 60_000), resource("db", 2)],
    clock: new ManualClock(),
  });

describe("a granted one", () => {
  test("says what was taken and that nothing refused", () => {
    const acq = make().tryAcquire({ tokens: 30 });
    expect(acq.successful).toBe(true);
    expect(acq.requested).toEqual({ tokens: 30, call_count: 1, db: 1 });
    expect(acq.retryAfterMs).toBe(0);
    expect(acq.limitedBy).toEqual([]);
  });

  test("amounts read as they were written, though units are binary fractions", () => {
    const limits = new LimitSet({ limits: [rate("x", 1, 60_000, { unit: 0.1 })] });
    for (const x of [0.1, 0.2, 0.3]) expect(limits.tryAcquire({ x }).requested).toEqual({ x });
    expect(limits.stats().x).toMatchObject({ used: 0.6, available: 0.4 });
  });

  test("a change to the objects that it returns changes nothing of its holdings", () => {
    const limits = make();
    const acq = limits.tryAcquire({ tokens: 30, db: 2 });
    try {
      Object.assign(acq.requested, { db: 0, tokens: 1 });
    } catch {
      // Frozen would do as well.
    }
    acq.update({ tokens: 20 });
    acq.release();
    expect(limits.stats()).toMatchObject({ tokens: { used: 20 }, db: { used: 0 } });
  });
});

describe("scopes", () => {
  test("using releases", () => {
    const limits = make();
    {
      using acq = limits.tryAcquire({ tokens: 30 });
      acq.update({ tokens: 5 });
      expect(limits.stats().db.used).toBe(1);
    }
    expect(limits.stats()).toMatchObject({ tokens: { used: 5 }, db: { used: 0 } });
  });

  test("using throws what release throws", () => {
    const limits = make();
    expect(() => {
      using acq = limits.tryAcquire({ tokens: 30 });
      expect(acq.successful).toBe(true);
    }).toThrow(UsageNotReportedError);
    expect(limits.stats().db.used).toBe(0);
  });

  test("await using rejects with what release throws", async () => {
    const limits = make();
    const scope = async () => {
      await using acq = await limits.acquire({ tokens: 30 });
      expect(acq.successful).toBe(true);
    };
    await expect(scope()).rejects.toThrow(UsageNotReportedError);
    expect(limits.stats().db.used).toBe(0);
  });

  test("released inside, the scope's end does nothing", () => {
    const limits = make();
    {
      using acq = limits.tryAcquire({ db: 2 });
      acq.release();
      limits.tryAcquire({ db: 1 });
    }
    expect(limits.stats().db.used).toBe(1);
  });

  test("of a refused one change nothing", () => {
    const limits = make();
    limits.tryAcquire({ db: 2 });
    {
      using refused = limits.tryAcquire({ db: 1 });
      expect(refused.successful).toBe(false);
    }
    expect(limits.stats().db.used).toBe(2);
  });
});

describe("update", () => {
  test.each([null, 5, "tokens", undefined, true])("with %s is an error", (usage) => {
    const acq = make().tryAcquire({ tokens: 30 });
    expect(() => acq.update(usage as never)).toThrow(InvalidRequestError);
  });

  test("of nothing reports nothing", () => {
    const acq = make().tryAcquire({ tokens: 30 });
    acq.update({});
    expect(() => acq.release()).toThrow(UsageNotReportedError);
  });

  test("charges at release, not before", () => {
    const limits = make();
    const acq = limits.tryAcquire({ tokens: 30 });
    acq.update({ tokens: 10 });
    expect(limits.stats().tokens.used).toBe(30);
    acq.release();
    expect(limits.stats().tokens.used).toBe(10);
  });

  test("keeps no reference to the object given", () => {
    const limits = make();
    const acq = limits.tryAcquire({ tokens: 30 });
    const usage = { tokens: 10 };
    acq.update(usage);
    usage.tokens = 25;
    acq.release();
    expect(limits.stats().tokens.used).toBe(10);
  });
});

describe("release", () => {
  test("without its update throws once, having settled", () => {
    const limits = make();
    const acq = limits.tryAcquire({ tokens: 30, db: 2 });
    expect(() => acq.release()).toThrow(UsageNotReportedError);
    expect(limits.stats()).toMatchObject({ tokens: { used: 30 }, db: { used: 0 } });
    expect(() => acq.release()).not.toThrow();
  });

  test("in any order", () => {
    const limits = make();
    const [first, second] = [limits.tryAcquire({ db: 1 }), limits.tryAcquire({ db: 1 })];
    second.release();
    expect(limits.stats().db.used).toBe(1);
    first.release();
    expect(limits.stats().db.used).toBe(0);
  });

  test("from inside a callback that another release has started", async () => {
    const limits = new LimitSet({ limits: [resource("db", 1)] });
    const holder = limits.tryAcquire();
    const chain = Array.from({ length: 1000 }, () => limits.acquire().then((acq) => acq.release()));
    holder.release();
    await Promise.all(chain);
    expect(limits.stats().db.used).toBe(0);
  });
});

describe("timers", () => {
  test("a granted acquisition leaves none", async () => {
    const clock = new ManualClock();
    const limits = new LimitSet({ limits: [rate("x", 10, 1000)], clock });
    const acq = await limits.acquire({ x: 1 }, { timeoutMs: 1000 });
    expect(acq.successful).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });
});
