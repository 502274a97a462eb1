import { expect } from "vitest";
import type { Theme } from "../harness.ts";
import { play, type Row, rate, take } from "../tools.ts";

const TABLES: readonly (readonly [
  title: string,
  capacity: number,
  windowMs: number,
  rows: readonly Row[],
])[] = [
  [
    "a token bucket of 10 grants five twice, and refuses one more",
    10,
    1000,
    [
      [0, 5, "granted"],
      [0, 5, "granted"],
      [0, 1, 100],
    ],
  ],
  [
    "a token bucket of 10 a second grants one request 150 ms after it was emptied",
    10,
    1000,
    [
      [0, 10, "granted"],
      [99.999, 1, 0.001],
      [150, 1, "granted"],
      [150, 1, 50],
      [200, 1, "granted"],
    ],
  ],
  [
    "a token bucket of 20 in 2 s grants five requests 500 ms after it was emptied",
    20,
    2000,
    [[0, 20, "granted"], ...[1, 2, 3, 4, 5].map((): Row => [500, 1, "granted"]), [500, 1, 100]],
  ],
  [
    "a token bucket rounds a wait up to whole microseconds",
    3,
    1000,
    [
      [0, 3, "granted"],
      [0, 1, 333.334],
      [333.333, 1, 0.001],
      [333.334, 1, "granted"],
      [333.334, 2, 666.666],
      [1000, 2, "granted"],
    ],
  ],
  [
    "a token bucket never refills beyond its capacity",
    10,
    1000,
    [
      [0, 10, "granted"],
      [60_000, 10, "granted"],
      [60_000, 1, 100],
    ],
  ],
  [
    "a refusal does not delay the refill of a token bucket",
    10,
    1000,
    [
      [0, 10, "granted"],
      [30, 10, 970],
      [60, 10, 940],
      [999.999, 10, 0.001],
      [1000, 10, "granted"],
    ],
  ],
];

export const tokenBucket: Theme = ({ it }) => {
  it("a new token bucket is full", async (create) => {
    const { limits } = await create([rate("x", 20, 2000)]);
    expect((await limits.stats()).x).toMatchObject({ capacity: 20, available: 20, used: 0, utilization: 0 });
  });

  for (const [title, capacity, windowMs, rows] of TABLES) {
    it(title, async (create) => {
      const subject = await create([rate("x", capacity, windowMs)]);
      expect(await play(subject, rows)).toEqual(rows);
    });
  }

  it("a token bucket with a unit of 0.1 counts tenths exactly", async (create) => {
    const { limits } = await create([rate("x", 1, 60_000, { unit: 0.1 })]);
    const first = await take(limits, { x: 0.7 });
    expect((await limits.tryAcquire({ x: 0.4 })).successful).toBe(false);
    await first.update({ x: 0.2 });
    await first.release();
    expect((await limits.tryAcquire({ x: 0.4 })).successful).toBe(true);
    expect((await limits.tryAcquire({ x: 0.4 })).successful).toBe(true);
    expect((await limits.tryAcquire({ x: 0.1 })).successful).toBe(false);
  });
};
