import { expect, test } from "vitest";
import { LINE } from "../../assembly/layout.ts";
import { Arena } from "../../src/core/arena.ts";
import { takePages } from "../../src/core/pool.ts";

const PAGE = 65_536;
/** More than a memory grows by at first. */
const LARGE = 40 * PAGE;

/** Retires `count` regions that other threads use for as long as `isUsed` says. */
function retireMany(arena: Arena, count: number, isUsed = () => true) {
  const looks = { count: 0 };
  const regions = Array.from({ length: count }, () => {
    const start = arena.allocate(LINE);
    const isFree = () => {
      looks.count++;
      return !isUsed();
    };
    return { start, bytes: LINE, isFree };
  });
  for (const region of regions) arena.retire(region);
  return { looks, regions };
}

test("to make and to close a set looks at as few retired regions with 4,000 of them as with ten", () => {
  const costs = [10, 4000].map((count) => {
    const arena = new Arena(true);
    const { looks } = retireMany(arena, count);
    // Room for the sets below: otherwise all are looked at before the memory grows.
    arena.free(arena.allocate(LARGE), LARGE);
    looks.count = 0;
    for (let sets = 0; sets < 100; sets++) {
      const start = arena.allocate(LINE);
      arena.retire({ start, bytes: LINE, isFree: () => true });
    }
    return looks.count;
  });
  expect(costs).toEqual([400, 400]);
});

test("retired regions are freed one by one when they are reviewed, and all together before the memory grows", () => {
  const arena = new Arena(true);
  let isUsed = true;
  const { looks, regions } = retireMany(arena, 1000, () => isUsed);
  isUsed = false;
  looks.count = 0;
  arena.review(regions[500]!.start);
  arena.review(regions[500]!.start);
  expect(looks.count).toBe(1);
  // The smallest address that is free now.
  expect(arena.allocate(LINE)).toBeLessThanOrEqual(regions[500]!.start);
  const bytes = arena.byteLength;
  arena.allocate(arena.byteLength - 16 * LINE - PAGE);
  expect(arena.byteLength).toBe(bytes);
});

test("a growth that fails leaves the arena whole", () => {
  const arena = new Arena(true);
  const first = arena.allocate(LINE);
  const { memory } = arena;
  const grow = memory.grow.bind(memory);
  memory.grow = () => {
    throw new RangeError("no memory left");
  };
  expect(() => arena.allocate(LARGE)).toThrow(RangeError);
  expect(() => arena.takeLasting(LARGE)).toThrow(RangeError);
  const bytes = arena.byteLength;
  const second = arena.allocate(LINE);
  expect(arena.byteLength).toBe(bytes);
  memory.grow = grow;
  const large = arena.allocate(LARGE);
  const places = [first, second, large].sort((a, b) => a - b);
  expect(new Set(places).size).toBe(3);
  expect(large % LINE).toBe(0);
  expect(arena.byteLength).toBeGreaterThanOrEqual(large + LARGE);
  arena.f64.fill(7, large / 8, (large + LARGE) / 8);
  expect([arena.f64[first / 8], arena.f64[second / 8]]).toEqual([0, 0]);
});

test("where the memory cannot double any more, it grows by what is needed", () => {
  const arena = new Arena(true);
  const { memory } = arena;
  const grow = memory.grow.bind(memory);
  let tries = 0;
  memory.grow = (pages) => {
    if (tries++ === 0) throw new RangeError("no memory left");
    return grow(pages);
  };
  arena.allocate(3 * PAGE);
  expect(tries).toBe(2);
  expect(arena.byteLength).toBeGreaterThanOrEqual(3 * PAGE);
  expect(arena.byteLength).toBeLessThan(6 * PAGE);
});

test("lasting memory is only ever used again as such, and keeps its content", () => {
  const arena = new Arena(true);
  const start = arena.takeLasting(2 * LINE);
  arena.f64[start / 8] = 7;
  arena.giveLasting(start, 2 * LINE);
  const others = Array.from({ length: 100 }, () => arena.allocate(2 * LINE));
  expect(others).not.toContain(start);
  expect(arena.takeLasting(4 * LINE)).not.toBe(start);
  expect(arena.takeLasting(2 * LINE)).toBe(start);
  expect(arena.f64[start / 8]).toBe(7);
});

test("pages by which another thread lets the memory grow in between are left to that thread", () => {
  const arena = new Arena(true);
  const { memory } = arena;
  const grow = memory.grow.bind(memory);
  const theirs: number[] = [];
  memory.grow = (pages) => {
    if (theirs.length < 2 && pages > 0) theirs.push(grow(3) * PAGE);
    return grow(pages);
  };
  const ours = Array.from({ length: 20 }, () => arena.allocate(5 * PAGE));
  for (const start of ours) arena.f64.fill(1, start / 8, start / 8 + (5 * PAGE) / 8);
  expect(theirs).toHaveLength(2);
  const words = new Float64Array(memory.buffer);
  for (const start of theirs)
    expect(words.subarray(start / 8, (start + 3 * PAGE) / 8).every((word) => word === 0)).toBe(true);
  expect(new Set(ours).size).toBe(20);
});

test("a room that another thread took from the memory is given back to the arena", () => {
  const arena = new Arena(true);
  const pages = Array.from({ length: 40 }, (_, i) => takePages(arena.memory, (1 + (i % 3)) * PAGE));
  for (const { start, bytes } of pages) arena.giveRoom(start, bytes);
  const bytes = arena.memory.buffer.byteLength;
  // The largest are kept for threads that cannot allocate here.
  const again = Array.from({ length: 13 }, () => takePages(arena.memory, 3 * PAGE).start);
  expect(again.sort()).toEqual(
    pages.flatMap(({ start, bytes }) => (bytes === 3 * PAGE ? [start] : [])).sort(),
  );
  for (let i = 0; i < 8; i++) arena.allocate(PAGE);
  expect(arena.memory.buffer.byteLength).toBe(bytes);
});
