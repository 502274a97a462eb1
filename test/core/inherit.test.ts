/** What a limit that is defined anew keeps of its state, read and written by the core itself. */
import { describe, expect, test } from "vitest";
import {
  FIXED_WINDOW,
  GCRA,
  HELD,
  IN_USE,
  INHERIT_AVAILABLE,
  INHERIT_FRESH,
  INHERIT_PROPORTIONAL,
  INHERIT_USED,
  INSPECT,
  LATEST,
  LEAKY_BUCKET,
  RESOURCE,
  SETTLE,
  SLIDING_WINDOW,
  STATES,
  TAKE,
  TOKEN_BUCKET,
  UNITS,
  WIDE_BUCKET,
  WIDE_LEAKY_BUCKET,
} from "../../assembly/layout.ts";
import { presentBlock } from "../../src/core/block.ts";
import { type Core, instantiateDebug, type LimitRow, layRegion } from "./core.ts";

const NOW = 1_735_689_600_000;
const [OLD, NEW] = [32_768, 262_144];
const BYTES = 131_072;

function copyOf({ buffer }: WebAssembly.Memory, start: number, end: number): Buffer {
  return Buffer.from(new Uint8Array(buffer).slice(start, end));
}

function presentOf({ i64, region }: Core): number {
  return presentBlock({ buffer: i64.buffer, start: region });
}

/** Lets a limit take, as `take` does, and returns it defined anew. */
function redefined(
  old: LimitRow,
  next: LimitRow,
  mode: number,
  taken: readonly (readonly [atMs: number, units: number])[],
  { nowMs = 0, ratio = 1, participants = 1 } = {},
): Core {
  const heap = instantiateDebug();
  heap.memory.grow(15);
  const from = layRegion(heap, OLD, [old], participants);
  const to = layRegion(heap, NEW, [next], participants);
  for (const [atMs, units] of taken) {
    from.request([units]);
    expect(from.transact(OLD, from.scratch, 0, NOW + atMs, TAKE, 0)).toBeGreaterThan(0);
  }
  const before = copyOf(heap.memory, OLD, OLD + BYTES);
  const now = (NOW + nowMs) * 1000;
  to.inherit(OLD, presentOf(from), 0, NEW, presentOf(to), 0, from.scratch, now, mode, ratio);
  expect(copyOf(heap.memory, OLD, OLD + BYTES).equals(before)).toBe(true);
  to.i64[(presentOf(to) + LATEST) / 8] = BigInt(now);
  return to;
}

function used(core: Core, nowMs = 0): number {
  core.transact(NEW, core.scratch, 0, NOW + nowMs, INSPECT, 0);
  return core.f64[(core.scratch + UNITS) / 8]!;
}

function tries(core: Core, units: number, nowMs = 0): number {
  core.request([units]);
  return core.transact(NEW, core.scratch, 0, NOW + nowMs, TAKE, 0);
}

const HUGE = 2 ** 50;
const RATES: Readonly<Record<string, LimitRow>> = {
  "token bucket": { kind: TOKEN_BUCKET, capacity: 100 },
  gcra: { kind: GCRA, capacity: 100, ceiling: 50 },
  "leaky bucket": { kind: LEAKY_BUCKET, capacity: 100 },
  "sliding window": { kind: SLIDING_WINDOW, capacity: 100 },
  "fixed window": { kind: FIXED_WINDOW, capacity: 100 },
  "wide bucket": { kind: WIDE_BUCKET, capacity: 100, window: 3_000_000 },
  "wide leaky bucket": { kind: WIDE_LEAKY_BUCKET, capacity: 100, window: 3_000_000 },
};
const PAIRS = Object.keys(RATES).flatMap((old) => Object.keys(RATES).map((next) => [old, next] as const));

describe("every kind of rate becomes every other", () => {
  test.each(PAIRS)("%s to %s: what is used stays used", (old, next) => {
    const core = redefined(RATES[old]!, RATES[next]!, INHERIT_USED, [[0, 30]]);
    expect(used(core)).toBe(30);
  });

  test.each(PAIRS)("%s to %s: fresh is as never used", (old, next) => {
    const core = redefined(RATES[old]!, RATES[next]!, INHERIT_FRESH, [[0, 30]]);
    expect(used(core)).toBe(0);
  });

  test.each(PAIRS)("%s to %s: the share that is used stays the same", (old, next) => {
    const larger = { ...RATES[next]!, capacity: 1000, ceiling: 700 };
    const core = redefined(RATES[old]!, larger, INHERIT_PROPORTIONAL, [[0, 30]]);
    const ceiling = RATES[old]!.ceiling ?? 100;
    expect(used(core)).toBe(Math.ceil((30 * 700) / ceiling));
  });

  test.each(PAIRS)("%s to %s: what is available stays available", (old, next) => {
    const ceiling = RATES[old]!.ceiling ?? 100;
    for (const capacity of [1000, 90, 40]) {
      const core = redefined(
        RATES[old]!,
        { ...RATES[next]!, capacity, ceiling: capacity },
        INHERIT_AVAILABLE,
        [[0, 30]],
      );
      expect(used(core)).toBe(Math.max(0, capacity - (ceiling - 30)));
    }
  });

  test.each(PAIRS)("%s to %s: units of another size, rounded up", (old, next) => {
    const core = redefined(RATES[old]!, RATES[next]!, INHERIT_USED, [[0, 30]], { ratio: 0.25 });
    expect(used(core)).toBe(8);
  });
});

test("a debt keeps its part of a unit, rounded up to the new definition's parts", () => {
  // 30 units of 7 in 3 s: after 1 s 7/3 have leaked out, and 27 2/3 are left.
  const old = { kind: TOKEN_BUCKET, capacity: 7, ceiling: 100, window: 3_000_000 };
  const core = redefined(old, { kind: TOKEN_BUCKET, capacity: 10, ceiling: 100 }, INHERIT_USED, [[0, 30]], {
    nowMs: 1000,
  });
  expect(used(core, 1000)).toBe(28);
  // 100 units have room when all 27 2/3 have leaked out: that takes 2.766667 s.
  expect(tries(core, 100, 1000)).toBeCloseTo(-2766.667, 3);
});

test("a wide debt becomes a narrow one and back without a loss", () => {
  const wide = { kind: WIDE_BUCKET, capacity: HUGE, window: 3_000_001 };
  const core = redefined(wide, { kind: TOKEN_BUCKET, capacity: 1000, ceiling: 1000 }, INHERIT_USED, [
    [0, 777],
  ]);
  expect(used(core)).toBe(777);
  const back = redefined({ kind: TOKEN_BUCKET, capacity: 1000 }, wide, INHERIT_USED, [[0, 777]]);
  expect(used(back)).toBe(777);
});

test("reservations from before refund what the debt has not been below, and never more", () => {
  const core = redefined(
    { kind: TOKEN_BUCKET, capacity: 100 },
    { kind: TOKEN_BUCKET, capacity: 200, window: 2_000_000 },
    INHERIT_USED,
    [
      [0, 60],
      [100, 20],
    ],
    { nowMs: 400 },
  );
  // 60, less 10, and 20, less 30: 40 are left. The first has 50 of its 60 at most, the second 20.
  expect(used(core, 400)).toBe(40);
  core.request([-20]);
  core.transact(NEW, core.scratch, 0, NOW + 400, SETTLE, (NOW + 100) * 1000);
  expect(used(core, 400)).toBe(20);
  core.request([-60]);
  core.transact(NEW, core.scratch, 0, NOW + 400, SETTLE, NOW * 1000);
  expect(used(core, 400)).toBe(0);
});

test("a log keeps its grants and their times; a surplus comes off the oldest", () => {
  const old = { kind: SLIDING_WINDOW, capacity: 100 };
  const taken = [
    [0, 10],
    [300, 20],
    [600, 30],
  ] as const;
  const longer = redefined(old, { ...old, window: 2_000_000 }, INHERIT_USED, taken, { nowMs: 700 });
  expect([1999, 2000, 2299, 2300, 2600].map((ms) => used(longer, ms))).toEqual([60, 50, 50, 30, 0]);
  const fewer = redefined(old, { ...old, capacity: 75 }, INHERIT_AVAILABLE, taken, { nowMs: 700 });
  // 40 stay available, and so 35 are used: 5 of the second, 30 of the third.
  expect([700, 1299, 1300, 1600].map((ms) => used(fewer, ms))).toEqual([35, 35, 30, 0]);
  const expired = redefined(old, { ...old, window: 9_000_000 }, INHERIT_USED, taken, { nowMs: 1000 });
  expect(used(expired, 1000)).toBe(50);
});

test("a fixed window of the same length keeps its end, another one has that of its own", () => {
  const old = { kind: FIXED_WINDOW, capacity: 100 };
  const same = redefined(old, { ...old, capacity: 50 }, INHERIT_USED, [[200, 30]], { nowMs: 700 });
  expect([999, 1000].map((ms) => used(same, ms))).toEqual([30, 0]);
  const longer = redefined(old, { ...old, window: 5_000_000 }, INHERIT_USED, [[200, 30]], { nowMs: 700 });
  const end = 5000 - (NOW % 5000);
  expect([end - 1, end].map((ms) => used(longer, ms))).toEqual([30, 0]);
  const over = redefined(old, { ...old, window: 5_000_000 }, INHERIT_USED, [[200, 30]], { nowMs: 1000 });
  expect(used(over, 1000)).toBe(0);
});

test.each([INHERIT_USED, INHERIT_AVAILABLE, INHERIT_PROPORTIONAL, INHERIT_FRESH])(
  "resources in use stay in use, those of each participant (mode %i)",
  (mode) => {
    const core = redefined(
      { kind: RESOURCE, capacity: 10 },
      { kind: RESOURCE, capacity: 5 },
      mode,
      [[0, 8]],
      {
        participants: 3,
      },
    );
    const state = presentOf(core) + STATES;
    expect([...core.i64.subarray((state + IN_USE) / 8, (state + HELD) / 8 + 3)]).toEqual([8n, 8n, 0n, 0n]);
    expect(tries(core, 1)).toBe(Number.NEGATIVE_INFINITY);
  },
);

test("a block that is torn leads to wrong numbers, and neither to a trap nor out of the state", () => {
  const rows = Object.values(RATES);
  for (const old of rows) {
    for (const next of rows) {
      for (const fill of [0xff, 0x7f, 0x80, 0xa5]) {
        const heap = instantiateDebug();
        heap.memory.grow(15);
        const from = layRegion(heap, OLD, [old]);
        const to = layRegion(heap, NEW, [next]);
        const [source, target] = [presentOf(from), presentOf(to)];
        new Uint8Array(heap.memory.buffer).fill(fill, source + STATES, source + STATES + 104);
        const behind = copyOf(heap.memory, NEW + BYTES / 8, NEW + BYTES);
        for (const mode of [INHERIT_USED, INHERIT_AVAILABLE, INHERIT_PROPORTIONAL]) {
          for (const ratio of [1, 0.3, 3]) {
            to.inherit(OLD, source, 0, NEW, target, 0, from.scratch, NOW * 1000, mode, ratio);
          }
        }
        expect(copyOf(heap.memory, NEW + BYTES / 8, NEW + BYTES).equals(behind)).toBe(true);
      }
    }
  }
});
