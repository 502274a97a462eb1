import { describe, expect, test } from "vitest";
import * as leased from "../../src/acquisition/leased.ts";
import * as cloudflare from "../../src/cloudflare/errors.ts";
import * as errors from "../../src/errors.ts";
import {
  AcquireTimeoutError,
  AcquisitionReleasedError,
  BackendRefusedError,
  BackendUnavailableError,
  CallLimit,
  CannotBlockError,
  DeadlockError,
  InvalidLimitError,
  InvalidRequestError,
  LimitError,
  LimitSet,
  LimitSetClosedError,
  UsageExceedsRequestedError,
  UsageNotReportedError,
} from "../../src/index.ts";
import * as redis from "../../src/redis/errors.ts";
import { limitErrorClasses } from "../../src/remote/error-classes.ts";
import { ManualClock } from "../../src/testing/index.ts";
import * as worker from "../../src/worker/errors.ts";
import { failure, rate, resource } from "../conformance/tools.ts";

const clock = new ManualClock();
const make = () => new LimitSet({ limits: [rate("tokens", 100, 1000), resource("db", 2)], clock });

type Provoke = () => unknown;

interface Row {
  readonly kind: new (...args: never) => LimitError;
  readonly code: string;
  readonly name: string;
  readonly provoke: Provoke;
}

const THROWN: readonly Row[] = [
  {
    kind: InvalidLimitError,
    code: "ERR_INVALID_LIMIT",
    name: "InvalidLimitError",
    provoke: () => rate("tokens", 0, 1000),
  },
  {
    kind: InvalidRequestError,
    code: "ERR_INVALID_REQUEST",
    name: "InvalidRequestError",
    provoke: () => make().tryAcquire({ tokens: -1 }),
  },
  {
    kind: UsageExceedsRequestedError,
    code: "ERR_USAGE_EXCEEDS_REQUESTED",
    name: "UsageExceedsRequestedError",
    provoke: () => make().tryAcquire({ tokens: 10 }).update({ tokens: 11 }),
  },
  {
    kind: UsageNotReportedError,
    code: "ERR_USAGE_NOT_REPORTED",
    name: "UsageNotReportedError",
    provoke: () => make().tryAcquire({ tokens: 10 }).release(),
  },
  {
    kind: AcquireTimeoutError,
    code: "ERR_ACQUIRE_TIMEOUT",
    name: "TimeoutError",
    provoke: () => exhausted().acquire({ tokens: 1 }, { timeoutMs: 0 }),
  },
  {
    kind: AcquisitionReleasedError,
    code: "ERR_ACQUISITION_RELEASED",
    name: "AcquisitionReleasedError",
    provoke: () => {
      const acq = make().tryAcquire({ db: 1 });
      acq.release();
      acq.update({ tokens: 1 });
    },
  },
  {
    kind: LimitSetClosedError,
    code: "ERR_LIMIT_SET_CLOSED",
    name: "LimitSetClosedError",
    provoke: () => {
      const limits = make();
      limits.close();
      limits.tryAcquire({ tokens: 1 });
    },
  },
  {
    kind: DeadlockError,
    code: "ERR_DEADLOCK",
    name: "DeadlockError",
    provoke: () => exhausted().acquireSync({ tokens: 1 }),
  },
  {
    kind: BackendUnavailableError,
    code: "ERR_BACKEND_UNAVAILABLE",
    name: "BackendUnavailableError",
    provoke: () => {
      throw new BackendUnavailableError("redis at 127.0.0.1:6379 does not answer: start it");
    },
  },
  {
    kind: BackendRefusedError,
    code: "ERR_BACKEND_REFUSED",
    name: "BackendRefusedError",
    provoke: () => {
      throw new BackendRefusedError("EVALSHA is refused: allow it to the client's user", new Error("NOPERM"));
    },
  },
  {
    kind: CannotBlockError,
    code: "ERR_CANNOT_BLOCK",
    name: "CannotBlockError",
    provoke: () => {
      throw new CannotBlockError();
    },
  },
];

function exhausted(): LimitSet<"tokens" | "db"> {
  const limits = make();
  limits.tryAcquire({ tokens: 100, db: 2 });
  return limits;
}

describe.each(THROWN)("$kind.name", ({ kind, code, name, provoke }) => {
  test("is a LimitError with its own code and name", async () => {
    const error = await failure(provoke);
    expect(error).toBeInstanceOf(kind);
    expect(error).toBeInstanceOf(LimitError);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ code, name });
    expect(error.stack).toContain(error.message);
  });
});

test("codes are all different", () => {
  expect(new Set(THROWN.map(({ code }) => code)).size).toBe(THROWN.length);
});

describe("a message names the key, the value and what would do", () => {
  const CASES: readonly (readonly [title: string, provoke: Provoke, parts: readonly string[]])[] = [
    ["a unit", () => rate("tokens", 10, 1000, { unit: 3 }), ["unit", "tokens", "3"]],
    ["a capacity", () => rate("tokens", -4, 1000), ["capacity", "tokens", "-4", "positive"]],
    ["a window", () => rate("tokens", 4, -9), ["windowMs", "tokens", "-9"]],
    ["a burst", () => rate("x", 9, 1, { algorithm: "gcra", burst: 10 }), ["burst", "x", "10", "9"]],
    ["calls", () => new CallLimit({ capacity: 0, windowMs: 1 }), ["capacity", "call_count", "0"]],
    ["an amount", () => make().tryAcquire({ tokens: 1.5 }), ["tokens", "1.5", "whole number"]],
    [
      "an amount beside the unit",
      () => new LimitSet({ limits: [rate("x", 1, 1, { unit: 0.1 })] }).tryAcquire({ x: 0.25 }),
      ["x", "0.25", "0.1"],
    ],
    ["too large an amount", () => make().tryAcquire({ tokens: 101 }), ["tokens", "101", "never", "100"]],
    ["an unknown key", () => make().tryAcquire({ tokns: 1 } as never), ["tokns", "tokens", "db"]],
    ["a request without amounts", () => make().tryAcquire(), ["tokens"]],
    [
      "usage above",
      () => make().tryAcquire({ tokens: 9 }).update({ tokens: 11 }),
      ["tokens", "11", "9", "debt"],
    ],
    ["usage missing", () => make().tryAcquire({ tokens: 9 }).release(), ["tokens", "update"]],
    ["a timeout", () => exhausted().acquire({ tokens: 1, db: 0 }, { timeoutMs: 0 }), ["0 ms", "tokens"]],
  ];

  test.each(CASES)("%s", async (_, provoke, parts) => {
    const { message } = await failure(provoke);
    for (const part of parts) expect(message).toContain(part);
  });
});

describe("InvalidLimitError says which field, what it was and what it may be", () => {
  test.each<readonly [field: string, make: () => unknown, value: unknown]>([
    ["capacity", () => rate("x", 0, 1), 0],
    ["windowMs", () => rate("x", 1, -1), -1],
    ["unit", () => rate("x", 10, 1, { unit: 0 }), 0],
    ["key", () => rate("", 1, 1), ""],
  ])("%s", async (field, make, value) => {
    const error = await failure(make);
    expect(error).toMatchObject({ field, value, bounds: expect.stringMatching(/\w/) });
    expect(error.message).toContain((error as InvalidLimitError).bounds);
  });
});

/** The classes of errors among the exports of a module. */
function classesOf(module: object): (typeof LimitError)[] {
  return (Object.values(module) as (typeof LimitError)[]).filter(
    ({ prototype }) => prototype instanceof LimitError,
  );
}

describe("every class of errors", () => {
  const CLASSES = [cloudflare, errors, leased, redis, worker].flatMap(classesOf);

  test("has a code of its own, from which its name follows", () => {
    expect(CLASSES.length).toBeGreaterThan(20);
    for (const Class of CLASSES) {
      expect(Object.hasOwn(Class, "code")).toBe(true);
      expect(errors.classNameOf(Class)).toBe(Class.name);
    }
    expect(new Set(CLASSES.map(({ code }) => code)).size).toBe(CLASSES.length);
  });
});

describe("classes that a program derives from those of the library", () => {
  class OwnError extends LimitError {
    constructor() {
      super("ERR_OWN", "mine");
    }
  }
  class OwnTimeout extends AcquireTimeoutError {}

  test("keep their names, and are told apart", () => {
    expect(new OwnError()).toMatchObject({ name: "OwnError", code: "ERR_OWN" });
    expect(new OwnTimeout(5, [])).toBeInstanceOf(AcquireTimeoutError);
    expect(new AcquireTimeoutError(5, [])).not.toBeInstanceOf(OwnTimeout);
    expect(new OwnError()).not.toBeInstanceOf(AcquireTimeoutError);
  });

  test.each([undefined, null, 0, "text", {}, new Error("mine"), { code: "ERR_ACQUIRE_TIMEOUT" }])(
    "%o is no error of the library",
    (value) => {
      expect(value instanceof LimitError).toBe(false);
      expect(value instanceof AcquireTimeoutError).toBe(false);
    },
  );
});

test("every class of errors is known to the code that carries errors across channels", () => {
  const classes = Object.values(errors).filter((value) => {
    const { prototype } = value as { prototype?: unknown };
    return value === errors.LimitError || prototype instanceof errors.LimitError;
  });
  expect(new Set(limitErrorClasses)).toEqual(new Set(classes));
});
