import { expect } from "vitest";
import { START, type Theme } from "../harness.ts";
import { play, type Row, rate, take } from "../tools.ts";

const TABLES: readonly (readonly [title: string, windowMs: number, rows: readonly Row[]])[] = [
  [
    "ten at 990 and ten at 1000 both pass",
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
    "after idling to 2500 the next window begins at 3000",
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
    "singles fill a window like one large request",
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
    "windows start at whole multiples of the window since the Unix epoch",
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

  it("nothing is refunded to a window", async (create) => {
    const { limits } = await create([rate("x", 10, 1000, { algorithm: "fixed-window" })]);
    const acq = await take(limits, { x: 10 });
    await acq.update({ x: 1 });
    await acq.release();
    expect((await limits.tryAcquire({ x: 1 })).successful).toBe(false);
  });
};
