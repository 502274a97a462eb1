import { describe, expect, test } from "vitest";
import { LimitSet, RateLimit } from "../../src/index.ts";
import { type Every, ZonedCalendar } from "../../src/limits/calendar.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { proves } from "../installed.ts";
import { changesOf, expectedWindow } from "./calendar-oracle.ts";

const EVERY: readonly Every[] = ["minute", "hour", "day", "week", "month"];
const HOUR_MS = 3_600_000;

/** Zones that have changed in peculiar ways: at midnight, by half an hour, by a whole day, four times a year, often. */
const PECULIAR = [
  "America/St_Johns",
  "America/Sao_Paulo",
  "America/Caracas",
  "America/Scoresbysund",
  "Africa/Cairo",
  "Africa/Casablanca",
  "Antarctica/Troll",
  "Asia/Beirut",
  "Asia/Pyongyang",
  "Atlantic/Azores",
  "Australia/Lord_Howe",
  "Pacific/Apia",
  "Pacific/Kiritimati",
  "Pacific/Kwajalein",
];

function check(timeZone: string, every: Every, at: number): void {
  const calendar = new ZonedCalendar(every, timeZone, "tokens");
  const { start, end } = calendar.windowAt(at * 1000);
  const window = { start: start / 1000, end: end / 1000 };
  const where = `the ${every} of ${timeZone} at ${new Date(at).toISOString()}`;
  expect(window, where).toEqual(expectedWindow(every, timeZone, at));
  expect(window.end - window.start, where).toBeGreaterThanOrEqual(calendar.shortestMs);
}

/** Moments around a change: at it, before and behind it, and in the windows on both sides. */
function around(change: number): number[] {
  const hours = [-25, -1.5, -0.6, -0.25, 0.25, 0.6, 1.5, 25];
  return [change - 1, change, ...hours.map((hour) => change + hour * HOUR_MS)];
}

describe("windows of the calendar", () => {
  test("they agree with Temporal around the changes of peculiar zones", () => {
    for (const zone of PECULIAR) {
      const changes = changesOf(zone, 1990, 2030);
      const some = changes.filter((_, i) => i % Math.ceil(changes.length / 4) === 0);
      for (const change of some) {
        for (const [i, at] of around(change).entries()) check(zone, EVERY[i % 2 === 0 ? 2 : 1]!, at);
        for (const every of EVERY) check(zone, every, change - 1);
        for (const every of EVERY) check(zone, every, change);
      }
    }
  }, 300_000);

  test("they agree with Temporal in every zone of the platform", () => {
    for (const [i, zone] of Intl.supportedValuesOf("timeZone").entries()) {
      check(zone, EVERY[i % 5]!, Date.UTC(1990 + ((i * 37) % 111), i % 12, 1 + (i % 28), i % 24, 7));
      check(zone, "day", Date.UTC(1990 + ((i * 53) % 111), (i * 5) % 12, 1 + ((i * 3) % 28), (i * 7) % 24));
    }
  }, 300_000);

  test.runIf(proves)(
    "they agree with Temporal around every change of every zone from 1990 to 2100",
    () => {
      for (const zone of Intl.supportedValuesOf("timeZone")) {
        for (const [n, change] of changesOf(zone, 1990, 2100).entries()) {
          check(zone, "day", change - 1);
          check(zone, "day", change);
          for (const [i, at] of around(change).entries()) check(zone, EVERY[(i + n) % 5]!, at);
        }
      }
    },
    3 * HOUR_MS,
  );
});

test.each([true, false])(
  "a paused window of the calendar tells when it ends, if it is enforced (%s) or a shadow",
  (enforce) => {
    const clock = new ManualClock(Date.UTC(2027, 0, 1, 12));
    const day = { key: "day", capacity: 10, every: "day", algorithm: "fixed-window", enforce } as const;
    const set = new LimitSet({ limits: [new RateLimit(day)], clock });
    set.pause(Number.POSITIVE_INFINITY);
    set.charge({ day: 4 });
    expect(set.stats().day).toMatchObject({ used: 4, fullInMs: 43_200_000 });
  },
);
