/** The transaction that redefines a set, with two participants in one thread. */
import { beforeEach, describe, expect, test } from "vitest";
import {
  CLAIM_COUNT,
  HEAD,
  INHERIT_USED,
  LATEST,
  OWN,
  PROBE,
  RESOURCE,
  SETTLE,
  SLIDING_WINDOW,
  TAKE,
  TOKEN_BUCKET,
  UNITS,
  WAKE,
} from "../../assembly/layout.ts";
import { INSIDE, LIFE, SEAT_BYTES, TAKEN } from "../../assembly/seat.ts";
import { presentBlock } from "../../src/core/block.ts";
import { type LimitRow, openCore, SEATS } from "./core.ts";

const NOW = 1_735_689_600_000;
const MOVED = -Number.MAX_VALUE / 2;
const LIVING = TAKEN;

const CALLS: LimitRow = { kind: TOKEN_BUCKET, capacity: 10, window: 1_000_000 };
const SLOTS: LimitRow = { kind: RESOURCE, capacity: 2 };

/** An heir of old limit `index`, with units that are charged to it. */
type Heir = readonly [index: number, lost?: number];

let core: ReturnType<typeof openCore>;
let rooms: number;
beforeEach(() => {
  core = openCore([CALLS, SLOTS], 2);
  rooms = core.region + 65_536;
  live(0, LIVING | INSIDE);
  live(1, LIVING | INSIDE);
});

function live(participant: number, life: number): void {
  new Int32Array(core.i64.buffer)[(SEATS + participant * SEAT_BYTES + LIFE) / 4] = life;
}

function scratchOf(region: number, participant: number, units: readonly number[]): number {
  const scratch = core.scratchOf(region, participant);
  core.f64.set(units, (scratch + UNITS) / 8);
  return scratch;
}

function ask(region: number, participant: number, units: readonly number[], action = TAKE, ms = NOW): number {
  return core.transact(region, scratchOf(region, participant, units), LIVING, ms, action, 0);
}

/** Lays out a region for the new limits, with the request for participant `by`. */
function lay(limits: readonly LimitRow[], heirs: readonly Heir[], by = 0, number = 1): number {
  const start = rooms;
  rooms += 32_768;
  const sizes = limits.map(({ kind }) => [core.stateBytes(kind, 2), core.logBytes(kind)] as const);
  const before = (i: number, which: 0 | 1) => sizes.slice(0, i).reduce((sum, size) => sum + size[which], 0);
  const { length } = limits;
  core.format(start, length, before(length, 0), before(length, 1), 2, SEATS, core.region, number);
  limits.forEach(({ kind, capacity, ceiling = capacity, window = 1_000_000 }, i) => {
    core.define(start, i, kind, capacity, ceiling, window, before(i, 0), before(i, 1), 0);
  });
  const plan = [heirs.map(([index]) => index), heirs.map(() => 1), heirs.map(([, lost = 0]) => lost)];
  scratchOf(start, by, plan.flat());
  return start;
}

function redefine(from: number, to: number, by = 0, ms = NOW): number {
  return core.redefine(from, core.scratchOf(from, by), LIVING, to, ms, INHERIT_USED);
}

const long = (at: number) => Number(core.i64[at / 8]!);
const block = () => presentBlock({ buffer: core.i64.buffer, start: core.region });

describe("a redefinition", () => {
  test("moves the head to a block of the new region, with what was used, and the time", () => {
    expect(ask(core.region, 0, [6, 1])).toBe(NOW * 1000);
    const next = lay([SLOTS, { ...CALLS, capacity: 20 }], [[1], [0]]);
    const version = core.i64[(core.region + HEAD) / 8]! >> 26n;
    expect(redefine(core.region, next, 0, NOW + 1)).toBe((NOW + 1) * 1000);
    expect(core.i64[(core.region + HEAD) / 8]! >> 26n).toBe(version + 1n);
    expect(block()).toBe(new Int32Array(core.i64.buffer)[(core.scratchOf(next, 0) + OWN) / 4]);
    expect(long(block() + LATEST)).toBe((NOW + 1) * 1000);
    // 6 of 20 are used, and one of the two slots.
    expect(ask(next, 1, [0, 15], TAKE, NOW + 1)).toBeLessThan(0);
    expect(ask(next, 1, [1, 14], TAKE, NOW + 1)).toBeGreaterThan(0);
    expect(ask(next, 1, [1, 0], TAKE, NOW + 1)).toBe(Number.NEGATIVE_INFINITY);
    // Each gives back its own slot.
    ask(next, 0, [-1, 0], SETTLE);
    ask(next, 0, [-1, 0], SETTLE);
    expect(ask(next, 0, [2, 0], TAKE, NOW + 1)).toBe(Number.NEGATIVE_INFINITY);
    expect(ask(next, 0, [1, 0], TAKE, NOW + 1)).toBeGreaterThan(0);
  });

  test("leaves a region where no transaction does anything any more", () => {
    const next = lay([CALLS], [[0]]);
    redefine(core.region, next);
    const before = core.i64[(core.region + HEAD) / 8];
    for (const action of [TAKE, PROBE, SETTLE]) expect(ask(core.region, 1, [1, 0], action)).toBe(MOVED);
    const scratch = core.scratchOf(core.region, 1);
    expect(core.correct(core.region, scratch, LIVING, NOW, 5_000_000, 0)).toBe(MOVED);
    expect(core.leave(core.region, scratch, LIVING, 1, LIVING, 0)).toBe(0);
    expect(redefine(core.region, lay([CALLS], [[0]], 1), 1)).toBe(MOVED);
    expect(core.i64[(core.region + HEAD) / 8]).toBe(before);
    expect(core.leave(next, core.scratchOf(next, 1), LIVING, 1, LIVING, 0)).toBe(1);
  });

  test("follows another one, into a region of another shape", () => {
    const log: LimitRow = { kind: SLIDING_WINDOW, capacity: 5 };
    const first = lay([CALLS, log], [[0], [-1]]);
    redefine(core.region, first);
    expect(ask(first, 1, [4, 3])).toBeGreaterThan(0);
    const second = lay([log, log, SLOTS], [[1], [-1, 5], [-1]], 1, 2);
    expect(redefine(first, second, 1)).toBeGreaterThan(0);
    expect(ask(first, 0, [1, 1])).toBe(MOVED);
    expect(ask(second, 0, [3, 0, 0])).toBeLessThan(0);
    expect(ask(second, 0, [2, 0, 2])).toBeGreaterThan(0);
    // A limit that is added may begin used up.
    expect(ask(second, 0, [0, 1, 0])).toBe(-1000);
  });

  test("in the name of a thread whose life is over does nothing", () => {
    const next = lay([CALLS], [[0]]);
    live(0, 0);
    expect(redefine(core.region, next)).toBeNaN();
    expect(ask(core.region, 1, [1, 0])).toBeGreaterThan(0);
  });

  test("drops the claims of waiters, and wakes all sleepers", () => {
    expect(ask(core.region, 0, [10, 0])).toBeGreaterThan(0);
    const scratch = scratchOf(core.region, 1, [5, 0]);
    core.transact(core.region, scratch, LIVING, NOW + 50, TAKE, NOW * 1000);
    const claims = () => new Int32Array(core.i64.buffer)[(block() + CLAIM_COUNT) / 4];
    expect(claims()).toBe(1);
    const wakes = () => new Int32Array(core.i64.buffer)[(core.region + WAKE) / 4]!;
    const before = wakes();
    redefine(core.region, lay([CALLS, SLOTS], [[0], [1]]), 0, NOW + 50);
    expect(claims()).toBe(0);
    expect(wakes()).toBe(before + 1);
  });

  test("with a reading that is behind the state happens at the state's time", () => {
    expect(ask(core.region, 0, [10, 0])).toBeGreaterThan(0);
    const next = lay([CALLS], [[0]]);
    expect(redefine(core.region, next, 0, NOW - 60_000)).toBe(NOW * 1000);
    expect(ask(next, 0, [1])).toBe(-100);
  });
});
