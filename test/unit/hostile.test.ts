import { describe, expect, test } from "vitest";
import {
  AcquireTimeoutError,
  InvalidRequestError,
  LimitSet,
  type Limits,
  RateLimit,
  ResourceLimit,
  UnreleasedAcquisitionWarning,
  UsageNotReportedError,
} from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { rate, resource, watch } from "../conformance/tools.ts";

const make = (clock = new ManualClock()) =>
  new LimitSet({ limits: [rate("tokens", 10, 1000), resource("db", 2)], clock });

const nothing = { tokens: { used: 0 }, db: { used: 0 } };

/** All ways to make a request: they must answer alike. */
const DOORS: readonly (readonly [
  name: string,
  ask: (limits: Limits, requested: object | undefined) => unknown,
])[] = [
  ["acquire", (limits, requested) => limits.acquire(requested)],
  ["tryAcquire", (limits, requested) => limits.tryAcquire(requested)],
  ["acquireSync", (limits, requested) => (limits as LimitSet<string>).acquireSync(requested)],
  ["run", (limits, requested) => limits.run(requested, () => {})],
  [
    "a nested acquire",
    async (limits, requested) => {
      const nothingOfAll = Object.fromEntries(limits.keys.map((key) => [key, 0]));
      return (await limits.tryAcquire(nothingOfAll)).acquire(requested);
    },
  ],
];

const PROTOTYPE_KEYS = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"];

/** An object whose own key it is, even `__proto__`. */
function own(key: string, value: unknown): object {
  return JSON.parse(`{${JSON.stringify(key)}: ${JSON.stringify(value)}}`) as object;
}

describe.each(DOORS)("%s", (_, ask) => {
  const asking = (limits: Limits, requested: unknown) =>
    expect((async () => ask(limits, requested as object))()).rejects;

  test.each([null, 5, Number.NaN, "tokens", true, Symbol("tokens"), 10n])("refuses %s", async (requested) => {
    const limits = make();
    await asking(limits, requested).toThrow(InvalidRequestError);
    expect(limits.stats()).toMatchObject(nothing);
  });

  test.each<readonly [title: string, requested: unknown]>([
    ["an empty array", []],
    ["an array of amounts", [1, 2]],
    ["a function", () => ({ tokens: 1 })],
  ])("refuses %s", async (_, requested) => {
    await asking(make(), requested).toThrow(InvalidRequestError);
    // It is not taken for an empty request where nothing has to be named, either.
    const resources = new LimitSet({ limits: [resource("db", 2), resource("tokens", 2)] });
    await asking(resources, requested).toThrow(InvalidRequestError);
  });

  test.each<readonly [title: string, amount: unknown]>([
    ["null", null],
    ["a string", "5"],
    ["a boolean", true],
    ["a bigint", 5n],
    ["a symbol", Symbol("5")],
    ["an object", {}],
    ["an empty array", []],
    ["an array of one", [5]],
    ["a date", new Date(5)],
    ["a boxed number", Object(5)],
  ])("refuses %s as an amount", async (_, amount) => {
    const limits = make();
    await asking(limits, { db: 1, tokens: amount }).toThrow(InvalidRequestError);
    await asking(limits, { tokens: 1, db: amount }).toThrow(InvalidRequestError);
    expect(limits.stats()).toMatchObject(nothing);
    // The amount is not turned into a number for the division by its unit, either.
    const fine = new LimitSet({ limits: [rate("tokens", 100, 1000, { unit: 0.1 })] });
    await asking(fine, { tokens: amount }).toThrow(InvalidRequestError);
    expect(fine.stats().tokens.used).toBe(0);
  });

  test.each(PROTOTYPE_KEYS)("does not know %s", async (key) => {
    const limits = make();
    await asking(limits, own(key, 1)).toThrow(InvalidRequestError);
    await asking(limits, own(key, { tokens: 1 })).toThrow(InvalidRequestError);
    expect(limits.stats()).toMatchObject(nothing);
  });

  test("passes on a getter's error, and takes nothing", async () => {
    const limits = make();
    const thrown = new Error("getter");
    const requested = {
      db: 1,
      get tokens(): number {
        throw thrown;
      },
    };
    await asking(limits, requested).toBe(thrown);
    expect(limits.stats()).toMatchObject(nothing);
  });
});

describe("acquire never throws synchronously", () => {
  test.each([null, 5, { tokens: -1 }, { tokens: Symbol("1") }, { nobody: 1 }])("%s", async (requested) => {
    const promise = make().acquire(requested as never);
    await expect(promise).rejects.toThrow(InvalidRequestError);
  });

  test("for wrong options either", async () => {
    for (const timeoutMs of ["5", -1, null, {}]) {
      const promise = make().acquire({ tokens: 1 }, { timeoutMs } as never);
      await expect(promise).rejects.toThrow(InvalidRequestError);
    }
  });
});

describe("limits may be called like members of Object.prototype", () => {
  test.each(PROTOTYPE_KEYS)("%s", async (key) => {
    const limits = new LimitSet({ limits: [new ResourceLimit({ key, capacity: 3 })] });
    expect(limits.keys).toEqual([key]);
    const acq = limits.tryAcquire(own(key, 2));
    expect(Object.entries(acq.requested)).toEqual([[key, 2]]);
    const stats = limits.stats();
    expect(Object.keys(stats)).toEqual([key]);
    expect(Object.getOwnPropertyDescriptor(stats, key)!.value).toMatchObject({ used: 2 });
    expect(limits.get(key).stats()).toMatchObject({ used: 2, capacity: 3 });
    expect(limits.tryAcquire(own(key, 2)).limitedBy).toEqual([key]);
    acq.release();
    expect((await limits.acquire()).requested).toEqual(own(key, 1));
  });

  test("a rate of such a name is reported like any other", () => {
    const limits = new LimitSet({ limits: [rate("__proto__", 10, 60_000)], clock: new ManualClock() });
    const acq = limits.tryAcquire(own("__proto__", 6));
    acq.update(own("__proto__", 4));
    acq.release();
    expect(limits.get("__proto__").stats().used).toBe(4);
  });
});

describe("strange keys are keys", () => {
  test.each([" ", "0", "-1", "a.b", "a b", "\u0000", "\u{1F512}", "x".repeat(10_000)])("%j", (key) => {
    const limits = new LimitSet({ limits: [resource(key, 1)] });
    expect(limits.tryAcquire({ [key]: 1 }).requested).toEqual({ [key]: 1 });
    expect(limits.tryAcquire().limitedBy).toEqual([key]);
  });
});

describe("the request is read once, when it is made", () => {
  test("changed while it waits it stays what it was", async () => {
    const clock = new ManualClock();
    const limits = make(clock);
    limits.tryAcquire({ tokens: 10 });
    const requested = { tokens: 5, db: 1 };
    const waiter = watch(limits.acquire(requested));
    requested.tokens = 1;
    requested.db = 2;
    await clock.advanceAsync(499);
    expect(waiter.state).toBe("pending");
    await clock.advanceAsync(1);
    expect(waiter.value.requested).toEqual({ tokens: 5, db: 1 });
  });

  test("changed while it is held it gives back what was taken", () => {
    const limits = make();
    const requested = { tokens: 5, db: 1 };
    const acq = limits.tryAcquire(requested);
    requested.db = 0;
    requested.tokens = 10;
    acq.update({ tokens: 5 });
    acq.release();
    expect(limits.stats()).toMatchObject({ tokens: { used: 5 }, db: { used: 0 } });
  });

  test("a getter that changes its mind is asked once", () => {
    const limits = make();
    let asked = 0;
    const requested = {
      get tokens() {
        return ++asked === 1 ? 5 : 1_000_000;
      },
    };
    expect(limits.tryAcquire(requested).requested).toEqual({ tokens: 5, db: 1 });
    expect(limits.stats().tokens.used).toBe(5);
  });

  test("an object without a prototype will do", () => {
    const requested = Object.assign(Object.create(null) as object, { tokens: 5 });
    expect(make().tryAcquire(requested).requested).toEqual({ tokens: 5, db: 1 });
  });

  test("a frozen one too", () => {
    expect(make().tryAcquire(Object.freeze({ tokens: 5 })).successful).toBe(true);
  });
});

describe("update", () => {
  test.each<readonly [title: string, amount: unknown]>([
    ["a string", "5"],
    ["a bigint", 5n],
    ["a symbol", Symbol("5")],
    ["an array of one", [5]],
    ["null", null],
  ])("refuses %s as an amount", (_, amount) => {
    for (const unit of [1, 0.1]) {
      const limits = new LimitSet({ limits: [rate("tokens", 100, 60_000, { unit, overage: "debt" })] });
      const acq = limits.tryAcquire({ tokens: 10 });
      expect(() => acq.update({ tokens: amount as number })).toThrow(InvalidRequestError);
    }
  });

  test.each(PROTOTYPE_KEYS)("does not know %s", (key) => {
    const acq = make().tryAcquire({ tokens: 5 });
    expect(() => acq.update(own(key, 1))).toThrow(InvalidRequestError);
  });

  test("passes on a getter's error, and records nothing", () => {
    const limits = make();
    const acq = limits.tryAcquire({ tokens: 5 });
    acq.update({ tokens: 4 });
    const thrown = new Error("getter");
    const usage = {
      tokens: 1,
      get db(): number {
        throw thrown;
      },
    };
    expect(() => acq.update(usage)).toThrow();
    acq.release();
    expect(limits.stats().tokens.used).toBe(4);
  });
});

test("-0 is 0", () => {
  const limits = make();
  const acq = limits.tryAcquire({ tokens: -0, db: -0 });
  expect(acq.requested).toEqual({});
  expect(() => acq.release()).not.toThrow();
  expect(limits.stats()).toMatchObject(nothing);
});

function errorOf(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

describe("an error text", () => {
  const limits = Array.from({ length: 10_000 }, (_, i) => ({
    type: "resource" as const,
    key: `limit number ${i}`,
    capacity: 1,
  }));

  test("of a set with ten thousand limits names a few of them, and how many more there are", () => {
    const set = new LimitSet({ limits });
    const all = set.tryAcquire();
    const messages = [
      errorOf(() => set.tryAcquire({ nothing: 1 } as never)).message,
      new UsageNotReportedError(limits.map(({ key }) => key)).message,
      new AcquireTimeoutError(
        5,
        limits.map(({ key }) => key),
      ).message,
      new UnreleasedAcquisitionWarning(all.requested as Record<string, number>).message,
    ];
    for (const message of messages) {
      expect(message).toContain('"limit number 7" and 9992 more');
      expect(message.length).toBeLessThan(600);
    }
  });

  test("shows the beginning of a key that is a megabyte long", () => {
    const { message } = errorOf(() => new LimitSet().tryAcquire({ ["x".repeat(1e6)]: 1 } as never));
    expect(message).toContain("(1000000 characters)");
    expect(message.length).toBeLessThan(400);
  });
});

test("an array of limits with an empty place is an error", () => {
  // biome-ignore lint/suspicious/noSparseArray: this is what is tested.
  const sparse = [{ type: "resource", key: "a", capacity: 1 }, , { type: "resource", key: "b", capacity: 1 }];
  expect(() => new LimitSet({ limits: sparse as never })).toThrow(/limit must be an object, got undefined/);
});

test("a clock that uses the set during a release leaves the settlement of that release whole", () => {
  let inner: (() => void) | undefined;
  const clock = new ManualClock();
  const now = () => {
    const action = inner;
    inner = undefined;
    action?.();
    return clock.now();
  };
  const reentrant = {
    now,
    setTimeout: clock.setTimeout.bind(clock),
    clearTimeout: clock.clearTimeout.bind(clock),
  };
  const limits = new LimitSet({
    limits: [new RateLimit({ key: "tokens", capacity: 100, windowMs: 1e9, overage: "debt" })],
    clock: reentrant,
  });
  const first = limits.tryAcquire({ tokens: 10 });
  const second = limits.tryAcquire({ tokens: 20 });
  first.update({ tokens: 15 });
  second.update({ tokens: 12 });
  inner = () => second.release();
  first.release();
  expect(limits.stats().tokens.used).toBe(15 + 12);
});
