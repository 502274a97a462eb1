import { expect } from "vitest";
import { type Amounts, InvalidRequestError } from "../../../src/index.ts";
import type { Theme } from "../harness.ts";
import { calls, failure, rate, resource, used } from "../tools.ts";

type Key = "call_count" | "tokens" | "connections";

const LIMITS = [calls(10, 60_000), rate("tokens", 1000, 60_000), resource("connections", 4)] as const;

/** Requests to a set of 10 calls, 1000 tokens and 4 connections. `taken` includes automatic amounts. */
const TAKEN: readonly (readonly [title: string, requested: Amounts<Key>, taken: object])[] = [
  [
    "the amounts that are named, and 1 of the calls",
    { tokens: 100, connections: 2 },
    { call_count: 1, tokens: 100, connections: 2 },
  ],
  [
    "1 of calls and resources that are not named",
    { tokens: 5 },
    { call_count: 1, tokens: 5, connections: 1 },
  ],
  ["nothing of a rate limit that is not named", { connections: 1 }, { call_count: 1, connections: 1 }],
  ["several calls at once", { call_count: 5 }, { call_count: 5, connections: 1 }],
  [
    "nothing of a resource of which 0 is requested",
    { tokens: 5, connections: 0 },
    { call_count: 1, tokens: 5 },
  ],
  ["no call if 0 calls are requested", { tokens: 5, call_count: 0 }, { tokens: 5, connections: 1 }],
  ["nothing of a rate limit of which 0 is requested", { tokens: 0 }, { call_count: 1, connections: 1 }],
  ["nothing if 0 of everything is requested", { call_count: 0, tokens: 0, connections: 0 }, {}],
  [
    "what a request takes that does not name the limits whose amounts are undefined",
    { tokens: 5, call_count: undefined, connections: undefined },
    { call_count: 1, tokens: 5, connections: 1 },
  ],
  [
    "nothing of a rate limit whose amount is undefined",
    { tokens: undefined, connections: 2 },
    { call_count: 1, connections: 2 },
  ],
  [
    "nothing by a key that no limit has, if its amount is undefined",
    { connections: 1, whatever: undefined } as object,
    { call_count: 1, connections: 1 },
  ],
  [
    "an amount that is off by the noise of sums",
    { tokens: 2.9999999999999996 },
    { call_count: 1, connections: 1, tokens: 3 },
  ],
  [
    "the whole capacity of everything at once",
    { call_count: 10, tokens: 1000, connections: 4 },
    { call_count: 10, tokens: 1000, connections: 4 },
  ],
];

const NOTHING = { call_count: 0, tokens: 0, connections: 0 };

/** Wrong amounts. Each is requested beside an amount that would be granted. */
const REFUSED: readonly (readonly [title: string, key: string, amount: unknown])[] = [
  ["a negative amount", "tokens", -1],
  ["negative calls", "call_count", -1],
  ["a negative amount of a resource", "connections", -2],
  ["NaN", "tokens", Number.NaN],
  ["a fraction of a unit", "tokens", 0.5],
  ["a fraction of a call", "call_count", 1.5],
  ["a fraction of a resource", "connections", 1.5],
  ["infinity", "tokens", Number.POSITIVE_INFINITY],
  ["minus infinity", "tokens", Number.NEGATIVE_INFINITY],
  ["an amount in words", "tokens", "5"],
  ["null", "tokens", null],
  ["an unknown key", "tokns", 5],
  ["0 of an unknown key", "tokns", 0],
];

const IMPOSSIBLE: readonly (readonly [title: string, key: Key, amount: number, capacity: number])[] = [
  ["calls", "call_count", 11, 10],
  ["tokens", "tokens", 1001, 1000],
  ["connections", "connections", 5, 4],
];

export const requests: Theme = ({ it }) => {
  it("acquire without amounts takes 1 of every call limit and resource limit", async (create) => {
    const { limits } = await create([calls(10, 60_000), resource("connections", 4)]);
    expect((await limits.acquire()).requested).toEqual({ call_count: 1, connections: 1 });
    expect((await limits.acquire({})).requested).toEqual({ call_count: 1, connections: 1 });
    expect(await used(limits)).toEqual({ call_count: 2, connections: 2 });
  });

  it("acquire without amounts is an error if the set has a rate limit, and takes nothing", async (create) => {
    const { limits } = await create(LIMITS);
    await expect(limits.acquire()).rejects.toBeInstanceOf(InvalidRequestError);
    await expect(limits.acquire({})).rejects.toBeInstanceOf(InvalidRequestError);
    expect(await failure(() => limits.tryAcquire())).toBeInstanceOf(InvalidRequestError);
    expect(await used(limits)).toEqual(NOTHING);
  });

  for (const [title, requested, taken] of TAKEN) {
    it(`acquire takes ${title}`, async (create) => {
      const { limits } = await create(LIMITS);
      const acq = await limits.acquire(requested);
      expect(acq.requested).toEqual(taken);
      expect(await used(limits)).toEqual({ ...NOTHING, ...taken });
    });

    it(`tryAcquire takes ${title}`, async (create) => {
      const { limits } = await create(LIMITS);
      const acq = await limits.tryAcquire(requested);
      expect(acq).toMatchObject({ successful: true, retryAfterMs: 0, limitedBy: [] });
      expect(acq.requested).toEqual(taken);
      expect(await used(limits)).toEqual({ ...NOTHING, ...taken });
    });
  }

  for (const [title, key, amount] of REFUSED) {
    it(`a request of ${title} is an error that names the key, and takes nothing`, async (create) => {
      const { limits } = await create(LIMITS);
      const requested = { tokens: 7, [key]: amount } as Partial<Record<Key, number>>;
      for (const attempt of [() => limits.acquire(requested), () => limits.tryAcquire(requested)]) {
        const error = await failure(attempt);
        expect(error).toBeInstanceOf(InvalidRequestError);
        expect(error.message).toContain(key);
      }
      expect(await used(limits)).toEqual(NOTHING);
    });
  }

  for (const [title, key, amount, capacity] of IMPOSSIBLE) {
    it(`a request of more ${title} than the capacity is an error, and takes nothing`, async (create) => {
      const { limits } = await create(LIMITS);
      const requested = { tokens: 7, [key]: amount };
      for (const attempt of [() => limits.acquire(requested), () => limits.tryAcquire(requested)]) {
        const error = await failure(attempt);
        expect(error).toBeInstanceOf(InvalidRequestError);
        expect(error.message).toMatch(/never/);
        expect(error.message).toContain(key);
        expect(error.message).toContain(String(amount));
        expect(error.message).toContain(String(capacity));
      }
      expect(await used(limits)).toEqual(NOTHING);
    });
  }

  it("a request of more than the burst of a GCRA is an error", async (create) => {
    const { limits } = await create([rate("x", 10, 1000, { algorithm: "gcra", burst: 3 })]);
    const error = await failure(() => limits.acquire({ x: 4 }));
    expect(error).toBeInstanceOf(InvalidRequestError);
    expect(error.message).toMatch(/never/);
    expect(error.message).toContain("3");
  });

  it("a limit that a request leaves out does not refuse it", async (create) => {
    const { limits } = await create(LIMITS);
    await limits.acquire({ connections: 4 });
    expect((await limits.tryAcquire({ tokens: 1 })).successful).toBe(false);
    expect((await limits.tryAcquire({ tokens: 1, connections: 0 })).successful).toBe(true);
  });

  it("amounts are multiples of the unit, in spite of floating-point errors", async (create) => {
    const { limits } = await create([rate("x", 1, 60_000, { unit: 0.1 })]);
    expect((await limits.tryAcquire({ x: 0.1 + 0.2 })).successful).toBe(true);
    expect(await failure(() => limits.tryAcquire({ x: 0.25 }))).toBeInstanceOf(InvalidRequestError);
    expect((await limits.tryAcquire({ x: 0.7 })).successful).toBe(true);
    expect((await limits.tryAcquire({ x: 0.1 })).successful).toBe(false);
  });

  it("a request that can never be granted is an error at once, even behind waiters", async (create) => {
    const { limits, settle } = await create([resource("db", 2)]);
    await limits.acquire({ db: 2 });
    const waiter = limits.acquire({ db: 1 });
    waiter.catch(() => {});
    await settle();
    expect((await failure(() => limits.acquire({ db: 3 }))).message).toMatch(/never/);
  });
};
