import { expect } from "vitest";
import { InvalidLimitError, InvalidRequestError, type Limits, ResourceLimit } from "../../../src/index.ts";
import { START, type Theme } from "../harness.ts";
import {
  ALGORITHMS,
  calls,
  callsBy,
  counting,
  failure,
  rate,
  resource,
  states,
  take,
  watch,
} from "../tools.ts";

type Key = "call_count" | "calls" | "db" | "other" | "x" | "x2";

/** The set with the names of limits that it has later. */
function open(limits: unknown): Limits<Key> {
  return limits as Limits<Key>;
}

const MODES = [
  ["used", { used: 60, available: 140 }, { used: 60, available: -40 }],
  ["available", { used: 160, available: 40 }, { used: 0, available: 20 }],
  ["proportional", { used: 120, available: 80 }, { used: 12, available: 8 }],
  ["fresh", { used: 0, available: 200 }, { used: 0, available: 20 }],
] as const;

export const redefining: Theme = ({ it }) => {
  it("a larger capacity is there at once, and its waiter goes", ["redefines"], async (create) => {
    const { limits, settle } = await create([rate("tokens", 100, 1000)]);
    await take(limits, { tokens: 60 });
    const waiter = watch(limits.acquire({ tokens: 90 }));
    await settle();
    expect(waiter.state).toBe("pending");
    await limits.redefine([rate("tokens", 200, 1000)]);
    await settle();
    expect(waiter.state).toBe("granted");
    expect((await limits.stats()).tokens).toMatchObject({ capacity: 200, used: 150, available: 50 });
  });

  it(
    "a smaller capacity may leave less than nothing, which leaks at the new rate",
    ["redefines"],
    async (create) => {
      const { limits, clock } = await create([rate("tokens", 100, 1000)]);
      await take(limits, { tokens: 60 });
      await limits.redefine([rate("tokens", 20, 1000)]);
      expect((await limits.stats()).tokens).toMatchObject({ capacity: 20, used: 60, available: -40 });
      expect((await limits.tryAcquire({ tokens: 1 })).retryAfterMs).toBe(2050);
      await clock.set(START + 2049.999);
      expect((await limits.tryAcquire({ tokens: 1 })).successful).toBe(false);
      await clock.set(START + 2050);
      expect((await limits.tryAcquire({ tokens: 1 })).successful).toBe(true);
    },
  );

  it("a smaller resource takes nothing away", ["redefines"], async (create) => {
    const { limits, settle } = await create([resource("db", 10)]);
    const held = [];
    for (const db of [1, 1, 1, 1, 4]) held.push(await take(limits, { db }));
    await limits.redefine([resource("db", 5)]);
    expect((await limits.stats()).db).toMatchObject({ capacity: 5, used: 8, available: -3 });
    const waiter = watch(limits.acquire({ db: 1 }));
    for (const acquisition of held.slice(0, 3)) await acquisition.release();
    await settle();
    expect(waiter.state).toBe("pending");
    await held[3]!.release();
    await settle();
    expect(waiter.state).toBe("granted");
    await held[4]!.release();
    await waiter.value.release();
    await settle();
    expect((await limits.stats()).db.used).toBe(0);
  });

  it("a waiter that could never pass under the new limits rejects at once", ["redefines"], async (create) => {
    const { limits, settle } = await create([resource("db", 10)]);
    await take(limits, { db: 8 });
    const waiters = [watch(limits.acquire({ db: 7 })), watch(limits.acquire({ db: 5 }))];
    await settle();
    await limits.redefine([resource("db", 5)]);
    await settle();
    expect(states(waiters)).toEqual(["rejected", "pending"]);
    expect(waiters[0]!.reason).toBeInstanceOf(InvalidRequestError);
    expect((await limits.stats()).db).toMatchObject({ used: 8, waiting: 1 });
  });

  it("in a longer window, what is used leaks at the new rate", ["redefines"], async (create) => {
    const { limits, clock } = await create([rate("x", 100, 1000)]);
    await take(limits, { x: 100 });
    await clock.advance(500);
    await limits.redefine([rate("x", 100, 2000)]);
    expect((await limits.stats()).x).toMatchObject({ windowMs: 2000, used: 50 });
    await clock.advance(500);
    expect((await limits.stats()).x.used).toBe(25);
    expect((await limits.tryAcquire({ x: 100 })).retryAfterMs).toBe(500);
  });

  it("a fixed window keeps the count of its present window", ["redefines"], async (create) => {
    const { limits, clock } = await create([rate("x", 100, 1000, { algorithm: "fixed-window" })]);
    await clock.advance(300);
    await take(limits, { x: 60 });
    await limits.redefine([rate("x", 80, 1000, { algorithm: "fixed-window" })]);
    const tried = await limits.tryAcquire({ x: 21 });
    expect(tried).toMatchObject({ successful: false, retryAfterMs: 700 });
    await take(limits, { x: 20 });
    await clock.advance(700);
    expect((await limits.stats()).x.used).toBe(0);
  });

  it("waiters of a limit that is dropped go on without it", ["redefines"], async (create) => {
    const { limits, settle } = await create([rate("x", 10, 1000), resource("db", 1)]);
    await take(limits, { x: 0 });
    const waiters = [watch(limits.acquire({ x: 4 })), watch(limits.acquire({ x: 7 }))];
    await settle();
    await limits.redefine([rate("x", 10, 1000)]);
    await settle();
    expect(limits.keys).toEqual(["x"]);
    expect(states(waiters)).toEqual(["granted", "pending"]);
    expect(waiters[0]!.value.requested).toEqual({ x: 4 });
    const error = await failure(() => limits.tryAcquire({ db: 1 }));
    expect(error).toBeInstanceOf(InvalidRequestError);
  });

  it("a limit that is added begins at its initial amount", ["redefines"], async (create) => {
    const set = await create([rate("x", 10, 1000)]);
    const limits = open(set.limits);
    await limits.redefine([
      { ...callsBy("calls", 10, 1000), initial: 3 },
      rate("x", 10, 1000),
      counting("x2", "x", 8, 1000),
    ]);
    expect(limits.keys).toEqual(["calls", "x", "x2"]);
    const stats = await limits.stats();
    expect([stats.calls.available, stats.x.available, stats.x2.available]).toEqual([3, 10, 8]);
    const taken = await take(limits, { x: 5 });
    expect(taken.requested).toEqual({ call_count: 1, x: 5 });
    expect((await limits.tryAcquire({ x: 4 })).limitedBy).toEqual(["x2"]);
    expect(limits.get("calls")).toMatchObject({ type: "call", capacity: 10 });
  });

  it("a bad definition is an error, and nothing changes", ["redefines"], async (create) => {
    const { limits } = await create([rate("x", 10, 1000)]);
    await take(limits, { x: 4 });
    for (const bad of [[{ type: "rate" }], [rate("x", 1, 1), rate("x", 2, 1)], "x", undefined]) {
      expect(await failure(() => limits.redefine(bad as never))).toBeInstanceOf(InvalidLimitError);
    }
    const mine = new RangeError("mine");
    const failing = () => {
      throw mine;
    };
    expect(await failure(() => limits.redefine(failing))).toBe(mine);
    expect((await limits.stats()).x).toMatchObject({ capacity: 10, used: 4 });
  });

  it("an option that makes no sense is an error, and nothing changes", ["redefines"], async (create) => {
    const { limits } = await create([rate("x", 10, 1000)]);
    for (const options of [{ inherit: "all" }, { version: -1 }, { version: 0.5 }, { verison: 1 }]) {
      const error = await failure(() => limits.redefine([rate("x", 5, 1000)], options as never));
      expect(error).toBeInstanceOf(InvalidRequestError);
    }
    expect(limits.get("x").capacity).toBe(10);
  });

  it("the function form has the present limits", ["redefines"], async (create) => {
    const { limits } = await create([rate("x", 10, 1000), resource("db", 3)]);
    for (const capacity of [20, 40]) {
      await limits.redefine((current) =>
        current.map((limit) => (limit.key === "x" ? { ...limit, capacity: 2 * limit.capacity } : limit)),
      );
      expect(limits.get("x").capacity).toBe(capacity);
    }
    await limits.redefine((current) => current.slice(1));
    expect(limits.keys).toEqual(["db"]);
  });

  for (const [inherit, larger, smaller] of MODES) {
    it(`inherit "${inherit}"`, ["redefines"], async (create) => {
      for (const [capacity, expected] of [
        [200, larger],
        [20, smaller],
      ] as const) {
        const { limits } = await create([rate("x", 100, 1000)]);
        await take(limits, { x: 60 });
        await limits.redefine([rate("x", capacity, 1000)], { inherit });
        expect((await limits.stats()).x).toMatchObject(expected);
      }
    });
  }

  for (const algorithm of ALGORITHMS) {
    it(`what is used stays used as a ${algorithm}`, ["redefines"], async (create) => {
      for (const before of ALGORITHMS) {
        const { limits } = await create([rate("x", 10, 1000, { algorithm: before })]);
        await take(limits, { x: 6 });
        await limits.redefine([rate("x", 10, 1000, { algorithm })]);
        expect([before, (await limits.stats()).x.used]).toEqual([before, 6]);
      }
    });
  }

  it("an open acquisition speaks of the limits that it was granted under", ["redefines"], async (create) => {
    const set = await create([resource("db", 5), rate("x", 100, 1000)]);
    const limits = open(set.limits);
    const held = await take(limits, { x: 60, db: 3 });
    await limits.redefine([resource("other", 4), rate("x", 50, 1000), resource("db", 2)]);
    expect(held.requested).toEqual({ x: 60, db: 3 });
    expect(await failure(() => held.update({ other: 1 } as never))).toBeInstanceOf(InvalidRequestError);
    await held.update({ x: 10 });
    await held.release();
    await set.settle();
    const stats = await limits.stats();
    expect([stats.other.used, stats.x.used, stats.db.used]).toEqual([0, 10, 0]);
  });

  it(
    "the release of an acquisition from before wakes waiters from before and after",
    ["redefines"],
    async (create) => {
      const { limits, settle } = await create([rate("x", 100, 1000), resource("db", 1)]);
      const held = await take(limits, { x: 0 });
      const waiters = [watch(limits.acquire({ x: 0 }))];
      await settle();
      await limits.redefine([resource("db", 2), rate("x", 100, 1000)]);
      waiters.push(watch(limits.acquire({ x: 0 })));
      await settle();
      expect(states(waiters)).toEqual(["granted", "pending"]);
      await held.release();
      await settle();
      expect(states(waiters)).toEqual(["granted", "granted"]);
      for (const waiter of waiters) await waiter.value.release();
      await settle();
      expect((await limits.stats()).db.used).toBe(0);
    },
  );

  it("a waiter that is granted after a change has the new limits", ["redefines"], async (create) => {
    const set = await create([resource("db", 1), rate("x", 100, 1000)]);
    const limits = open(set.limits);
    const held = await take(limits, { x: 0 });
    const waiter = watch(limits.acquire({ x: 50 }));
    await set.settle();
    await limits.redefine([calls(10, 1000), rate("x", 100, 1000), resource("db", 1)]);
    await held.release();
    await set.settle();
    const granted = waiter.value;
    expect(granted.requested).toEqual({ call_count: 1, x: 50, db: 1 });
    await granted.update({ x: 20 });
    await granted.release();
    await set.settle();
    const stats = await limits.stats();
    expect([stats.call_count.used, stats.x.used, stats.db.used]).toEqual([1, 20, 0]);
  });

  it("an acquisition of several limits ago still gives back what it holds", ["redefines"], async (create) => {
    const { limits, settle } = await create([resource("db", 9), rate("x", 100, 1000)]);
    const held = await take(limits, { db: 4, x: 50 });
    await limits.redefine([rate("x", 100, 1000), resource("db", 9)]);
    const later = await take(limits, { db: 2, x: 10 });
    await limits.redefine([rate("x", 200, 1000), resource("db", 9)]);
    expect((await limits.stats()).db.used).toBe(6);
    await held.update({ x: 20 });
    await held.release();
    await settle();
    expect([(await limits.stats()).db.used, (await limits.stats()).x.used]).toEqual([2, 30]);
    await later.update({ x: 0 });
    await later.release();
    await settle();
    expect([(await limits.stats()).db.used, (await limits.stats()).x.used]).toEqual([0, 20]);
  });

  it("a limit that was dropped and is added again is another one", ["redefines"], async (create) => {
    const set = await create([resource("db", 5), rate("x", 100, 1000)]);
    const limits = open(set.limits);
    const held = await take(limits, { x: 60, db: 3 });
    await limits.redefine([]);
    await limits.redefine([resource("db", 5), rate("x", 100, 1000)]);
    await take(limits, { x: 50, db: 4 });
    await held.update({ x: 0 });
    await held.release();
    await set.settle();
    const stats = await limits.stats();
    expect([stats.x.used, stats.db.used]).toEqual([50, 4]);
  });

  it("a resource that becomes a rate is another limit", ["redefines"], async (create) => {
    const set = await create([resource("x", 5)]);
    const limits = open(set.limits);
    const held = await take(limits, { x: 3 });
    await limits.redefine([rate("x", 5, 1000)]);
    await take(limits, { x: 4 });
    await held.release();
    await set.settle();
    expect((await limits.stats()).x.used).toBe(4);
    await limits.redefine([new ResourceLimit({ key: "x", capacity: 5 })]);
    expect((await limits.stats()).x.used).toBe(0);
  });

  it(
    "after fresh, acquisitions from before give back resources and nothing else",
    ["redefines"],
    async (create) => {
      const { limits, settle } = await create([resource("db", 5), rate("x", 100, 1000)]);
      const held = await take(limits, { db: 3, x: 60 });
      await limits.redefine((current) => current, { inherit: "fresh" });
      expect([(await limits.stats()).db.used, (await limits.stats()).x.used]).toEqual([3, 0]);
      await take(limits, { db: 1, x: 40 });
      await held.update({ x: 0 });
      await held.release();
      await settle();
      expect([(await limits.stats()).db.used, (await limits.stats()).x.used]).toEqual([1, 40]);
    },
  );

  it("a nested request is made under the new limits", ["redefines"], async (create) => {
    const set = await create([resource("db", 1), rate("x", 100, 1000)]);
    const limits = open(set.limits);
    const outer = await take(limits, { x: 10 });
    await limits.redefine([rate("x", 100, 1000), calls(10, 1000), resource("db", 1)]);
    const inner = watch(outer.acquire({ x: 5 }));
    await set.settle();
    expect(inner.value.requested).toEqual({ x: 5, call_count: 1 });
    await inner.value.update({ x: 5 });
    await inner.value.release();
    await outer.update({ x: 10 });
    await outer.release();
    await set.settle();
    const stats = await limits.stats();
    expect([stats.db.used, stats.call_count.used, stats.x.used]).toEqual([0, 1, 15]);
  });

  it("definitions of a lower version change nothing", ["redefines"], async (create) => {
    const { limits } = await create([rate("x", 10, 1000)]);
    const capacities = [];
    for (const [capacity, version] of [
      [20, 3],
      [30, 2],
      [40, undefined],
      [50, 2],
      [60, 3],
      [70, 4],
    ] as const) {
      await limits.redefine([rate("x", capacity, 1000)], version === undefined ? {} : { version });
      capacities.push(limits.get("x").capacity);
    }
    expect(capacities).toEqual([20, 20, 40, 40, 60, 70]);
  });
};
