import { expect } from "vitest";
import type { RateLimitAlgorithm } from "../../../src/index.ts";
import { START, type Theme } from "../harness.ts";
import { play, type Row, rate, resource, take, watch } from "../tools.ts";

/** Requests to a limit of 10 in a second: the first is granted when the clock has moved on, then the clock reads 0 or 500 ms. */
const TABLES: readonly (readonly [algorithm: RateLimitAlgorithm, rows: readonly Row[]])[] = [
  ...(["token-bucket", "gcra"] as const).map((algorithm): readonly [RateLimitAlgorithm, readonly Row[]] => [
    algorithm,
    [
      [1000, 10, "granted"],
      [0, 1, 1100],
      [500, 1, 600],
      [1000, 1, 100],
      [1099.999, 1, 0.001],
      [1100, 1, "granted"],
    ],
  ]),
  [
    "leaky-bucket",
    [
      [1000, 1, "granted"],
      [0, 1, 1100],
      [1000, 1, 100],
      [1100, 1, "granted"],
    ],
  ],
  [
    "sliding-window",
    [
      [1000, 10, "granted"],
      [0, 1, 2000],
      [1999.999, 1, 0.001],
      [2000, 10, "granted"],
    ],
  ],
  [
    "fixed-window",
    [
      [1500, 10, "granted"],
      [500, 1, 1500],
      [999, 1, 1001],
      [1999.999, 1, 0.001],
      [2000, 10, "granted"],
    ],
  ],
];

export const steppingBack: Theme = ({ it }) => {
  for (const [algorithm, rows] of TABLES) {
    it(`${algorithm} refills only when the clock has passed the latest time it showed`, async (create) => {
      const subject = await create([rate("x", 10, 1000, { algorithm })]);
      expect(await play(subject, rows)).toEqual(rows);
    });

    it(`${algorithm} reports the same amounts after the clock steps back`, async (create) => {
      const { limits, clock } = await create([rate("x", 10, 1000, { algorithm })]);
      await clock.set(START + 1000);
      await take(limits, { x: 4 });
      const before = (await limits.stats()).x;
      await clock.set(START - 86_400_000);
      const { available, used, utilization } = (await limits.stats()).x;
      expect({ available, used, utilization }).toEqual({
        available: before.available,
        used: before.used,
        utilization: before.utilization,
      });
      expect(used).toBe(4);
    });
  }

  it("a limit grants what is left after the clock steps back, and does not refill", async (create) => {
    const subject = await create([rate("x", 10, 1000)]);
    const rows: Row[] = [
      [1000, 5, "granted"],
      [0, 5, "granted"],
      [900, 1, 200],
      [1100, 1, "granted"],
      [1100, 1, 100],
    ];
    expect(await play(subject, rows)).toEqual(rows);
  });

  it("a release after the clock steps back gives resources back", async (create) => {
    const { limits, clock } = await create([resource("db", 1)]);
    const acq = await take(limits, { db: 1 });
    await clock.set(START - 5000);
    await acq.release();
    expect((await limits.tryAcquire({ db: 1 })).successful).toBe(true);
  });

  it("a waiter is granted on time when the clock has passed the latest time it showed", async (create) => {
    const { limits, clock } = await create([rate("x", 1, 1000)]);
    await clock.set(START + 1000);
    await take(limits, { x: 1 });
    const waiter = watch(limits.acquire({ x: 1 }));
    await clock.set(START);
    await clock.advance(1999);
    expect(waiter.state).toBe("pending");
    await clock.advance(1);
    expect(waiter.state).toBe("granted");
  });
};
