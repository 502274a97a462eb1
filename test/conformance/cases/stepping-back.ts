import { expect } from "vitest";
import { AcquireTimeoutError, type RateLimitAlgorithm } from "../../../src/index.ts";
import { START, type Theme } from "../harness.ts";
import { ALGORITHMS, play, type Row, rate, resource, take, watch } from "../tools.ts";

const DAY_MS = 86_400_000;
const SLIDING = { algorithm: "sliding-window" } as const;

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

  for (const algorithm of ALGORITHMS) {
    for (const windowMs of [1000, 3_600_000]) {
      it(`${algorithm} of ${windowMs} ms goes on within one window when a clock that was a day ahead is put right`, async (create) => {
        const { limits, clock } = await create([rate("x", 10, windowMs, { algorithm })]);
        await take(limits, { x: 1 });
        await clock.set(START + DAY_MS);
        await take(limits, { x: 1 });
        await clock.set(START + windowMs / 4);
        const asked = await limits.tryAcquire({ x: 10 });
        expect(asked.retryAfterMs).toBeLessThanOrEqual(windowMs);
        await clock.set(START + windowMs / 4 + asked.retryAfterMs);
        expect((await limits.tryAcquire({ x: 10 })).successful).toBe(true);
        const next = await limits.tryAcquire({ x: 10 });
        expect(next.successful).toBe(false);
        await clock.set(START + windowMs / 4 + asked.retryAfterMs + next.retryAfterMs);
        expect((await limits.tryAcquire({ x: 10 })).successful).toBe(true);
      });
    }
  }

  it("what was taken before a clock that was ahead is put right stays taken", async (create) => {
    const { limits, clock } = await create([rate("x", 10, 10_000), rate("y", 10, 10_000, SLIDING)]);
    await clock.set(START + DAY_MS);
    await take(limits, { x: 10, y: 10 });
    await clock.set(START);
    expect((await limits.tryAcquire({ x: 1 })).retryAfterMs).toBe(1000);
    expect((await limits.tryAcquire({ y: 1 })).retryAfterMs).toBe(10_000);
    await clock.set(START + 999);
    expect((await limits.tryAcquire({ x: 1 })).successful).toBe(false);
    await clock.set(START + 1000);
    expect((await limits.tryAcquire({ x: 1 })).successful).toBe(true);
  });

  it("a fixed window begins by the clock again after the clock was put back", async (create) => {
    const { limits, clock } = await create([rate("x", 10, 10_000, { algorithm: "fixed-window" })]);
    await clock.set(START + DAY_MS + 3000);
    await take(limits, { x: 4 });
    await clock.set(START + 8000);
    expect((await limits.tryAcquire({ x: 7 })).retryAfterMs).toBe(2000);
    await take(limits, { x: 6 });
    await clock.set(START + 10_000);
    await take(limits, { x: 10 });
    expect((await limits.tryAcquire({ x: 1 })).retryAfterMs).toBe(10_000);
  });

  it("a clock that is put back time and again stops no limit", async (create) => {
    const { limits, clock } = await create([rate("x", 10, 1000)]);
    await take(limits, { x: 10 });
    for (let times = 1; times <= 5; times++) {
      await clock.set(START - times * DAY_MS);
      const refused = await limits.tryAcquire({ x: 10 });
      expect(refused.retryAfterMs).toBe(1000);
      await clock.advance(999);
      expect((await limits.tryAcquire({ x: 10 })).successful).toBe(false);
      await clock.advance(1);
      await take(limits, { x: 10 });
    }
  });

  it("a waiter is granted within one window after the set sees that the clock was put back by a day", async (create) => {
    const { limits, clock } = await create([rate("x", 1, 1000)]);
    await take(limits, { x: 1 });
    const waiter = watch(limits.acquire({ x: 1 }));
    await clock.advance(500);
    await clock.set(START - DAY_MS);
    await limits.stats();
    await clock.advance(999);
    expect(waiter.state).toBe("pending");
    await clock.advance(1);
    expect(waiter.state).toBe("granted");
  });

  it("a timeout keeps its length when the clock is put back", async (create) => {
    const { limits, clock } = await create([resource("db", 1)]);
    await take(limits, { db: 1 });
    const waiter = watch(limits.acquire({ db: 1 }, { timeoutMs: 5000 }));
    await clock.advance(4000);
    await clock.set(START - DAY_MS);
    await clock.advance(999);
    expect(waiter.state).toBe("pending");
    await clock.advance(1);
    expect(waiter.state).toBe("rejected");
    expect(waiter.reason).toBeInstanceOf(AcquireTimeoutError);
  });

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
