import { expect } from "vitest";
import {
  InvalidLimitError,
  InvalidRequestError,
  type Limit,
  UsageNotReportedError,
} from "../../../src/index.ts";
import { START, type Theme } from "../harness.ts";
import { callsBy, counting, failure, rate, resource, take, used, watch } from "../tools.ts";

const PER_SECOND = callsBy("calls_per_second", 4, 1000, "fixed-window");
const PER_MINUTE = callsBy("calls_per_minute", 60, 60_000, "fixed-window");
/** Refills by one token in 600 ms, and by one in 864 s. */
const MINUTE = counting("per_minute", "tokens", 100, 60_000);
const DAY = counting("per_day", "tokens", 1000, 86_400_000);

const MISFITS: readonly (readonly [title: string, other: Limit, field: string])[] = [
  ["different units", counting("per_day", "tokens", 1000, 1000, { unit: 0.5 }), "unit"],
  ["different overage", counting("per_day", "tokens", 1000, 1000, { overage: "debt" }), "overage"],
  ["a rate limit and a resource limit", resource("tokens", 5), "type"],
];

export const severalLimits: Theme = ({ it }) => {
  it("4 calls a second and 60 a minute: one request takes one of each, and the 61st in the minute waits for it", async (create) => {
    const { limits, clock } = await create<string>([PER_SECOND, PER_MINUTE]);
    for (let second = 0; second < 15; second++) {
      await clock.set(START + second * 1000);
      for (let call = 0; call < 4; call++) await take(limits, {});
      const more = await limits.tryAcquire();
      expect(more.limitedBy).toContain("calls_per_second");
    }
    expect(await used(limits)).toEqual({ calls_per_second: 4, calls_per_minute: 60 });
    await clock.set(START + 15_000);
    const refused = await limits.tryAcquire();
    expect(refused.successful).toBe(false);
    expect(refused.limitedBy).toEqual(["calls_per_minute"]);
    expect(refused.retryAfterMs).toBe(45_000);
    await clock.set(START + 60_000);
    expect((await take(limits, {})).requested).toEqual({ call_count: 1 });
  });

  it("tokens a minute and a day are taken by one amount, and settled by one usage", async (create) => {
    const { limits } = await create<string>([MINUTE, DAY]);
    const acquisition = await limits.tryAcquire({ tokens: 50 });
    expect(acquisition.requested).toEqual({ tokens: 50 });
    expect(await used(limits)).toEqual({ per_minute: 50, per_day: 50 });
    await acquisition.update({ tokens: 43 });
    await acquisition.release();
    expect(await used(limits)).toEqual({ per_minute: 43, per_day: 43 });
  });

  it("a request above the smaller capacity of its metric could never pass", async (create) => {
    const { limits } = await create<string>([DAY, MINUTE]);
    const error = await failure(() => limits.acquire({ tokens: 101 }));
    expect(error).toBeInstanceOf(InvalidRequestError);
    expect(error.message).toContain("could never pass");
    expect(error.message).toContain('100 of "per_minute"');
    expect(await used(limits)).toEqual({ per_minute: 0, per_day: 0 });
    await take(limits, { tokens: 100 });
  });

  for (const [title, other, field] of MISFITS) {
    it(`${title} of one metric are refused, and the error names both limits`, async (create) => {
      const error = await failure(() => create<string>([MINUTE, other]));
      expect(error).toBeInstanceOf(InvalidLimitError);
      expect(error.message).toContain(field);
      expect(error.message).toContain(`"${other.key}"`);
      expect(error.message).toContain('"per_minute"');
    });
  }

  it("a key that is no metric cannot be asked for, and the error names its metric", async (create) => {
    const { limits } = await create<string>([MINUTE, DAY]);
    const error = await failure(() => limits.acquire({ per_day: 5 }));
    expect(error).toBeInstanceOf(InvalidRequestError);
    expect(error.message).toContain('"per_day"');
    expect(error.message).toContain('"tokens"');
    const acquisition = await take(limits, { tokens: 5 });
    expect(await failure(() => acquisition.update({ per_day: 5 }))).toBeInstanceOf(InvalidRequestError);
    await acquisition.update({ tokens: 5 });
    await acquisition.release();
  });

  it("stats, get and keys name limits by their keys", async (create) => {
    const { limits } = await create<string>([MINUTE, PER_MINUTE, DAY]);
    expect([...limits.keys]).toEqual(["per_minute", "calls_per_minute", "per_day"]);
    expect(Object.keys(await limits.stats())).toEqual(["per_minute", "calls_per_minute", "per_day"]);
    expect(limits.get("per_day")).toMatchObject({ key: "per_day", counts: "tokens", capacity: 1000 });
    expect(limits.get("calls_per_minute")).toMatchObject({ key: "calls_per_minute", counts: "call_count" });
    expect(await failure(() => limits.get("tokens"))).toBeInstanceOf(InvalidRequestError);
  });

  it("a metric may have the name of one of its limits", async (create) => {
    const { limits } = await create<string>([rate("tokens", 10, 1000), counting("burst", "tokens", 5, 100)]);
    const acquisition = await take(limits, { tokens: 5 });
    expect(await used(limits)).toEqual({ tokens: 5, burst: 5 });
    expect((await limits.tryAcquire({ tokens: 1 })).limitedBy).toEqual(["burst"]);
    await acquisition.update({ tokens: 0 });
    await acquisition.release();
    expect(await used(limits)).toEqual({ tokens: 0, burst: 0 });
  });

  it("call_count: 0 leaves out all CallLimits", async (create) => {
    const { limits } = await create<string>([PER_SECOND, PER_MINUTE, resource("db", 2)]);
    expect((await take(limits, { call_count: 0 })).requested).toEqual({ db: 1 });
    expect(await used(limits)).toEqual({ calls_per_second: 0, calls_per_minute: 0, db: 1 });
    expect((await take(limits, { call_count: 3 })).requested).toEqual({ call_count: 3, db: 1 });
    expect(await used(limits)).toEqual({ calls_per_second: 3, calls_per_minute: 3, db: 2 });
  });

  it("a release without usage charges all limits of the metric in full, and names the metric once", async (create) => {
    const { limits } = await create<string>([MINUTE, DAY], { missingUpdate: "charge" });
    await (await take(limits, { tokens: 30 })).release();
    expect(await used(limits)).toEqual({ per_minute: 30, per_day: 30 });
    const strict = await create<string>([MINUTE, DAY]);
    const acquisition = await take(strict.limits, { tokens: 30 });
    const error = await failure(() => acquisition.release());
    expect(error).toBeInstanceOf(UsageNotReportedError);
    expect((error as UsageNotReportedError).keys).toEqual(["tokens"]);
    await strict.settle();
    expect(await used(strict.limits)).toEqual({ per_minute: 30, per_day: 30 });
  });

  it("usage above the request is charged to all limits of a metric with debt", async (create) => {
    const debt = { overage: "debt" } as const;
    const { limits } = await create<string>([
      counting("per_minute", "tokens", 100, 60_000, debt),
      counting("per_day", "tokens", 1000, 86_400_000, debt),
    ]);
    const acquisition = await take(limits, { tokens: 50 });
    await acquisition.update({ tokens: 120 });
    await acquisition.release();
    expect(await used(limits)).toEqual({ per_minute: 120, per_day: 120 });
  });

  it("a nested request takes no call of its own where the acquisition around it holds one", async (create) => {
    const { limits } = await create<string>([PER_SECOND, PER_MINUTE, MINUTE, DAY]);
    const outer = await limits.acquire({ tokens: 10 });
    const inner = await outer.acquire({ tokens: 5 });
    expect(inner.requested).toEqual({ tokens: 5 });
    expect(await used(limits)).toEqual({
      calls_per_second: 1,
      calls_per_minute: 1,
      per_minute: 15,
      per_day: 15,
    });
    const named = await outer.acquire({ tokens: 0, call_count: 2 });
    expect(named.requested).toEqual({ call_count: 2 });
    for (const each of [inner, outer]) {
      await each.update({ tokens: 1 });
      await each.release();
    }
  });

  it("a waiter waits for the slower of two limits of its metric, and takes of both", async (create) => {
    const { limits, clock, settle } = await create<string>([
      counting("fast", "x", 10, 1000),
      counting("slow", "x", 20, 20_000),
    ]);
    await take(limits, { x: 10 });
    await clock.advance(1000);
    await take(limits, { x: 10 });
    const waiter = watch(limits.acquire({ x: 5 }));
    await settle();
    const refused = await limits.tryAcquire({ x: 1 });
    expect(refused.limitedBy).toContain("slow");
    // At 1000 ms the slow limit has leaked 1 of 20.
    await clock.advance(3999);
    expect(waiter.state).toBe("pending");
    await clock.advance(1);
    expect(waiter.state).toBe("granted");
    expect(await used(limits)).toEqual({ fast: 5, slow: 20 });
  });

  it("a peek answers by metric, and names limits by key", async (create) => {
    const { limits } = await create<string>([MINUTE, DAY]);
    await take(limits, { tokens: 100 });
    expect(await limits.peek({ tokens: 10 })).toEqual({
      successful: false,
      retryAfterMs: 6000,
      limitedBy: ["per_minute"],
      ahead: 0,
    });
  });
};
