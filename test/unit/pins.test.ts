/** Waiters and the places of partitions: one that is waited for keeps its place, and one without a place is told when there is one. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { CallLimit, LimitSet, ResourceLimit } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";

let clock: ManualClock;
const sets: LimitSet[] = [];

beforeEach(() => {
  clock = new ManualClock();
});

afterEach(() => {
  for (const set of sets.splice(0)) set.close();
});

function open(max: number, ...limits: readonly object[]) {
  const options = { limits, clock, partitions: { user: { max, whenFull: "refuse" } } } as const;
  const set = new LimitSet<string, string, "user">(options as never);
  sets.push(set as unknown as LimitSet);
  return set;
}

/** The names of the waiters that have been granted, in order. */
function granted(asked: Readonly<Record<string, Promise<unknown>>>): string[] {
  const names: string[] = [];
  for (const [name, promise] of Object.entries(asked)) promise.then(() => names.push(name)).catch(() => {});
  return names;
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));
const slots = new ResourceLimit({ key: "slots", capacity: 1 });
const each = new CallLimit({ key: "each", capacity: 1, windowMs: 1000, per: "user" });
const db = new ResourceLimit({ key: "db", capacity: 1, per: "user" });

test("a partition that is waited for keeps its place, though it has recovered", async () => {
  const set = open(1, slots, each);
  const held = await set.for({ user: null }).acquire();
  const names = granted({ a: set.for({ user: "a" }).acquire() });
  expect(set.for({ user: "b" }).tryAcquire({ slots: 0 }).successful).toBe(false);
  expect(set.partitions.user.count).toBe(1);
  held.release();
  await settled();
  expect(names).toEqual(["a"]);
});

test("a partition that is no longer waited for makes room again", async () => {
  const set = open(1, slots, each);
  await set.for({ user: null }).acquire();
  const { signal, abort } = abortable();
  const given = set.for({ user: "a" }).acquire(undefined, { signal });
  abort();
  await expect(given).rejects.toThrow();
  expect(set.for({ user: "b" }).tryAcquire({ slots: 0 }).successful).toBe(true);
});

test("a waiter without a place goes when another partition has given back all that it held", async () => {
  const set = open(1, db);
  const held = await set.for({ user: "a" }).acquire();
  const names = granted({ b: set.for({ user: "b" }).acquire(), c: set.for({ user: "c" }).acquire() });
  await settled();
  expect(names).toEqual([]);
  held.release();
  await settled();
  expect(names).toEqual(["b"]);
});

test("a waiter without a place goes when the waiter for another partition leaves", async () => {
  const set = open(1, slots, each);
  await set.for({ user: null }).acquire();
  const { signal, abort } = abortable();
  const given = set.for({ user: "a" }).acquire(undefined, { signal });
  const names = granted({ b: set.for({ user: "b" }).acquire({ slots: 0 }) });
  await settled();
  expect(names).toEqual([]);
  abort();
  await expect(given).rejects.toThrow();
  await settled();
  expect(names).toEqual(["b"]);
});

test("a partition that is waited for keeps its place while the limits of the set change", async () => {
  const set = open(1, slots, each);
  const held = await set.for({ user: null }).acquire();
  const names = granted({ a: set.for({ user: "a" }).acquire() });
  set.redefine([each, slots]);
  expect(set.for({ user: "b" }).tryAcquire({ slots: 0 }).successful).toBe(false);
  set.redefine([each]);
  await settled();
  expect(names).toEqual(["a"]);
  clock.advance(1000);
  expect(set.for({ user: "b" }).tryAcquire().successful).toBe(true);
  held.release();
});

test.each(["share", "refuse"] as const)(
  "whenFull %s: a release lets a waiter of another name go",
  async (whenFull) => {
    const two = new ResourceLimit({ key: "db", capacity: 2, per: "user" });
    const set = new LimitSet({ limits: [two], clock, partitions: { user: { max: 1, whenFull } } });
    const first = set.for({ user: "a" }).tryAcquire();
    const held = whenFull === "share" ? set.for({ user: "b" }).tryAcquire({ db: 2 }) : first;
    const names = granted({ c: set.for({ user: "c" }).acquire() });
    await settled();
    expect(names).toEqual([]);
    held.release();
    await settled();
    expect(names).toEqual(["c"]);
    expect(set.waiting).toBe(0);
  },
);

function abortable() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
