import { describe, expect, test } from "vitest";
import {
  AcquireTimeoutError,
  InvalidRequestError,
  LimitSet,
  UsageNotReportedError,
} from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { rate, resource, watch } from "../conformance/tools.ts";

const make = (clock = new ManualClock()) =>
  new LimitSet({ limits: [rate("tokens", 10, 1000), resource("db", 1)], clock });

describe("results", () => {
  test.each([["value"], [undefined], [null], [0], [false]])("of an async body: %s", async (value) => {
    expect(await make().run({ db: 1 }, async () => value)).toBe(value);
  });

  test("of a body that is not async", async () => {
    expect(await make().run({ db: 1 }, () => 42)).toBe(42);
  });

  test("the connection is free once the promise has settled", async () => {
    const limits = make();
    const running = limits.run({ db: 1 }, async () => limits.stats().db.used);
    expect(await running).toBe(1);
    expect(limits.stats().db.used).toBe(0);
  });
});

describe("errors of the body", () => {
  test.each([new Error("body"), "a string", undefined, null, 0])("%s arrives as it is", async (thrown) => {
    const limits = make();
    const running = watch(
      limits.run({ tokens: 5 }, async () => {
        throw thrown;
      }),
    );
    await new ManualClock().advanceAsync(0);
    expect(running.reason).toBe(thrown);
    expect(limits.stats()).toMatchObject({ tokens: { used: 5 }, db: { used: 0 } });
  });

  test("thrown before any promise it arrives as a rejection", async () => {
    const limits = make();
    const thrown = new Error("body");
    const running = limits.run({ tokens: 5 }, () => {
      throw thrown;
    });
    await expect(running).rejects.toBe(thrown);
    expect(limits.stats().db.used).toBe(0);
  });

  test("wins over the missing update, which alone would be an error", async () => {
    await expect(
      make().run({ tokens: 5 }, () => {
        throw new RangeError("body");
      }),
    ).rejects.toThrow(RangeError);
    await expect(make().run({ tokens: 5 }, () => "no update")).rejects.toThrow(UsageNotReportedError);
  });
});

describe("the body does not run after", () => {
  const never = () => {
    throw new Error("the body ran");
  };

  test("an invalid request, as a rejection", async () => {
    await expect(make().run({ tokens: 11 }, never)).rejects.toThrow(InvalidRequestError);
    await expect(make().run(undefined, never)).rejects.toThrow(InvalidRequestError);
    await expect(make().run({ tokens: 1 }, never, { timeoutMs: -1 })).rejects.toThrow(InvalidRequestError);
  });

  test("a timeout", async () => {
    const clock = new ManualClock();
    const limits = make(clock);
    limits.tryAcquire({ db: 1 });
    const running = watch(limits.run({ tokens: 1 }, never, { timeoutMs: 100 }));
    await clock.advanceAsync(99);
    expect(running.state).toBe("pending");
    await clock.advanceAsync(1);
    expect(running.reason).toBeInstanceOf(AcquireTimeoutError);
  });

  test("an abort, before and while it waits", async () => {
    const limits = make();
    limits.tryAcquire({ db: 1 });
    const reason = new Error("enough");
    await expect(limits.run({ tokens: 1 }, never, { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    const controller = new AbortController();
    const running = limits.run({ tokens: 1 }, never, { signal: controller.signal });
    controller.abort(reason);
    await expect(running).rejects.toBe(reason);
    expect(limits.waiting).toBe(0);
  });
});

test("an abort while the body runs is the body's affair", async () => {
  const limits = make();
  const controller = new AbortController();
  const result = await limits.run(
    { db: 1 },
    async () => {
      controller.abort();
      return "done";
    },
    { signal: controller.signal },
  );
  expect(result).toBe("done");
});

test("one after the other through one connection", async () => {
  const limits = make();
  let inside = 0;
  let most = 0;
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      limits.run({ db: 1 }, async () => {
        most = Math.max(most, ++inside);
        await Promise.resolve();
        order.push(i);
        inside--;
      }),
    ),
  );
  expect(most).toBe(1);
  expect(order).toEqual(Array.from({ length: 20 }, (_, i) => i));
});
