/** Windows of the calendar: the minutes, hours, days, weeks and months of a time zone, by the platform's data. */
import type { Calendar, Window } from "../core/kinds.ts";
import { InvalidLimitError } from "../errors.ts";

/** The windows of a calendar. */
export type Every = "minute" | "hour" | "day" | "week" | "month";

export const EVERY: readonly Every[] = ["minute", "hour", "day", "week", "month"];

const HOUR_MS = 3_600_000;

/**
 * No window is shorter. Some clocks were changed by half an hour, those of a station in Antarctica by seven hours; and a few countries
 * have left out a day when they crossed the date line.
 */
const SHORTEST_MS: Readonly<Record<Every, number>> = {
  minute: 60_000,
  hour: 1_800_000,
  day: 43_200_000,
  week: 475_200_000,
  month: 2_376_000_000,
};

/** The offsets of time zones from UTC lie in between, 12 hours west and 14 hours east, with an hour to spare. */
const WESTERNMOST_MS = 46_800_000;
const EASTERNMOST_MS = 54_000_000;

/** By the names of their zones: to make one takes the platform longer than a thousand takes. */
const formats = /* @__PURE__ */ new Map<string, Intl.DateTimeFormat>();

/** @throws {InvalidLimitError} if the platform does not know the zone, or has no zones. */
function formatOf(timeZone: string, key: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  try {
    // Offsets are zones in newer runtimes only.
    if (!format && !/^[+-]/.test(timeZone)) {
      format = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" });
    }
  } catch {
    // A RangeError, which does not tell the field.
  }
  if (!format) {
    const bounds = `the name of a time zone that this platform knows, like "Europe/Berlin"`;
    throw new InvalidLimitError("timeZone", timeZone, bounds, key);
  }
  formats.set(timeZone, format);
  return format;
}

/** The windows of one limit. Its fields tell it apart from others. */
export class ZonedCalendar implements Calendar {
  readonly every: Every;
  readonly timeZone: string;
  readonly #format: Intl.DateTimeFormat;
  #last: Window = { start: 0, end: 0 };

  /** @throws {InvalidLimitError} */
  constructor(every: Every, timeZone: string, key: string) {
    this.every = every;
    this.timeZone = timeZone;
    this.#format = formatOf(timeZone, key);
  }

  get shortestMs(): number {
    return SHORTEST_MS[this.every];
  }

  windowAt(at: number): Window {
    const last = this.#last;
    if (at >= last.start && at < last.end) return last;
    const { every } = this;
    const ms = Math.floor(at / 1000);
    const isClock = every === "minute" || every === "hour";
    const [start, end] = isClock ? this.#steps(ms, every === "hour" ? HOUR_MS : 60_000) : this.#dates(ms);
    this.#last = { start: start * 1000, end: end * 1000 };
    return this.#last;
  }

  /** The moments around `at` at which the local clock shows a multiple of `step`. */
  #steps(at: number, step: number): [number, number] {
    const shown = (when: number) => (((when + this.#offset(when)) % step) + step) % step;
    let start = at - shown(at);
    let end = start + step;
    if (this.#offset(start) !== this.#offset(at)) {
      const change = this.#change(start, at);
      start = shown(change) === 0 ? change : change - 1 - shown(change - 1);
    }
    if (this.#offset(end) !== this.#offset(at)) {
      const change = this.#change(at, end);
      end = shown(change) === 0 ? change : change + step - shown(change);
    }
    return [start, end];
  }

  /** The first moments of the local dates around `at` with which a day, a week or a month begins. */
  #dates(at: number): [number, number] {
    const { every } = this;
    const local = new Date(at + this.#offset(at));
    const [month, day] = [local.getUTCMonth(), local.getUTCDate()];
    const isMonth = every === "month";
    const first = isMonth ? 1 : every === "day" ? day : day - ((local.getUTCDay() + 6) % 7);
    const nth = (n: number) => {
      const [months, days] = isMonth ? [n, 0] : [0, every === "day" ? n : 7 * n];
      return this.#begin(Date.UTC(local.getUTCFullYear(), month + months, first + days));
    };
    const next = nth(1);
    // A clock that is put back over midnight shows the old date again, but the new one has begun.
    return at < next ? [nth(0), next] : [next, nth(2)];
  }

  /** The first moment at which the local clock shows `midnight` or a later time. */
  #begin(midnight: number): number {
    const [from, to] = [midnight - EASTERNMOST_MS, midnight + WESTERNMOST_MS];
    const early = midnight - this.#offset(from);
    const late = midnight - this.#offset(to);
    if (early === late) return early;
    const change = this.#change(from, to);
    return early < change ? early : Math.max(change, late);
  }

  /** The local time less UTC, in milliseconds. */
  #offset(at: number): number {
    // "1/1/2027, GMT-08:00", or "1/1/2027, GMT".
    const [, sign, hours, minutes] = /GMT(?:(.)(..):(..))?/.exec(this.#format.format(at))!;
    return sign ? Number(`${sign}1`) * (Number(hours) * HOUR_MS + Number(minutes) * 60_000) : 0;
  }

  /** The moment at which the zone's offset changes, after `from` and not after `to`. */
  #change(from: number, to: number): number {
    const before = this.#offset(from);
    let [low, high] = [from, to];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#offset(middle) === before) low = middle;
      else high = middle;
    }
    return high;
  }
}
