/** Invalid options and classes throw at once, and the error names the option. */
import { InvalidLimitError, LimitSet, ResourceLimit } from "limitset";
import { InvalidWorkerError, Worker } from "limitset/worker";
import { describe, expect, test } from "vitest";
import { Crew } from "./crew.js";
import { crew, ELSEWHERE, stopped } from "./pools.ts";

const invalid = (options: object, Class: { options: unknown } = Crew) => {
  try {
    (Class as { options(given: object): unknown }).options(options);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidWorkerError);
    expect(error).toMatchObject({ code: "ERR_INVALID_WORKER", name: "InvalidWorkerError" });
    return (error as Error).message;
  }
  return undefined;
};

describe("options", () => {
  test.each([
    [{ mode: "threads" }, 'mode must be "sync" or "async" or "thread" or "process", got "threads"'],
    [{ maxWorkers: 0 }, "maxWorkers must be a whole number from 1 to 1000, got 0"],
    [{ maxWorkers: 1.5 }, "maxWorkers must be a whole number from 1 to 1000, got 1.5"],
    [{ maxWorkers: "4" }, 'maxWorkers must be a whole number from 1 to 1000, got "4"'],
    [
      { mode: "thread", entry: 5 },
      "entry must be a URL, or a function that starts a thread and returns it, got 5",
    ],
    [{ mode: "process", entry: () => ({}) }, 'entry must be a URL, in mode "process", got a function'],
    [{ limits: 5 }, "limits must be a set of limits or a list of limits, got 5"],
    [{ limits: null }, "limits must be a set of limits or a list of limits, got null"],
    [
      { loadBalancing: "toString" },
      'loadBalancing must be "round-robin" or "least-active" or "random", got "toString"',
    ],
    [{ numRetries: -1 }, "numRetries must be a whole number from 0, or Infinity, got -1"],
    [{ numRetries: Number.NaN }, "numRetries must be a whole number from 0, or Infinity, got NaN"],
    [{ retryOn: "Error" }, 'retryOn must be a class of errors, a function, or a list of these, got "Error"'],
    [{ retryOn: [Error, 5] }, "retryOn must be a class of errors, a function, or a list of these, got 5"],
    [{ retryUntil: true }, "retryUntil must be a function or a list of functions, got true"],
    [
      { retryAlgorithm: "square" },
      'retryAlgorithm must be "exponential" or "linear" or "fibonacci", got "square"',
    ],
    [{ retryWaitMs: -1 }, "retryWaitMs must be a number of milliseconds from 0, got -1"],
    [
      { retryMaxWaitMs: 10 },
      "retryMaxWaitMs must be a number of milliseconds from 1000, which is retryWaitMs, got 10",
    ],
    [{ retryJitter: 1.1 }, "retryJitter must be a fraction from 0 to 1, got 1.1"],
    [{ signal: new AbortController() }, "signal must be an AbortSignal, got an object"],
    [{ methods: 5 }, "methods must be an object: retries by the names of methods, got 5"],
    [{ clock: {} }, "clock must be a Clock: an object with now, setTimeout and clearTimeout, got an object"],
    [
      { methods: { add: { numRetries: -1 } } },
      "numRetries must be a whole number from 0, or Infinity, got -1",
    ],
  ])("%j", (options, message) => {
    expect(invalid(options)).toBe(message);
  });

  test("retry options for a name that is not a method", () => {
    expect(invalid({ methods: { subtract: {} } })).toMatch(
      /^methods names "subtract", which is not a method: there are "where", "add"/,
    );
  });

  test("a list with an invalid limit", () => {
    expect(() => Crew.options({ limits: [{ type: "resource", key: "db", capacity: -1 }] })).toThrow(
      InvalidLimitError,
    );
  });

  test("no options", () => {
    expect(invalid(undefined as never)).toBe("options must be an object, got undefined");
  });
});

describe("classes", () => {
  test.each(ELSEWHERE)("mode %s: without a module", (mode) => {
    class Homeless extends Worker {}
    expect(invalid({ mode }, Homeless)).toMatch(
      /needs to find the class Homeless .*`static module = import.meta.url`/,
    );
  });

  test.each(ELSEWHERE)("mode %s: not exported by the module", async (mode) => {
    class Hidden extends Crew {}
    const worker = stopped(Hidden.options({ mode }).init() as unknown as ReturnType<typeof crew>);
    await expect(worker.add(1, 1)).rejects.toThrow(/exports no class of that name/);
  });

  test.each(ELSEWHERE)("mode %s: with a module that does not exist", async (mode) => {
    class Lost extends Crew {
      static override module = new URL("./lost.js", import.meta.url).href;
    }
    const worker = stopped(Lost.options({ mode }).init() as unknown as ReturnType<typeof crew>);
    await expect(worker.add(1, 1)).rejects.toThrow(/lost\.js/);
  });

  test("with a method of a reserved name", () => {
    class Stopper extends Worker {
      stop() {}
    }
    expect(invalid({}, Stopper)).toBe("a method cannot be called stop: workers have one");
  });

  test("a worker offers methods of the class and those between, but not those of Worker or Object", () => {
    class Elder extends Worker {
      first() {
        return 1;
      }
    }
    class Younger extends Elder {
      field = () => 0;
      get getter() {
        return () => 0;
      }
      second() {
        return 2;
      }
    }
    const worker = stopped(Younger.options({}).init());
    expect(Object.keys(worker).sort()).toEqual(["first", "second", "stop"]);
  });

  test("an object made with new has the empty set", async () => {
    const object = new Crew("alone");
    expect(object.limits).toBeInstanceOf(LimitSet);
    expect(await object.keep()).toEqual({});
  });

  test("in this thread, init() throws the error of the constructor, and closes the private set", () => {
    const limits = [new ResourceLimit({ key: "db", capacity: 1 })];
    expect(() => crew({ limits, maxWorkers: 3 }, "late")).toThrow("no more come in");
  });

  test("a worker is not a promise", async () => {
    const worker = crew({});
    expect(await worker).toBe(worker);
  });
});

test.each([-1, Number.NaN, "5"])(
  "stop() with timeoutMs %j rejects, and the worker goes on",
  async (timeoutMs) => {
    const worker = crew({});
    await expect(worker.stop({ timeoutMs: timeoutMs as number })).rejects.toThrow(/timeoutMs must be/);
    expect(await worker.add(1, 1)).toBe(2);
  },
);
