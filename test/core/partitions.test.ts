/** The tables of partitions by themselves: room, the shared state, tiers, chunks, memory. */
import { beforeEach, describe, expect, test } from "vitest";
import { INSPECT, PROBE, RESET, RESUME, SETTLE, TAKE, UNITS } from "../../assembly/layout.ts";
import { CHUNK_COUNT, CHUNKS_USED, HAND, TABLES } from "../../assembly/partitions/layout.ts";
import { Arena } from "../../src/core/arena.ts";
import type { Definition } from "../../src/core/kinds.ts";
import { lay } from "../../src/core/lay.ts";
import { Partitions } from "../../src/core/partitions.ts";

const START = Date.UTC(2026, 0, 1);
const bucket = (capacity: number, windowMs = 1000, rest: Partial<Definition> = {}): Definition => ({
  kind: "token-bucket",
  capacity,
  ceiling: capacity,
  windowMicros: windowMs * 1000,
  flags: 0,
  per: 0,
  ...rest,
});

const ofAll = (capacity: number): Definition => {
  const { per: _, ...rest } = bucket(capacity);
  return rest;
};

let arena: Arena;
beforeEach(() => {
  arena = new Arena(false);
});

class Table {
  readonly partitions: Partitions;
  readonly #count: number;
  readonly #start: number;
  readonly #scratch: number;

  constructor(definitions: readonly Definition[], max: number, refuses = false) {
    this.#count = definitions.length;
    this.#start = lay(arena, { definitions, participants: 1 }).start;
    this.#scratch = arena.core.scratchOf(this.#start, 0) >>> 0;
    this.partitions = new Partitions(arena, this.#start, definitions, [{ max, refuses }]);
  }

  call(
    action: number,
    name: string | undefined,
    units: readonly number[],
    ms: number,
    tier = 0,
    since = 0,
  ): number {
    this.partitions.name(0, name === undefined ? undefined : this.partitions.hash(name), tier);
    arena.f64.set(units, (this.#scratch + UNITS) / 8);
    const per = this.partitions.start;
    return arena.core.transactPer(per, this.#start, this.#scratch, 0, START + ms, action, since, 0, 0);
  }

  change(action: number, name: string, units: readonly number[], ms: number): void {
    this.partitions.name(0, this.partitions.hash(name));
    arena.f64.set(units, (this.#scratch + UNITS) / 8);
    arena.core.changePer(this.partitions.start, this.#start, this.#scratch, 0, START + ms, action);
  }

  /** Whether one unit of the first limit was granted. */
  take(name: string, ms: number, count = 1, tier = 0): boolean {
    return this.call(TAKE, name, [count, ...Array.from({ length: this.#count - 1 }, () => 0)], ms, tier) >= 0;
  }

  used(name: string | undefined, ms: number, tier = 0): number {
    this.call(INSPECT, name, [], ms, tier);
    return arena.f64[(this.#scratch + UNITS) / 8]!;
  }
}

describe("where there is no room", () => {
  test("names share one state, and a known name keeps its own", () => {
    const table = new Table([bucket(2)], 3);
    for (const name of ["a", "b", "c"]) expect(table.take(name, 0)).toBe(true);
    expect(table.partitions.count(0)).toBe(3);
    expect(table.take("d", 0)).toBe(true);
    expect(table.partitions.sharedTaken).toBe(1);
    expect(table.take("e", 0)).toBe(true);
    expect(table.take("f", 0)).toBe(false);
    expect(table.take("a", 0)).toBe(true);
    expect(table.partitions.sharedTaken).toBe(0);
    expect(table.take("a", 0)).toBe(false);
    expect(table.partitions.isShared(0)).toBe(true);
  });

  test("a name of which one line of places is full takes a place in the next line", () => {
    const table = new Table([bucket(2)], 12);
    const LINES = 3;
    const lineOf = (word: number) => Math.floor(((word - 2 ** 52) * LINES) / 2 ** 32);
    const linesOf = (name: string) => table.partitions.hash(name).slice(0, 2).map(lineOf).join(" ");
    const names = Array.from({ length: 2000 }, (_, i) => `name ${i}`);
    const full = names.filter((name) => linesOf(name) === "0 0").slice(0, 8);
    for (const name of full) expect(table.take(name, 0, 2)).toBe(true);
    for (const name of names.filter((each) => linesOf(each) === "0 1").slice(0, 4)) {
      expect(table.take(name, 0, 2)).toBe(true);
      expect(table.take(name, 0)).toBe(false);
    }
    expect(table.partitions.count(0)).toBe(12);
    for (const name of full) expect(table.take(name, 0)).toBe(false);
  });

  test("a name takes from the shared state until it has recovered, also where places are free", () => {
    const table = new Table([bucket(2, 1000)], 3);
    for (const name of ["a", "b", "c"]) table.take(name, 0);
    table.take("d", 0, 2);
    // The others have recovered; the shared state has not.
    expect(table.take("d", 600)).toBe(true);
    expect(table.take("d", 600)).toBe(false);
    expect(table.take("d", 900)).toBe(false);
    expect(table.partitions.isShared(0)).toBe(true);
    expect(table.take("d", 2000, 2)).toBe(true);
    expect(table.partitions.isShared(0)).toBe(false);
    expect(table.partitions.sharedTaken).toBe(0);
  });

  test("with refusal, the limits of the dimension refuse until one has recovered, and the others do not", () => {
    const table = new Table([bucket(2), ofAll(100)], 2, true);
    table.take("a", 0, 1);
    table.take("b", 0, 2);
    const answer = table.call(TAKE, "c", [1, 1], 100);
    expect(answer).toBe(-400);
    expect(table.call(TAKE, "c", [0, 1], 100)).toBeGreaterThan(0);
    expect(table.call(PROBE, "c", [1, 0], 500)).toBeGreaterThan(0);
    expect(table.take("c", 500)).toBe(true);
    expect(table.partitions.count(0)).toBe(2);
  });

  test("where all hold resources, the refusal awaits a release", () => {
    const table = new Table(
      [{ kind: "resource", capacity: 2, ceiling: 2, windowMicros: 0, flags: 0, per: 0 }],
      1,
      true,
    );
    const token = table.call(TAKE, "a", [1], 0);
    expect(table.call(TAKE, "b", [1], 1e6)).toBe(Number.NEGATIVE_INFINITY);
    table.call(SETTLE, "a", [-1], 1e6, 0, token);
    expect(table.take("b", 1e6)).toBe(true);
  });

  test("a refund goes to the state that was taken from", () => {
    const table = new Table([bucket(4, 1000)], 1);
    const own = table.call(TAKE, "x", [2], 0);
    // "x" recovers and makes room for "a"; the others share.
    table.take("a", 600, 4);
    const shared = table.call(TAKE, "b", [3], 700);
    expect(table.partitions.sharedTaken).toBe(1);
    // What "x" took from a state of its own gives nothing back to the shared one.
    table.partitions.sharedTaken = 0;
    table.call(SETTLE, "x", [-2], 700, 0, own);
    expect(table.used("b", 700)).toBe(3);
    table.partitions.sharedTaken = 1;
    table.call(SETTLE, "b", [-2], 700, 0, shared);
    expect(table.used("c", 700)).toBe(1);
  });

  test("a name that shares does not forget what others have taken", () => {
    const table = new Table([bucket(2, 1000)], 1);
    table.take("a", 0);
    table.take("b", 0, 2);
    table.change(RESET, "c", [0], 0);
    table.change(RESUME, "c", [0], 0);
    expect(table.take("c", 0)).toBe(false);
  });
});

test("asking for a name makes no room for it, nor does a request that takes nothing of it", () => {
  const table = new Table([bucket(2), { ...bucket(1), kind: "unlimited" }], 10);
  table.call(PROBE, "a", [1, 1], 0);
  table.call(INSPECT, "a", [], 0);
  table.call(TAKE, "a", [3, 1], 0);
  table.call(TAKE, "a", [0, 1], 0);
  expect(table.partitions.count(0)).toBe(0);
});

test("thousands of names find a place, and keep it while others recover", () => {
  const table = new Table([bucket(10, 60_000)], 5000);
  for (let i = 0; i < 5000; i++) expect(table.take(`name ${i}`, 0, 5)).toBe(true);
  expect(table.partitions.count(0)).toBe(5000);
  for (let i = 0; i < 5000; i += 2) table.take(`name ${i}`, 29_000, 5);
  for (let i = 0; i < 2500; i++) table.take(`other ${i}`, 31_000, 10);
  for (let i = 0; i < 5000; i += 2) expect([i, table.used(`name ${i}`, 31_000)]).toEqual([i, 5]);
  expect(table.partitions.isShared(0)).toBe(false);
  expect(table.partitions.count(0)).toBe(5000);
});

describe("tiers", () => {
  const tiers = [bucket(100, 1000)];

  test("a partition that is taken from under another tier keeps what it has used", () => {
    const table = new Table([bucket(10, 1000, { tiers })], 10);
    table.take("a", 0, 5);
    expect(table.used("a", 0, 1)).toBe(5);
    expect(table.take("a", 0, 95, 1)).toBe(true);
    expect(table.take("a", 0, 1, 1)).toBe(false);
    // Back to less: nothing passes before what is used has leaked to that.
    expect(table.used("a", 0)).toBe(100);
    expect(table.call(TAKE, "a", [1], 0)).toBe(-910);
    expect(table.take("a", 909.999)).toBe(false);
    expect(table.take("a", 910)).toBe(true);
    expect(table.take("b", 0, 11)).toBe(false);
    expect(table.take("b", 0, 10)).toBe(true);
  });

  test("what is asked under another tier changes nothing", () => {
    const table = new Table([bucket(10, 1000, { tiers })], 10);
    table.take("a", 0, 10);
    table.call(PROBE, "a", [50], 0, 1);
    expect(table.take("a", 99, 1)).toBe(false);
    expect(table.take("a", 100, 1)).toBe(true);
  });

  test("a refund after a change of tier gives back what was not used", () => {
    const table = new Table([bucket(10, 1000, { tiers })], 10);
    const token = table.call(TAKE, "a", [8], 0);
    table.take("a", 0, 1, 1);
    table.call(SETTLE, "a", [-8], 0, 0, token);
    expect(table.used("a", 0, 1)).toBe(1);
  });

  test.each([
    ["wide debts", bucket(10 ** 9 + 7, 3_600_000)],
    ["no limit", { ...bucket(1), kind: "unlimited", ceiling: Number.MAX_SAFE_INTEGER } as Definition],
  ])("a tier may have %s", (_, tier) => {
    const table = new Table([bucket(10, 1000, { tiers: [tier] }), bucket(3, 1000)], 10);
    expect(table.take("a", 0, 4)).toBe(true);
    expect(table.take("a", 0, 5_000_000, 1)).toBe(true);
    expect(table.take("a", 0, 5_000_000, 1)).toBe(true);
    expect(table.call(TAKE, "a", [0, 3], 0, 1)).toBeGreaterThan(0);
    expect(table.call(TAKE, "a", [0, 1], 0)).toBeLessThan(0);
    expect(table.take("b", 0, 10)).toBe(true);
    expect(table.take("b", 0, 1)).toBe(false);
  });

  test("a sliding window keeps its log", () => {
    const sliding = (capacity: number): Definition => ({ ...bucket(capacity), kind: "sliding-window" });
    const table = new Table([{ ...sliding(10), tiers: [sliding(20)] }], 10);
    for (let i = 0; i < 10; i++) expect(table.take("a", i * 10)).toBe(true);
    expect(table.take("a", 100)).toBe(false);
    for (let i = 0; i < 10; i++) expect(table.take("a", 100 + i * 10, 1, 1)).toBe(true);
    expect(table.call(TAKE, "a", [1], 200, 1)).toBe(-800);
    expect(table.used("a", 1045)).toBe(15);
  });
});

test("where no chunk is left, a log admits later, and never earlier", () => {
  const sliding: Definition = { ...bucket(100), kind: "sliding-window" };
  const table = new Table([sliding], 10);
  const words = new Int32Array(arena.memory.buffer, table.partitions.start);
  words[CHUNK_COUNT / 4] = 1;
  for (let i = 0; i < 50; i++) expect(table.take("a", i)).toBe(true);
  expect(words[CHUNKS_USED / 4]).toBe(1);
  expect(table.used("a", 50)).toBe(50);
  expect(table.used("a", 1003)).toBe(46);
  expect(table.used("a", 1048)).toBe(46);
  expect(table.used("a", 1049)).toBe(0);
  // It has recovered, so that another gets its chunk.
  for (let i = 0; i < 5; i++) table.take("b", 1100 + i);
  for (let i = 0; i < 3; i++) table.take("c", 1100);
  expect(table.used("b", 2101)).toBe(3);
});

test("memory is all 0 when it is given back, and what was not used was not touched", () => {
  const table = new Table([bucket(10, 60_000), { ...bucket(50, 60_000), kind: "sliding-window" }], 1000);
  for (let i = 0; i < 300; i++) table.call(TAKE, `name ${i % 100}`, [1, 1], i);
  table.take("x", 3_600_000);
  const { start } = table.partitions;
  table.partitions.free();
  const next = arena.allocate(200_000);
  expect(arena.f64.subarray(Math.min(start, next) / 8).every((word) => word === 0)).toBe(true);
});

describe("a search in a full table", () => {
  const HOUR_MS = 3_600_000;
  const hours = (count: number) => Array.from({ length: count }, () => bucket(9, HOUR_MS));

  test.each([1, 8, 16, 64])("looks at the fewer partitions the more limits they have: %i", (count) => {
    const max = 5000;
    const table = new Table(hours(count), max, true);
    for (let i = 0; i < max; i++) table.take(`user ${i}`, 0);
    const words = new Int32Array(arena.memory.buffer);
    const hand = () => words[(words[(table.partitions.start + TABLES) / 4]! + HAND) / 4]!;
    const before = hand();
    expect(table.take("new", 1)).toBe(false);
    const looks = (hand() - before + max) % max;
    expect(looks).toBeGreaterThan(200);
    expect(looks * count).toBeLessThanOrEqual(18_432);
    if (count === 1) expect(looks).toBe(64 + 4096);
  });

  test("finds the only partition of hundreds with many limits that has recovered", () => {
    const table = new Table(hours(16), 500);
    for (let i = 0; i < 500; i++) table.take(`user ${i}`, i === 77 ? 0 : HOUR_MS / 20);
    expect(table.take("new", HOUR_MS / 9)).toBe(true);
    expect(table.partitions.isShared(0)).toBe(false);
    expect(table.take("newer", HOUR_MS / 9)).toBe(true);
    expect(table.partitions.isShared(0)).toBe(true);
  });
});
