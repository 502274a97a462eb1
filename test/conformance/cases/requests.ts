import { expect } from "vitest";
import { InvalidRequestError } from "../../../src/index.ts";
import type { Theme } from "../harness.ts";
import { calls, failure, rate, resource, used } from "../tools.ts";

type Key = "call_count" | "tokens" | "connections";

const LIMITS = [calls(10, 60_000), rate("tokens", 1000, 60_000), resource("connections", 4)] as const;

/** With calls of 10, tokens of 1000 and connections of 4; what is `taken` includes what is automatic. */
const TAKEN: readonly (readonly [title: string, requested: Partial<Record<Key, number>>, taken: object])[] = [
  [
    "amounts are taken as named, and 1 of the calls",
    { tokens: 100, connections: 2 },
    { call_count: 1, tokens: 100, connections: 2 },
  ],
  [
    "1 of calls and resources that are not named",
    { tokens: 5 },
    { call_count: 1, tokens: 5, connections: 1 },
  ],
  ["a rate that is not named is left alone", { connections: 1 }, { call_count: 1, connections: 1 }],
  ["several calls at once", { call_count: 5 }, { call_count: 5, connections: 1 }],
  ["0 leaves a resource out", { tokens: 5, connections: 0 }, { call_count: 1, tokens: 5 }],
  ["0 leaves the calls out", { tokens: 5, call_count: 0 }, { tokens: 5, connections: 1 }],
  ["0 leaves a rate out", { tokens: 0 }, { call_count: 1, connections: 1 }],
  ["0 of everything takes nothing", { call_count: 0, tokens: 0, connections: 0 }, {}],
  [
    "exactly the capacity of everything passes",
    { call_count: 10, tokens: 1000, connections: 4 },
    { call_count: 10, tokens: 1000, connections: 4 },
  ],
];

const NOTHING = { call_count: 0, tokens: 0, connections: 0 };

/** Each stands beside amounts that would do. */
const REFUSED: readonly (readonly [title: string, key: string, amount: unknown])[] = [
  ["a negative amount", "tokens", -1],
  ["negative calls", "call_count", -1],
  ["a negative part of a resource", "connections", -2],
  ["NaN", "tokens", Number.NaN],
  ["a fraction of a unit", "tokens", 0.5],
  ["a fraction of a call", "call_count", 1.5],
  ["a fraction of a resource", "connections", 1.5],
  ["infinity", "tokens", Number.POSITIVE_INFINITY],
  ["minus infinity", "tokens", Number.NEGATIVE_INFINITY],
  ["an amount in words", "tokens", "5"],
  ["null", "tokens", null],
  ["undefined", "tokens", undefined],
  ["undefined calls", "call_count", undefined],
  ["an unknown key", "tokns", 5],
  ["0 of an unknown key", "tokns", 0],
];

const IMPOSSIBLE: readonly (readonly [title: string, key: Key, amount: number, capacity: number])[] = [
  ["calls", "call_count", 11, 10],
  ["tokens", "tokens", 1001, 1000],
  ["connections", "connections", 5, 4],
];

export const requests: Theme = ({ it }) => {
  it("acquire() takes one of every call and resource limit", async (create) => {
    const { limits } = await create([calls(10, 60_000), resource("connections", 4)]);
    expect((await limits.acquire()).requested).toEqual({ call_count: 1, connections: 1 });
    expect((await limits.acquire({})).requested).toEqual({ call_count: 1, connections: 1 });
    expect(await used(limits)).toEqual({ call_count: 2, connections: 2 });
  });

  it("acquire() of a set with a rate is an error, and takes nothing", async (create) => {
    const { limits } = await create(LIMITS);
    await expect(limits.acquire()).rejects.toBeInstanceOf(InvalidRequestError);
    await expect(limits.acquire({})).rejects.toBeInstanceOf(InvalidRequestError);
    expect(await failure(() => limits.tryAcquire())).toBeInstanceOf(InvalidRequestError);
    expect(await used(limits)).toEqual(NOTHING);
  });

  for (const [title, requested, taken] of TAKEN) {
    it(`${title}`, async (create) => {
      const { limits } = await create(LIMITS);
      const acq = await limits.acquire(requested);
      expect(acq.requested).toEqual(taken);
      expect(await used(limits)).toEqual({ ...NOTHING, ...taken });
    });

    it(`${title}: tryAcquire alike`, async (create) => {
      const { limits } = await create(LIMITS);
      const acq = await limits.tryAcquire(requested);
      expect(acq).toMatchObject({ successful: true, retryAfterMs: 0, limitedBy: [] });
      expect(acq.requested).toEqual(taken);
      expect(await used(limits)).toEqual({ ...NOTHING, ...taken });
    });
  }

  for (const [title, key, amount] of REFUSED) {
    it(`${title} is an error that names the key, and takes nothing`, async (create) => {
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
    it(`more ${title} than the capacity could never pass, and nothing is taken`, async (create) => {
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

  it("more than the burst of a GCRA could never pass", async (create) => {
    const { limits } = await create([rate("x", 10, 1000, { algorithm: "gcra", burst: 3 })]);
    const error = await failure(() => limits.acquire({ x: 4 }));
    expect(error).toBeInstanceOf(InvalidRequestError);
    expect(error.message).toMatch(/never/);
    expect(error.message).toContain("3");
  });

  it("a limit that is left out cannot refuse", async (create) => {
    const { limits } = await create(LIMITS);
    await limits.acquire({ connections: 4 });
    expect((await limits.tryAcquire({ tokens: 1 })).successful).toBe(false);
    expect((await limits.tryAcquire({ tokens: 1, connections: 0 })).successful).toBe(true);
  });

  it("amounts are multiples of the unit, however floating point shows them", async (create) => {
    const { limits } = await create([rate("x", 1, 60_000, { unit: 0.1 })]);
    expect((await limits.tryAcquire({ x: 0.1 + 0.2 })).successful).toBe(true);
    expect(await failure(() => limits.tryAcquire({ x: 0.25 }))).toBeInstanceOf(InvalidRequestError);
    expect((await limits.tryAcquire({ x: 0.7 })).successful).toBe(true);
    expect((await limits.tryAcquire({ x: 0.1 })).successful).toBe(false);
  });

  it("a request that could never pass is refused at once even behind waiters", async (create) => {
    const { limits, settle } = await create([resource("db", 2)]);
    await limits.acquire({ db: 2 });
    const waiter = limits.acquire({ db: 1 });
    waiter.catch(() => {});
    await settle();
    expect((await failure(() => limits.acquire({ db: 3 }))).message).toMatch(/never/);
  });
};
