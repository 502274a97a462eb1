/** Options that are not known are errors, in every constructor and function that takes options. */
import { MessageChannel } from "node:worker_threads";
import { describe, expect, onTestFinished, test } from "vitest";
import { connectDurable } from "../../src/cloudflare/index.ts";
import {
  CallLimit,
  InvalidLimitError,
  InvalidRequestError,
  LimitSet,
  RateLimit,
  ResourceLimit,
} from "../../src/index.ts";
import { connectLimits, serveLimits } from "../../src/port/index.ts";
import { RedisLimitSet } from "../../src/redis/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { attachLimits, shareLimits } from "../../src/threads/index.ts";
import { InvalidWorkerError, Worker } from "../../src/worker/index.ts";
import { failure, resource } from "../conformance/tools.ts";

const limit = resource("db", 1);

// A program in JavaScript may give anything.
type Any = never;

describe("a LimitSet refuses", () => {
  test.each<[string, unknown, string]>([
    ["a list", [limit], "options must be an object that may have limits, "],
    ["null", null, "options must be an object that may have limits, "],
    ["a number", 5, "options must be an object that may have limits, "],
    [
      "{ limit }",
      { limit: [limit] },
      "limit must be left out, since a LimitSet has no such option (did you mean limits?), got an array",
    ],
    [
      "{ maxthreads }",
      { maxthreads: 5 },
      "maxthreads must be left out, since a LimitSet has no such option (did you mean maxThreads?), got 5",
    ],
    [
      "{ whatever }",
      { whatever: "x" },
      'whatever must be left out, since a LimitSet has no such option (it has limits, shared, maxThreads, missingUpdate, config, clock, onWarning, maxWaiting, agingMs, partitions, fairBy), got "x"',
    ],
    ["an option that is undefined", { clok: undefined }, "(did you mean clock?), got undefined"],
  ])("%s", async (_, options, message) => {
    const error = await failure(() => new LimitSet(options as Any));
    expect(error).toBeInstanceOf(InvalidLimitError);
    expect(error.message).toContain(message);
  });

  test("and its error has the fields of every other", async () => {
    const error = await failure(() => new LimitSet({ limit: 5 } as Any));
    expect(error).toMatchObject({ field: "limit", value: 5, bounds: expect.stringContaining("limits?") });
  });
});

describe("a limit refuses", () => {
  const rate = { key: "x", capacity: 1, windowMs: 1 };
  const cases: [string, () => unknown, string][] = [
    ["a burst that is misspelt", () => new RateLimit({ ...rate, burts: 5 } as Any), "(did you mean burst?)"],
    ["a window", () => new RateLimit({ ...rate, window: 5 } as Any), "(did you mean windowMs?)"],
    [
      "a unit of calls",
      () => new CallLimit({ capacity: 1, windowMs: 1, unit: 1 } as Any),
      "unit must be left",
    ],
    [
      "a resource's window",
      () => new ResourceLimit({ key: "x", capacity: 1, windowMs: 1 } as Any),
      "windowMs",
    ],
    ["plain data", () => new LimitSet({ limits: [{ type: "rate", ...rate, unti: 1 } as Any] }), "unit?"],
  ];
  test.each(cases)("%s", async (_, make, message) => {
    const error = await failure(make);
    expect(error).toBeInstanceOf(InvalidLimitError);
    expect(error.message).toContain(message);
  });

  test("but takes another limit, its data, and what get() returns", () => {
    const limits = [
      new RateLimit({ ...rate, algorithm: "gcra" }),
      new CallLimit({ capacity: 1, windowMs: 1 }),
      limit,
    ];
    const set = new LimitSet({ limits });
    expect(new LimitSet({ limits: limits.map((each) => ({ ...each })) }).keys).toEqual(set.keys);
    expect(new LimitSet({ limits: JSON.parse(JSON.stringify(limits)) }).keys).toEqual(set.keys);
    expect(new LimitSet({ limits: set.keys.map((key) => set.get(key)) }).keys).toEqual(set.keys);
  });
});

describe("a request refuses", () => {
  test.each<[string, unknown, string]>([
    [
      "{ timeout }",
      { timeout: 50 },
      "timeout must be left out, since a request has no such option (did you mean timeoutMs?), got 50",
    ],
    [
      "a number",
      50,
      "options must be an object that may have timeoutMs, signal, priority, maxWaitMs, got 50",
    ],
    [
      "a signal in place of the options",
      new AbortController().signal,
      "aborted must be left out, since a request has no such option (it has timeoutMs, signal, priority, maxWaitMs), got false",
    ],
  ])("%s", async (_, options, message) => {
    const set = new LimitSet({ limits: [limit] });
    const { port1, port2 } = new MessageChannel();
    onTestFinished(() => port1.close());
    serveLimits(set, port1);
    const connected = connectLimits<"db">(port2);
    const durable = connectDurable<"db">({ idFromName: () => "", get: () => ({}) } as Any, "one");
    const held = set.tryAcquire({ db: 0 });
    const asks = [
      () => set.acquire({}, options as Any),
      () => set.run({}, () => {}, options as Any),
      () => held.acquire({}, options as Any),
      () => connected.acquire({}, options as Any),
      () => connected.run({}, () => {}, options as Any),
      () => durable.acquire({}, options as Any),
    ];
    for (const ask of asks) {
      const error = await failure(ask);
      expect(error).toBeInstanceOf(InvalidRequestError);
      expect(error.message).toContain(message);
    }
    const error = await failure(() => set.acquireSync({}, options as Any));
    expect(error.message).toBe(
      message
        .replace("a request", "acquireSync")
        .replace("timeoutMs, signal, priority, maxWaitMs", "timeoutMs"),
    );
    expect(set.stats().db.used).toBe(0);
  });

  test("a signal where the thread is blocked and hears none", async () => {
    const { signal } = new AbortController();
    const error = await failure(() => new LimitSet().acquireSync({}, { signal } as Any));
    expect(error.message).toContain("signal must be left out, since acquireSync has no such option");
  });
});

describe("refuses an option that is not known:", () => {
  const set = new LimitSet({ limits: [limit] });
  const endpoint = { send: () => {}, receive: () => () => {} };
  const namespace = { idFromName: () => "", get: () => ({}) };
  class Calls extends Worker {
    call() {}
  }
  const cases: [string, () => unknown, new (...args: Any) => Error, string][] = [
    [
      "attachLimits",
      () => attachLimits(shareLimits(set).handle, { clok: 1 } as Any),
      InvalidLimitError,
      "clock?",
    ],
    ["serveLimits", () => serveLimits(set, endpoint, { nam: "x" } as Any), InvalidRequestError, "name?"],
    ["connectLimits", () => connectLimits(endpoint, { names: "x" } as Any), InvalidRequestError, "name?"],
    ["RedisLimitSet", () => new RedisLimitSet({ name: "x", limt: [] } as Any), InvalidLimitError, "limits?"],
    [
      "connectDurable",
      () => connectDurable(namespace as Any, "x", { deadline: 1 } as Any),
      InvalidRequestError,
      "deadlineMs?",
    ],
    ["Worker.options", () => Calls.options({ maxWorker: 1 } as Any), InvalidWorkerError, "maxWorkers?"],
    [
      "methods",
      () => Calls.options({ methods: { call: { numRetry: 1 } } } as Any),
      InvalidWorkerError,
      "methods.call has no such",
    ],
    [
      "stop",
      () =>
        Calls.options({})
          .init()
          .stop({ timeout: 1 } as Any),
      InvalidWorkerError,
      "timeoutMs?",
    ],
    [
      "ManualClock",
      () => new ManualClock({ startMs: 5 } as Any),
      RangeError,
      "startMs must be a finite number",
    ],
  ];
  test.each(cases)("%s", async (_, act, Class, message) => {
    const error = await failure(act);
    expect(error).toBeInstanceOf(Class);
    expect(error.message).toContain(message);
  });
});

test("a request of a worker's method refuses unknown options too", async () => {
  class Asks extends Worker {
    async ask() {
      await this.limits.acquire({}, { timeout: 5 } as Any);
    }
  }
  const pool = Asks.options({ limits: [limit] }).init();
  const error = await failure(() => pool.ask());
  expect(error.message).toContain("(did you mean timeoutMs?)");
  await pool.stop();
});
