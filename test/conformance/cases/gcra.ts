import { expect } from "vitest";
import type { Theme } from "../harness.ts";
import { play, type Row, rate } from "../tools.ts";

interface Table {
  readonly title: string;
  readonly capacity: number;
  readonly windowMs: number;
  readonly burst?: number;
  readonly rows: readonly Row[];
}

const TABLES: readonly Table[] = [
  {
    title: "a GCRA of 10 grants ten requests of 1 at one instant, and refuses the eleventh",
    capacity: 10,
    windowMs: 100,
    rows: [...Array.from({ length: 10 }, (): Row => [0, 1, "granted"]), [0, 1, 10]],
  },
  {
    title: "a GCRA of 5 in 2 s grants one request 500 ms after it has granted five",
    capacity: 5,
    windowMs: 2000,
    rows: [
      [0, 5, "granted"],
      [0, 1, 400],
      [399.999, 1, 0.001],
      [500, 1, "granted"],
      [500, 1, 300],
    ],
  },
  {
    title: "a GCRA with a burst of 1 grants one request each 100 ms, and never two at once",
    capacity: 10,
    windowMs: 1000,
    burst: 1,
    rows: [
      [0, 1, "granted"],
      [0, 1, 100],
      [99.999, 1, 0.001],
      [100, 1, "granted"],
      [100, 1, 100],
      [200, 1, "granted"],
      [5000, 1, "granted"],
      [5000, 1, 100],
    ],
  },
  {
    title: "a GCRA with a burst of 3 grants three at once, then one each 100 ms",
    capacity: 10,
    windowMs: 1000,
    burst: 3,
    rows: [
      [0, 3, "granted"],
      [0, 1, 100],
      [0, 3, 300],
      [100, 1, "granted"],
      [100, 1, 100],
      [400, 3, "granted"],
      [400, 1, 100],
    ],
  },
];

export const gcra: Theme = ({ it }) => {
  for (const { title, capacity, windowMs, burst, rows } of TABLES) {
    it(title, async (create) => {
      const extras = burst === undefined ? {} : { burst };
      const subject = await create([rate("x", capacity, windowMs, { algorithm: "gcra", ...extras })]);
      expect(await play(subject, rows)).toEqual(rows);
    });
  }

  it("a GCRA whose burst is its capacity decides as a token bucket does", async (create) => {
    const buckets = await create([rate("x", 7, 1000)]);
    const cells = await create([rate("x", 7, 1000, { algorithm: "gcra" })]);
    const rows = Array.from({ length: 60 }, (_, i): Row => [i * i * 13.7, 1 + ((i * 5) % 7), "granted"]);
    const played = await play(cells, rows);
    expect(played).toEqual(await play(buckets, rows));
    expect(played.some(([, , verdict]) => verdict !== "granted")).toBe(true);
  });

  it("the available amount of a GCRA is counted from its burst", async (create) => {
    const { limits } = await create([rate("x", 10, 1000, { algorithm: "gcra", burst: 3 })]);
    expect((await limits.stats()).x).toMatchObject({ capacity: 10, available: 3, used: 0 });
    await limits.tryAcquire({ x: 2 });
    expect((await limits.stats()).x).toMatchObject({ capacity: 10, available: 1, used: 2 });
  });
};
