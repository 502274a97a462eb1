import { expect } from "vitest";
import { START, type Theme } from "../harness.ts";
import { play, type Row, rate, take } from "../tools.ts";

const TABLES: readonly (readonly [title: string, windowMs: number, rows: readonly Row[]])[] = [
  [
    "a fixed window of 10 a second grants ten at 990 ms, and ten more at 1000 ms",
    1000,
    [
      [990, 10, "granted"],
      [990, 1, 10],
      [999.999, 1, 0.001],
      [1000, 10, "granted"],
      [1000, 1, 1000],
    ],
  ],
  [
    "a fixed window of a second that idled until 2500 ms begins anew at 3000 ms",
    1000,
    [
      [0, 10, "granted"],
      [2500, 10, "granted"],
      [2500, 1, 500],
      [2999.999, 1, 0.001],
      [3000, 10, "granted"],
    ],
  ],
  [
    "small requests fill a fixed window as a large one does",
    1000,
    [
      [100, 4, "granted"],
      [200, 7, 800],
      [300, 6, "granted"],
      [400, 1, 600],
    ],
  ],
  [
    // START is no whole multiple of 7 s, so a window that began with the first request would be seen.
    "a fixed window starts at a whole multiple of its length since the Unix epoch",
    7000,
    [
      [0, 10, "granted"],
      [0, 1, 7000 - (START % 7000)],
      [7000 - (START % 7000), 10, "granted"],
      [7000 - (START % 7000), 1, 7000],
    ],
  ],
];

export const fixedWindow: Theme = ({ it }) => {
  for (const [title, windowMs, rows] of TABLES) {
    it(title, async (create) => {
      const subject = await create([rate("x", 10, windowMs, { algorithm: "fixed-window" })]);
      expect(await play(subject, rows)).toEqual(rows);
    });
  }

  it("a fixed window refunds nothing", async (create) => {
    const { limits } = await create([rate("x", 10, 1000, { algorithm: "fixed-window" })]);
    const acq = await take(limits, { x: 10 });
    await acq.update({ x: 1 });
    await acq.release();
    expect((await limits.tryAcquire({ x: 1 })).successful).toBe(false);
  });
};
