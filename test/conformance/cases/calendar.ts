import { expect } from "vitest";
import { CallLimit, type Every, RateLimit } from "../../../src/index.ts";
import { START, type Theme } from "../harness.ts";
import { take, used, watch } from "../tools.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const LOS_ANGELES = "America/Los_Angeles";
const FIXED = { algorithm: "fixed-window" } as const;

function tokens(every: Every, timeZone?: string, capacity = 10): RateLimit<"tokens"> {
  return new RateLimit({ key: "tokens", capacity, every, ...FIXED, ...(timeZone && { timeZone }) });
}

/** Windows whose first and last moments are known: when the clock is set, and for how long the window lasts from then. */
const WINDOWS: readonly (readonly [
  title: string,
  limit: RateLimit<"tokens">,
  at: number,
  ms: number,
  windowMs: number,
])[] = [
  ["a minute", tokens("minute", "Asia/Kathmandu"), START + 20_000, 40_000, 60_000],
  ["an hour, by default of UTC", tokens("hour"), START + 1, HOUR_MS - 1, HOUR_MS],
  [
    "an hour of Kathmandu, which is 5:45 ahead",
    tokens("hour", "Asia/Kathmandu"),
    START,
    HOUR_MS / 4,
    HOUR_MS,
  ],
  ["a day, which ends at the local midnight", tokens("day", LOS_ANGELES), START, 8 * HOUR_MS, DAY_MS],
  // The clock goes from 2:00 to 3:00 on 14 March 2027, and back from 2:00 to 1:00 on 7 November.
  ["a day of 23 hours", tokens("day", LOS_ANGELES), Date.UTC(2027, 2, 14, 8), 23 * HOUR_MS, 23 * HOUR_MS],
  ["a day of 25 hours", tokens("day", LOS_ANGELES), Date.UTC(2027, 10, 7, 7), 25 * HOUR_MS, 25 * HOUR_MS],
  // START is a Friday.
  ["a week, which begins on Monday", tokens("week"), START, 3 * DAY_MS, 7 * DAY_MS],
  ["a month of 31 days", tokens("month"), START, 31 * DAY_MS, 31 * DAY_MS],
  [
    "a month of 31 days less the hour of a change",
    tokens("month", LOS_ANGELES),
    Date.UTC(2027, 2, 1, 8),
    31 * DAY_MS - HOUR_MS,
    31 * DAY_MS - HOUR_MS,
  ],
];

export const calendar: Theme = ({ it }) => {
  for (const [title, limit, at, ms, windowMs] of WINDOWS) {
    it(`a limit of the calendar has a new quota at the end of ${title}`, async (create) => {
      const { limits, clock } = await create([limit]);
      await clock.set(at);
      await take(limits, { tokens: 10 });
      const refused = await limits.tryAcquire({ tokens: 1 });
      expect(refused).toMatchObject({ successful: false, retryAfterMs: ms, limitedBy: ["tokens"] });
      expect((await limits.stats()).tokens).toMatchObject({
        used: 10,
        available: 0,
        windowMs,
        retryAfterMs: ms,
      });
      await clock.set(at + ms - 1);
      expect((await limits.tryAcquire({ tokens: 1 })).retryAfterMs).toBe(1);
      await clock.set(at + ms);
      expect(await used(limits)).toEqual({ tokens: 0 });
      await take(limits, { tokens: 10 });
      expect((await limits.tryAcquire({ tokens: 1 })).successful).toBe(false);
    });
  }

  it("a limit of the calendar reads back as it was made", async (create) => {
    const { limits } = await create([
      tokens("day"),
      new CallLimit({ capacity: 5, every: "week", timeZone: "Europe/Berlin", ...FIXED }),
    ]);
    expect(limits.get("tokens")).toMatchObject({ every: "day", timeZone: "UTC", algorithm: "fixed-window" });
    expect(limits.get("call_count")).toMatchObject({ capacity: 5, every: "week", timeZone: "Europe/Berlin" });
    expect(limits.get("tokens")).not.toHaveProperty("windowMs");
  });

  it("a waiter goes at the local midnight", async (create) => {
    const { limits, clock, settle } = await create([tokens("day", LOS_ANGELES)]);
    await take(limits, { tokens: 8 });
    const waiter = watch(limits.acquire({ tokens: 5 }));
    await settle();
    await clock.advance(8 * HOUR_MS - 1);
    expect(waiter.state).toBe("pending");
    await clock.advance(1);
    expect(waiter.state).toBe("granted");
    expect(await used(limits)).toEqual({ tokens: 5 });
  });

  it("unused amounts go back while the window of their grant lasts", async (create) => {
    const { limits, clock } = await create([tokens("day")]);
    const [early, late] = [await take(limits, { tokens: 6 }), await take(limits, { tokens: 4 })];
    await clock.advance(DAY_MS - 1);
    await early.update({ tokens: 1 });
    await early.release();
    expect(await used(limits)).toEqual({ tokens: 5 });
    await clock.advance(1);
    await take(limits, { tokens: 3 });
    await late.update({ tokens: 0 });
    await late.release();
    expect(await used(limits)).toEqual({ tokens: 3 });
  });

  it("usage above the request is charged to the present window, and ends with it", async (create) => {
    const { limits, clock } = await create([
      new RateLimit({ key: "tokens", capacity: 10, every: "hour", ...FIXED, overage: "debt" }),
    ]);
    const acquisition = await take(limits, { tokens: 5 });
    await clock.advance(HOUR_MS + 1);
    await acquisition.update({ tokens: 30 });
    await acquisition.release();
    expect(await used(limits)).toEqual({ tokens: 25 });
    expect((await limits.tryAcquire({ tokens: 1 })).retryAfterMs).toBe(HOUR_MS - 1);
    await clock.advance(HOUR_MS - 1);
    await take(limits, { tokens: 10 });
  });

  it("a limit of the calendar that begins at 0 has its quota at the next window", async (create) => {
    const { limits, clock } = await create([
      new RateLimit({
        key: "tokens",
        capacity: 10,
        every: "day",
        timeZone: LOS_ANGELES,
        ...FIXED,
        initial: 0,
      }),
    ]);
    expect((await limits.tryAcquire({ tokens: 1 })).retryAfterMs).toBe(8 * HOUR_MS);
    await clock.advance(8 * HOUR_MS);
    await take(limits, { tokens: 10 });
  });

  it("several calendars are taken from together", async (create) => {
    const { limits, clock } = await create([
      new CallLimit({ key: "daily", capacity: 5, every: "day", ...FIXED }),
      new CallLimit({ key: "monthly", capacity: 8, every: "month", ...FIXED }),
    ]);
    await take(limits, { call_count: 5 });
    expect(await limits.tryAcquire()).toMatchObject({ limitedBy: ["daily"], retryAfterMs: DAY_MS });
    await clock.advance(DAY_MS);
    await take(limits, { call_count: 3 });
    expect(await limits.tryAcquire()).toMatchObject({ limitedBy: ["monthly"], retryAfterMs: 30 * DAY_MS });
    expect(await used(limits)).toEqual({ daily: 3, monthly: 8 });
  });

  it("a calendar without end of its capacity tells the length of its window", async (create) => {
    const { limits } = await create([tokens("day", undefined, Number.POSITIVE_INFINITY)]);
    await take(limits, { tokens: 1e6 });
    expect((await limits.stats()).tokens).toMatchObject({ windowMs: DAY_MS, used: 0 });
  });
};
