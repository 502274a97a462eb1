import { expect } from "vitest";
import { START, type Theme } from "../harness.ts";
import { play, type Row, rate, take, watch } from "../tools.ts";

const TABLES: readonly (readonly [title: string, rows: readonly Row[]])[] = [
  [
    "a leaky bucket of 10 a second grants one request each 100 ms",
    [
      [0, 1, "granted"],
      [0, 1, 100],
      [99.999, 1, 0.001],
      [100, 1, "granted"],
      [100, 1, 100],
    ],
  ],
  [
    "a leaky bucket refuses for 400 ms after a request of 4",
    [
      [0, 4, "granted"],
      [0, 1, 400],
      [150, 6, 250],
      [400, 1, "granted"],
      [400, 10, 100],
    ],
  ],
  [
    "a leaky bucket saves nothing up while it is idle",
    [
      [60_000, 1, "granted"],
      [60_000, 1, 100],
    ],
  ],
  [
    "a leaky bucket grants the next request on time, however often it refuses before",
    [
      [0, 1, "granted"],
      ...Array.from({ length: 99 }, (_, i): Row => [i + 1, 1, 99 - i]),
      [100, 1, "granted"],
      ...Array.from({ length: 99 }, (_, i): Row => [i + 101, 1, 99 - i]),
      [200, 1, "granted"],
    ],
  ],
];

export const leakyBucket: Theme = ({ it }) => {
  for (const [title, rows] of TABLES) {
    it(title, async (create) => {
      const subject = await create([rate("x", 10, 1000, { algorithm: "leaky-bucket" })]);
      expect(await play(subject, rows)).toEqual(rows);
    });
  }

  it("a leaky bucket refunds nothing", async (create) => {
    const subject = await create([rate("x", 10, 1000, { algorithm: "leaky-bucket" })]);
    const acq = await take(subject.limits, { x: 4 });
    await acq.update({ x: 1 });
    await acq.release();
    const rows: Row[] = [
      [0, 1, 400],
      [399.999, 1, 0.001],
      [400, 1, "granted"],
    ];
    expect(await play(subject, rows)).toEqual(rows);
  });

  it("a leaky bucket lets waiters go at even distances", async (create) => {
    const { limits, clock, settle } = await create([rate("x", 10, 1000, { algorithm: "leaky-bucket" })]);
    const grantedAt: number[] = [];
    for (let i = 0; i < 4; i++)
      watch(limits.acquire({ x: 1 }).then(() => grantedAt.push(clock.now() - START)));
    await settle();
    for (let ms = 0; ms < 400; ms += 50) await clock.advance(50);
    expect(grantedAt).toEqual([0, 100, 200, 300]);
  });
};
