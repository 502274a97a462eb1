import { expect } from "vitest";
import { START, type Theme } from "../harness.ts";
import { micro, play, type Row, rate, take } from "../tools.ts";

const FIVE_AND_FIVE: readonly Row[] = [
  [0, 5, "granted"],
  [500, 5, "granted"],
  [500, 1, 500],
  [999.999, 1, 0.001],
  [1000, 5, "granted"],
  [1000, 1, 500],
  [1500, 5, "granted"],
  [1500, 1, 500],
];

/** The number of entries that the log holds exactly, and the part of a window by which a grant may be late with more entries. */
const EXACT_GRANTS = 128;
const LATENESS = 1 / 64;

/** A reproducible sequence of fractions (Lehmer's generator). */
function fractions(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

export const slidingWindow: Theme = ({ it, capabilities }) => {
  it("a sliding window of a second frees grants exactly a second after they were made", async (create) => {
    const subject = await create([rate("x", 10, 1000, { algorithm: "sliding-window" })]);
    expect(await play(subject, FIVE_AND_FIVE)).toEqual(FIVE_AND_FIVE);
  });

  it("a sliding window reports units as available from the moment they leave it", async (create) => {
    const subject = await create([rate("x", 10, 1000, { algorithm: "sliding-window" })]);
    await play(subject, FIVE_AND_FIVE.slice(0, 2));
    await subject.clock.set(START + 999.999);
    expect((await subject.limits.stats()).x).toMatchObject({ available: 0, used: 10 });
    await subject.clock.set(START + 1000);
    expect((await subject.limits.stats()).x).toMatchObject({ available: 5, used: 5 });
  });

  // With an entry for each unit, the log would have merged entries long before the 128th of these requests.
  it("a sliding window keeps one entry for a request of 1,000,000", async (create) => {
    const million = 1_000_000;
    const capacity = EXACT_GRANTS * million;
    const subject = await create([rate("x", capacity, 10_000, { algorithm: "sliding-window" })]);
    const takes = Array.from({ length: EXACT_GRANTS }, (_, i): Row => [i * 7, million, "granted"]);
    const returns = takes.flatMap(([atMs]): Row[] => [
      [10_000 + atMs - 0.001, million, 0.001],
      [10_000 + atMs, million, "granted"],
    ]);
    const rows = [...takes, [900, million, 9100] as const, ...returns];
    expect(await play(subject, rows)).toEqual(rows);
  });

  it("a request of several units waits until as many have left the sliding window", async (create) => {
    const subject = await create([rate("x", 10, 1000, { algorithm: "sliding-window" })]);
    const rows: Row[] = [
      [0, 2, "granted"],
      [100, 3, "granted"],
      [200, 5, "granted"],
      [300, 1, 700],
      [300, 2, 700],
      [300, 3, 800],
      [300, 5, 800],
      [300, 6, 900],
    ];
    expect(await play(subject, rows)).toEqual(rows);
  });

  it("a sliding window with more than 128 grants is never early, and late by a 64th of the window at most", async (create) => {
    const windowMs = 6400;
    const capacity = 500;
    const { limits, clock } = await create([rate("x", capacity, windowMs, { algorithm: "sliding-window" })]);
    const next = fractions(20_270_101);
    const granted: { at: number; amount: number }[] = [];
    const inWindow = (at: number, length: number) =>
      granted.filter((grant) => grant.at > at - length).reduce((sum, { amount }) => sum + amount, 0);
    const early: number[] = [];
    const late: number[] = [];
    let refused = 0;

    for (let step = 0; step < (capabilities.exhaustive ? 4000 : 800); step++) {
      await clock.advance(micro(next() * 16));
      const at = micro(clock.now() - START);
      const amount = 1 + Math.floor(next() * 3);
      if ((await limits.tryAcquire({ x: amount })).successful) {
        if (inWindow(at, windowMs) + amount > capacity) early.push(at);
        granted.push({ at, amount });
      } else {
        refused++;
        if (inWindow(at, windowMs * (1 + LATENESS)) + amount <= capacity) late.push(at);
      }
    }
    expect({ early, late }).toEqual({ early: [], late: [] });
    expect(granted.length).toBeGreaterThan(EXACT_GRANTS);
    expect(refused).toBeGreaterThan(0);
  });

  it("a sliding window refunds nothing", async (create) => {
    const { limits } = await create([rate("x", 10, 1000, { algorithm: "sliding-window" })]);
    const acq = await take(limits, { x: 10 });
    await acq.update({ x: 1 });
    await acq.release();
    expect((await limits.tryAcquire({ x: 1 })).successful).toBe(false);
  });
};
