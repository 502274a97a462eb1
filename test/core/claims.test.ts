/** Order between threads, with two participants in one thread: it brings about the moments that threads would meet by chance. */
import { beforeEach, describe, expect, test } from "vitest";
import {
  CLAIM_COUNT,
  HEAD,
  PROBE,
  REFUSER,
  RESOURCE,
  SETTLE,
  SLEEPERS,
  TAKE,
  TOKEN_BUCKET,
  UNITS,
  WAKE,
} from "../../assembly/layout.ts";
import { INSIDE, LIFE, RECLAIMED, SEAT_BYTES, TAKEN } from "../../assembly/seat.ts";
import { presentBlock } from "../../src/core/block.ts";
import { openCore, SEATS } from "./core.ts";

const NOW = 1_735_689_600_000;
const GRACE_MS = 10;
const PATIENCE_MS = 50;
const micros = (ms: number) => ms * 1000;

// 10 tokens in 100 ms; 2 slots.
let core: ReturnType<typeof openCore>;
beforeEach(() => {
  core = openCore(
    [
      { kind: TOKEN_BUCKET, capacity: 10, window: 100_000 },
      { kind: RESOURCE, capacity: 2 },
    ],
    3,
  );
  for (let participant = 0; participant < 3; participant++) live(participant, LIVING | INSIDE);
});

/** The life of each participant's number. */
const LIVING = TAKEN;

function live(participant: number, life: number): void {
  new Int32Array(core.i64.buffer)[(SEATS + participant * SEAT_BYTES + LIFE) / 4] = life;
}

/** Does `action` as a participant. `since` is when the request came, in milliseconds, or 0. */
function ask(participant: number, units: [number, number], ms: number, since = 0, action = TAKE): number {
  const scratch = core.scratchOf(core.region, participant);
  core.f64.set(units, (scratch + UNITS) / 8);
  return core.transact(core.region, scratch, LIVING, ms, action, action === SETTLE ? 0 : micros(since));
}

const word = (offset: number) => new Int32Array(core.i64.buffer)[(core.region + offset) / 4]!;

function claims(): number {
  const block = presentBlock({ buffer: core.i64.buffer, start: core.region });
  return new Int32Array(core.i64.buffer)[(block + CLAIM_COUNT) / 4]!;
}

/** Participant 1 wants `units` of an empty bucket at NOW, is passed over, and has a claim 50 ms later. */
function passOver(units: [number, number] = [5, 0]): void {
  expect(ask(0, [10, 0], NOW)).toBeGreaterThan(0);
  expect(ask(1, units, NOW)).toBeLessThan(0);
  expect(claims()).toBe(0);
  expect(ask(0, [3, 0], NOW + 50)).toBeGreaterThan(0);
  expect(ask(1, units, NOW + 50, NOW)).toBeLessThan(0);
}

describe("a waiter that has been passed over", () => {
  test("claims its limits, once it has waited for longer than the grace", () => {
    expect(ask(0, [10, 0], NOW)).toBeGreaterThan(0);
    expect(ask(1, [5, 0], NOW + GRACE_MS, NOW)).toBeLessThan(0);
    expect(claims()).toBe(0);
    expect(ask(1, [5, 0], NOW + GRACE_MS + 0.001, NOW)).toBeLessThan(0);
    expect(claims()).toBe(1);
  });

  test("is passed by no later request, and lets others go after it", () => {
    passOver();
    expect(claims()).toBe(1);
    // Two tokens are there, and would do; but the claim holds until 50 ms after it was made.
    expect(ask(0, [1, 0], NOW + 60)).toBe(-40);
    expect(ask(2, [2, 0], NOW + 60)).toBe(-40);
    expect(ask(2, [1, 0], NOW + 60, 0, PROBE)).toBe(-40);
    expect(core.f64[(core.scratchOf(core.region, 2) + REFUSER) / 8]).toBe(0);
    expect(ask(1, [5, 0], NOW + 80, NOW)).toBe(micros(NOW + 80));
    expect(claims()).toBe(0);
    expect(ask(0, [1, 0], NOW + 90)).toBeGreaterThan(0);
  });

  test("does not hold back requests for other limits, of its own thread, or as old as itself", () => {
    passOver();
    expect(ask(0, [0, 1], NOW + 60)).toBeGreaterThan(0);
    expect(ask(0, [1, 0], NOW + 60, NOW + GRACE_MS)).toBeGreaterThan(0);
    expect(ask(1, [1, 0], NOW + 60)).toBeGreaterThan(0);
  });

  test("is passed where its demand would still find room", () => {
    passOver();
    expect(ask(0, [1, 0], NOW + 100)).toBeGreaterThan(0);
    // 5 of the 6 tokens are kept for it.
    expect(ask(0, [2, 0], NOW + 100)).toBeLessThan(0);
    expect(core.f64[(core.scratchOf(core.region, 0) + REFUSER) / 8]).toBe(0);
    expect(ask(0, [0, 2], NOW + 100)).toBeGreaterThan(0);
    expect(ask(1, [5, 0], NOW + 100, NOW)).toBeGreaterThan(0);
  });

  test("withdraws its claim when it leaves", () => {
    passOver();
    core.leave(core.region, core.scratchOf(core.region, 1), LIVING, 1, LIVING, micros(NOW + 1));
    expect(claims()).toBe(1);
    core.leave(core.region, core.scratchOf(core.region, 1), LIVING, 1, LIVING, micros(NOW));
    expect(claims()).toBe(0);
    expect(ask(0, [1, 0], NOW + 60)).toBeGreaterThan(0);
  });

  test("is passed by nested requests if it waits for a release, not if it waits for time", () => {
    expect(ask(0, [0, 2], NOW)).toBeGreaterThan(0);
    expect(ask(1, [10, 1], NOW + 20, NOW)).toBe(Number.NEGATIVE_INFINITY);
    expect(claims()).toBe(1);
    expect(ask(0, [1, 0], NOW + 20)).toBeLessThan(0);
    expect(ask(0, [1, 0], NOW + 20, -(NOW + 20))).toBeGreaterThan(0);
    expect(ask(0, [0, -2], -1, 0, SETTLE)).toBeGreaterThan(0);
    // Now it waits for the token that was taken.
    expect(ask(1, [10, 1], NOW + 20, NOW)).toBe(-10);
    expect(ask(2, [1, 0], NOW + 20, -(NOW + 20))).toBeLessThan(0);
    expect(ask(1, [10, 1], NOW + 30, NOW)).toBeGreaterThan(0);
  });
});

describe("a thread that does not run", () => {
  const silent = NOW + 50 + PATIENCE_MS;

  test("is asked to renew its claim, and passed if it does not", () => {
    passOver();
    const before = word(WAKE);
    Atomics.store(new Int32Array(core.i64.buffer), (core.region + SLEEPERS) / 4, 1);
    expect(ask(0, [6, 0], silent)).toBe(-PATIENCE_MS);
    expect(word(WAKE)).toBe(before + 1);
    expect(word(SLEEPERS)).toBe(0);
    expect(ask(2, [6, 0], silent + 49)).toBe(-1);
    expect(ask(2, [6, 0], silent + 50)).toBeGreaterThan(0);
  });

  test("keeps its place if it renews its claim, and has it again if it renews it too late", () => {
    passOver([10, 0]);
    expect(ask(0, [3, 0], silent)).toBe(-PATIENCE_MS);
    expect(ask(1, [10, 0], silent + 20, NOW)).toBe(-10);
    expect(ask(0, [3, 0], silent + 60)).toBe(-10);
    // Now it does not renew the claim, which is void, and is passed; then it comes back, as old as it was.
    expect(ask(0, [3, 0], silent + 70)).toBe(-PATIENCE_MS);
    expect(ask(0, [3, 0], silent + 120)).toBeGreaterThan(0);
    expect(ask(1, [10, 0], silent + 121, NOW)).toBeLessThan(0);
    expect(ask(0, [3, 0], silent + 122)).toBeLessThan(0);
    expect(claims()).toBe(1);
  });

  test("is not asked where no request could go anyway", () => {
    passOver();
    expect(ask(0, [10, 0], silent)).toBeLessThan(0);
    expect(ask(0, [7, 0], silent)).toBe(-PATIENCE_MS);
  });
});

describe("leaving", () => {
  test("gives back a participant's resources, drops its claims and wakes the sleepers", () => {
    expect(ask(1, [0, 2], NOW)).toBeGreaterThan(0);
    expect(ask(1, [5, 1], NOW + 20, NOW)).toBe(Number.NEGATIVE_INFINITY);
    expect(claims()).toBe(1);
    const before = word(WAKE);
    core.leave(core.region, core.scratchOf(core.region, 0), LIVING, 1, LIVING, 0);
    expect(claims()).toBe(0);
    expect(word(WAKE)).toBe(before + 1);
    expect(ask(0, [0, 2], NOW)).toBeGreaterThan(0);
  });

  test("does nothing in another life of the number, and a life that is over cannot go on", () => {
    expect(ask(1, [0, 2], NOW)).toBeGreaterThan(0);
    core.leave(core.region, core.scratchOf(core.region, 0), LIVING, 1, 7, 0);
    expect(ask(0, [0, 1], NOW)).toBe(Number.NEGATIVE_INFINITY);
    live(1, 6);
    const head = core.i64[(core.region + HEAD) / 8];
    expect(ask(1, [1, 0], NOW)).toBeNaN();
    expect(ask(1, [0, -1], NOW, 0, SETTLE)).toBeNaN();
    expect(core.i64[(core.region + HEAD) / 8]).toBe(head);
  });

  test("does nothing in the name of a thread whose life is over", () => {
    expect(ask(1, [0, 2], NOW)).toBeGreaterThan(0);
    live(0, RECLAIMED | INSIDE);
    core.leave(core.region, core.scratchOf(core.region, 0), LIVING, 1, LIVING, 0);
    live(0, LIVING | INSIDE);
    expect(ask(0, [0, 1], NOW)).toBe(Number.NEGATIVE_INFINITY);
  });
});

describe("entering", () => {
  const seat = SEATS + SEAT_BYTES;
  const lifeNow = () => new Int32Array(core.i64.buffer)[(seat + LIFE) / 4];

  test("raises a flag that stays up until the exit, also if the life is ended", () => {
    live(1, LIVING);
    expect(core.enter(seat, LIVING)).toBe(1);
    expect(lifeNow()).toBe(LIVING | INSIDE);
    live(1, RECLAIMED | INSIDE);
    core.exit(seat);
    expect(lifeNow()).toBe(RECLAIMED);
  });

  test("fails in a life that is over, and changes nothing", () => {
    for (const life of [0, RECLAIMED, RECLAIMED | INSIDE, 8 + LIVING, LIVING | INSIDE]) {
      live(1, life);
      expect(core.enter(seat, LIVING)).toBe(0);
      expect(lifeNow()).toBe(life);
    }
  });
});

describe("the room for claims", () => {
  test("is one for each thread and eight spare ones: a thread with many waiters leaves the others theirs", () => {
    expect(ask(0, [10, 0], NOW)).toBeGreaterThan(0);
    for (let i = 1; i <= 20; i++) ask(1, [5, 0], NOW + 30, NOW + i / 10);
    expect(claims()).toBe(1 + 8);
    ask(2, [5, 0], NOW + 30, NOW + 3);
    ask(2, [4, 1], NOW + 30, NOW + 4);
    expect(claims()).toBe(2 + 8);
    // When the thread's own claim goes, the next waiter of that thread has room.
    core.leave(core.region, core.scratchOf(core.region, 2), LIVING, 2, LIVING, micros(NOW + 3));
    expect(claims()).toBe(1 + 8);
    ask(2, [4, 1], NOW + 30, NOW + 4);
    expect(claims()).toBe(2 + 8);
    for (const participant of [1, 2]) {
      for (let i = 1; i <= 40; i++) {
        const scratch = core.scratchOf(core.region, participant);
        core.leave(core.region, scratch, LIVING, participant, LIVING, micros(NOW + i / 10));
      }
    }
    expect(claims()).toBe(0);
  });

  test.each([64, 65, 127, 200])(
    "names each limit of many: a claim for limit 0 leaves limit %i alone",
    (index) => {
      const limits = Array.from({ length: 201 }, () => ({ kind: RESOURCE, capacity: 1 }));
      core = openCore(limits, 3);
      for (let participant = 0; participant < 3; participant++) live(participant, LIVING | INSIDE);
      const only = (...indexes: number[]) =>
        limits.map((_, i) => (indexes.includes(i) ? 1 : 0)) as [number, number];
      expect(ask(0, only(0), NOW)).toBeGreaterThan(0);
      expect(ask(1, only(0, 1), NOW + 30, NOW)).toBeLessThan(0);
      expect(claims()).toBe(1);
      expect(ask(2, only(1), NOW + 30)).toBeLessThan(0);
      expect(ask(2, only(index), NOW + 30)).toBeGreaterThan(0);
    },
  );
});
