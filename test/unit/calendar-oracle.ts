/** The windows of a calendar by Temporal, which has the platform's time zones too, and rules of its own for their changes. */
import { Temporal } from "@js-temporal/polyfill";
import type { Window } from "../../src/core/kinds.ts";
import type { Every } from "../../src/limits/calendar.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const WEEK_MS = 7 * 24 * HOUR_MS;

/** The window that has the moment `at`, in milliseconds. */
export function expectedWindow(every: Every, timeZone: string, at: number): Window {
  const starts =
    every === "minute" || every === "hour"
      ? stepsAround(every, timeZone, at)
      : datesAround(every, timeZone, at);
  return {
    start: Math.max(...starts.filter((start) => start <= at)),
    end: Math.min(...starts.filter((start) => start > at)),
  };
}

/** All moments in the hours around at which the local clock shows :00. */
function stepsAround(every: "minute" | "hour", timeZone: string, at: number): number[] {
  // All offsets since 1990 are so many whole quarters of an hour.
  const grid = every === "minute" ? MINUTE_MS : HOUR_MS / 4;
  const middle = Math.floor(at / grid) * grid;
  return Array.from({ length: 17 }, (_, i) => middle + (i - 8) * grid).filter((when) => {
    const { minute, second } = zoned(timeZone, when);
    return second === 0 && (every === "minute" || minute === 0);
  });
}

/** The first moments of the dates around with which a window begins. */
function datesAround(every: Every, timeZone: string, at: number): number[] {
  const date = zoned(timeZone, at).toPlainDate();
  const [first, step] = {
    day: [date, { days: 1 }] as const,
    week: [date.subtract({ days: date.dayOfWeek - 1 }), { weeks: 1 }] as const,
    month: [date.with({ day: 1 }), { months: 1 }] as const,
  }[every as "day"];
  const dates = [first.subtract(step), first, first.add(step), first.add(step).add(step)];
  return dates.map((each) => startOf(each, timeZone));
}

/**
 * The first moment of a date. The polyfill's own answer is wrong where a change leaves out midnight, and the next change is less than two
 * weeks or many years away: so only its midnight is used, which is later than the first moment there.
 */
function startOf(date: Temporal.PlainDate, timeZone: string): number {
  const midnight = date.toZonedDateTime({ timeZone, plainTime: "00:00" });
  let start = midnight.epochMilliseconds;
  if (midnight.hour === 0 && midnight.minute === 0) return start;
  while (
    zoned(timeZone, start - MINUTE_MS)
      .toPlainDate()
      .equals(date)
  )
    start -= MINUTE_MS;
  return start;
}

function zoned(timeZone: string, at: number): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone);
}

/** The moments of these years at which a zone's offset changes. It is found by looking at each week. */
export function changesOf(timeZone: string, from: number, to: number): number[] {
  const format = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset", hour: "numeric" });
  const offset = (at: number) => format.format(at).replace(/^.*GMT/, "");
  const changes: number[] = [];
  let [at, before] = [Date.UTC(from, 0), offset(Date.UTC(from, 0))];
  for (; at < Date.UTC(to, 0); at += WEEK_MS) {
    const after = offset(at + WEEK_MS);
    if (after === before) continue;
    let [low, high] = [at, at + WEEK_MS];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (offset(middle) === before) low = middle;
      else high = middle;
    }
    changes.push(high);
    before = after;
  }
  return changes;
}
