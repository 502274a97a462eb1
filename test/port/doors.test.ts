/**
 * The doors of both sides: whatever arrives, a listener never throws, since a throw would end the program. Endpoints may hand
 * over live objects, so the values here go far beyond those that structured cloning carries.
 */

import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LimitSet } from "../../src/index.ts";
import { connectLimits, type Endpoint, serveLimits } from "../../src/port/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { calls, rate, resource } from "../conformance/tools.ts";

const { LIMITSET_SEED }: { LIMITSET_SEED?: string } = process.env;
const seed = Number(LIMITSET_SEED ?? 20_261_127);

const unhandled: unknown[] = [];
const note = (error: unknown) => unhandled.push(error);
beforeAll(() => void process.on("unhandledRejection", note));
afterAll(() => void process.off("unhandledRejection", note));

const refuse = () => {
  throw new Error("not to be read");
};
const TRAPS: ProxyHandler<never> = {
  get: refuse,
  has: refuse,
  ownKeys: refuse,
  getPrototypeOf: refuse,
  getOwnPropertyDescriptor: refuse,
  set: refuse,
  defineProperty: refuse,
};

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

/** Values that throw when they are converted, read, listed or iterated, and values of unusual kinds and sizes. */
const HOSTILE: Readonly<Record<string, () => unknown>> = {
  "an object without conversions": () => ({ toString: 0, valueOf: 0 }),
  "an object without a prototype": () => Object.create(null),
  "conversions that throw": () => ({ toString: refuse, valueOf: refuse, [Symbol.toPrimitive]: refuse }),
  "getters that throw": () =>
    Object.defineProperties(
      {},
      Object.fromEntries(
        [
          "limitset",
          "to",
          "session",
          "ops",
          "then",
          "type",
          "key",
          "length",
          "name",
          "code",
          "message",
          0,
        ].map((key) => [key, { get: refuse, enumerable: true }]),
      ),
    ),
  "a thenable that throws": () => Object.defineProperty({}, `${"then"}`, { get: refuse }),
  "a proxy of an object": () => new Proxy({}, TRAPS as ProxyHandler<object>),
  "a proxy of an array": () => new Proxy([2, 1], TRAPS as ProxyHandler<number[]>),
  "a proxy of a function": () => new Proxy(() => {}, TRAPS as ProxyHandler<() => void>),
  "a revoked proxy": () => revoked({}),
  "a revoked proxy of an array": () => revoked([]),
  "a circle": () => {
    const circle: Record<string, unknown> = {};
    Object.assign(circle, { toString: circle, self: circle });
    return circle;
  },
  "an array of itself": () => {
    const circle: unknown[] = [];
    circle.push(circle, circle);
    return circle;
  },
  "an array that cannot be iterated": () =>
    Object.assign([1, 2, 3], { [Symbol.iterator]: 0, map: 0, filter: 0 }),
  "an array whose elements throw": () =>
    Object.defineProperty([0, 0, 0], 1, { get: refuse, enumerable: true }),
  "an array of 4,294,967,295 holes": () => new Array(2 ** 32 - 1),
  "an array of 100,000": () => new Array(100_000).fill(null),
  "a bigint": () => 10n,
  "a bigint of a million bits": () => 2n ** 1_000_000n,
  "-0": () => -0,
  NaN: () => Number.NaN,
  Infinity: () => Number.POSITIVE_INFINITY,
  "no date": () => new Date(Number.NaN),
  "a date": () => new Date(0),
  "a symbol": () => Symbol("a symbol"),
  "a function": () => refuse,
  "a map": () => new Map([[{}, {}]]),
  "a long string": () => "x".repeat(100_000),
  "an own __proto__": () => JSON.parse('{"__proto__": {"toString": 0}, "constructor": 0}') as unknown,
  "an error without conversions": () =>
    Object.assign(Object.create(Error.prototype), { message: { toString: 0 }, name: Symbol("name") }),
};

const NAMES = Object.keys(HOSTILE);

/** Stands for a hostile value until the value is used: fast-check looks at what it makes. */
class Named {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** The value, with hostile values where they are named. */
function real(value: unknown): unknown {
  if (value instanceof Named) return HOSTILE[value.name]!();
  if (Array.isArray(value)) return value.map(real);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, real(each)]));
}

const hostile = fc.constantFrom(...NAMES).map((name) => new Named(name));
const small = fc.constantFrom(0, 1, 2, 3, 7, -1, 0.5, null, undefined, "", "x", true);
const value: fc.Arbitrary<unknown> = fc.oneof(
  small,
  hostile,
  fc.array(fc.oneof(small, hostile), { maxLength: 4 }),
  fc.dictionary(
    fc.constantFrom("type", "key", "capacity", "windowMs", "code", "name", "fields"),
    fc.oneof(small, hostile),
  ),
);
/** Operations of all kinds that exist, and two that do not; most of their values fit nothing. */
const operation = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fc.integer({ min: 0, max: 11 }), value, value, value, value, value, value),
  },
  { weight: 1, arbitrary: value },
);
const ops = fc.oneof(
  { weight: 6, arbitrary: fc.array(operation, { maxLength: 5 }) },
  { weight: 1, arbitrary: value },
);
const message = (to: "host" | "peer") =>
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        limitset: fc.constant(""),
        to: fc.constant(to),
        session: fc.constantFrom(0, 7),
        ops,
      }),
    },
    { weight: 1, arbitrary: fc.record({ limitset: value, to: value, session: value, ops: value }) },
    { weight: 1, arbitrary: value },
  );

/** An endpoint in the test's hands: `hear` is the door, `sent` is what came out. */
function door() {
  let heard: (message: unknown) => void = () => {};
  const sent: { session: number; ops: unknown[][] }[] = [];
  const endpoint: Endpoint = {
    send: (message) => void sent.push(message as never),
    receive(listener) {
      heard = listener;
      return () => {
        heard = () => {};
      };
    },
    ended: () => {},
  };
  return { endpoint, sent, hear: (message: unknown) => heard(message) };
}

const READ = 9;
const MARK = 9;

function host() {
  const set = new LimitSet({
    limits: [resource("db", 4), rate("tokens", 100, 1000), calls(1000, 1000)],
    clock: new ManualClock(),
  });
  const ends = door();
  const service = serveLimits(set, ends.endpoint);
  const say = (...ops: unknown[]) => ends.hear({ limitset: "", to: "host", session: 7, ops });
  /** Confirms all that the host has sent so far, as an honest peer does. */
  const confirm = () => {
    for (const { ops } of ends.sent.splice(0)) {
      for (const [kind, nonce] of ops) if (kind === MARK) say([READ, nonce]);
    }
  };
  return { set, service, say, confirm, ...ends };
}

function peer() {
  const ends = door();
  const limits = connectLimits<"db" | "tokens">(ends.endpoint);
  const say = (...ops: unknown[]) => ends.hear({ limitset: "", to: "peer", session: 0, ops });
  const welcome = () =>
    say(
      [
        1,
        2,
        [
          { type: "resource", key: "db", capacity: 4 },
          { type: "rate", key: "tokens", capacity: 100, windowMs: 1000 },
        ],
        {},
        "throw",
        false,
        1000,
      ],
      [MARK, 5, 0],
    );
  return { limits, say, welcome, ...ends };
}

/** Asks of every kind, and what comes of each: "done", or the code of its error. */
function outcomesOf(limits: ReturnType<typeof peer>["limits"]): Promise<unknown>[] {
  const asked = [limits.acquire({ db: 1, tokens: 1 }), limits.tryAcquire({ tokens: 1 }), limits.stats()];
  return asked.map((each) =>
    Promise.resolve<unknown>(each).then(
      () => "done",
      (error: unknown) => (error as { code?: unknown }).code,
    ),
  );
}

describe("the door of a host", () => {
  test.each(NAMES)("%s as the version of the first message of a session", async (name) => {
    const { say } = host();
    expect(() => say([0, HOSTILE[name]!()])).not.toThrow();
    await nextTurn();
    expect(unhandled).toEqual([]);
  });

  test.each(NAMES)("%s in every place of a message and of each operation", async (name) => {
    const { say, hear, confirm, set } = host();
    const make = HOSTILE[name]!;
    expect(() => {
      hear(make());
      for (const key of ["limitset", "to", "session", "ops"]) {
        hear({ limitset: "", to: "host", session: 7, ops: [[0, 2]], [key]: make() });
      }
      hear({ limitset: "", to: "host", session: 8, ops: [make(), [make()]] });
    }).not.toThrow();
    for (let kind = 0; kind < 12; kind++) {
      for (let place = 1; place < 5; place++) {
        say([0, 2]);
        await nextTurn();
        confirm();
        const op: unknown[] = [kind, kind * 10 + place, 0, [null, 1, null], null];
        op[place] = make();
        expect(() => say(op)).not.toThrow();
        if (place > 1)
          expect(() => say([kind, kind * 10 + place, 0, [make(), make(), make()], null])).not.toThrow();
        await nextTurn();
      }
    }
    expect(unhandled).toEqual([]);
    expect(set.stats().db.used).toBeLessThanOrEqual(4);
  });

  test(`any messages, with seed ${seed}`, { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(message("host"), { maxLength: 20 }), async (messages) => {
        const { hear, say, confirm, set, service } = host();
        say([0, 2]);
        for (const each of messages) {
          await nextTurn();
          confirm();
          hear(real(each));
        }
        await nextTurn();
        expect(unhandled).toEqual([]);
        service.stop();
        await nextTurn();
        expect(set.stats().db.used).toBe(0);
        expect(set.waiting).toBe(0);
        set.close();
      }),
      { seed, numRuns: 1_000 },
    );
  });

  test("a set whose methods throw at once fails the request, not the host", async () => {
    const { set, say, confirm, sent } = host();
    let number = 0;
    say([0, 2]);
    await nextTurn();
    confirm();
    for (const thrown of [new TypeError("oops"), HOSTILE["an object without conversions"]!(), revoked({})]) {
      for (const method of ["acquire", "tryAcquire", "stats"]) {
        Object.defineProperty(set, method, {
          configurable: true,
          value: () => {
            throw thrown;
          },
        });
      }
      const ops = [
        [2, ++number, 0, [null, 1, null], null],
        [3, ++number, [null, 1, null]],
        [6, ++number],
      ];
      expect(() => say(...ops)).not.toThrow();
      await nextTurn();
    }
    const answers = sent.flatMap(({ ops }) => ops);
    expect(answers.map(([kind]) => kind)).toEqual(new Array(9).fill(4));
    expect(unhandled).toEqual([]);
    expect(JSON.stringify(sent)).toContain("the host failed");
  });
});

describe("the door of a peer", () => {
  test.each(NAMES)("%s in every place of a message and of each operation", async (name) => {
    const make = HOSTILE[name]!;
    for (let kind = 0; kind < 12; kind++) {
      for (let place = 1; place < 7; place++) {
        const { say, hear, welcome, limits } = peer();
        if (place % 2 === 0) welcome();
        const outcomes = outcomesOf(limits);
        await nextTurn();
        expect(() => {
          hear(make());
          for (const key of ["limitset", "to", "session", "ops"]) {
            hear({ limitset: "", to: "peer", session: 0, ops: [[0]], [key]: make() });
          }
          say(make());
          for (let number = 1; number <= 3; number++) {
            const op: unknown[] = [kind, number, null, [0], {}, null, null];
            op[place] = make();
            say(op);
          }
        }).not.toThrow();
        await nextTurn();
        limits.close();
        for (const outcome of await Promise.all(outcomes)) expect(outcome).toMatch(/^(done|ERR_.*)$/);
      }
    }
    expect(unhandled).toEqual([]);
  });

  test(`any messages, with seed ${seed}`, { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.array(message("peer"), { maxLength: 20 }),
        async (isWelcome, messages) => {
          const { hear, welcome, limits } = peer();
          if (isWelcome) welcome();
          const outcomes = outcomesOf(limits);
          for (const each of messages) {
            await nextTurn();
            hear(real(each));
          }
          limits.close();
          for (const outcome of await Promise.all(outcomes)) expect(outcome).toMatch(/^(done|ERR_.*)$/);
          expect(unhandled).toEqual([]);
        },
      ),
      { seed, numRuns: 1_000 },
    );
  });
});
