/** How a limit tells its windows: by a length, or by a calendar. */
import { InvalidLimitError } from "../errors.ts";
import { RateLimitAlgorithm } from "./algorithm.ts";
import { EVERY, type Every, ZonedCalendar } from "./calendar.ts";
import { checkWindow } from "./checks.ts";

/** Windows of one length. */
export interface WindowOptions {
  /** The window, in milliseconds: a whole number of microseconds, from 0.001 ms to 71 years. */
  readonly windowMs: number;
  /** Left out: it is for the windows of a calendar. */
  readonly every?: undefined;
  /** Left out: it is for the windows of a calendar. */
  readonly timeZone?: undefined;
}

/** The windows of a calendar, in place of `windowMs`. */
export interface CalendarOptions {
  /** The windows: each minute, hour, day, week (from Monday on) or month of the time zone. */
  readonly every: Every;
  /** The name of a time zone of the IANA database, as `"Europe/Berlin"`. Default: `"UTC"`. */
  readonly timeZone?: string | undefined;
  /** Only fixed windows can be those of a calendar. */
  readonly algorithm: typeof RateLimitAlgorithm.FixedWindow;
  /** Left out: `every` stands in its place. */
  readonly windowMs?: undefined;
}

/** The fields of a limit that tell its windows. */
export interface Windowing {
  readonly windowMs?: number;
  readonly every?: Every;
  readonly timeZone?: string;
}

/** The fields that tell the windows of a limit, with the default filled in. */
export function checkWindowing(
  { windowMs, every, timeZone }: WindowOptions | CalendarOptions | Windowing,
  algorithm: RateLimitAlgorithm,
  key: string,
): Windowing {
  if (every === undefined) {
    if (timeZone === undefined) return { windowMs: checkWindow(windowMs!, key) };
    throw new InvalidLimitError("timeZone", timeZone, "left out, since only `every` needs it", key);
  }
  if (!EVERY.includes(every)) throw new InvalidLimitError("every", every, `one of ${EVERY.join(", ")}`, key);
  if (windowMs !== undefined) {
    throw new InvalidLimitError(
      "windowMs",
      windowMs,
      `left out, since the windows are those of each ${every}`,
      key,
    );
  }
  const { FixedWindow } = RateLimitAlgorithm;
  if (algorithm !== FixedWindow) {
    throw new InvalidLimitError(
      "algorithm",
      algorithm,
      `"${FixedWindow}" for the windows of each ${every}`,
      key,
    );
  }
  return {
    every,
    timeZone: new ZonedCalendar(every, timeZone === undefined ? "UTC" : timeZone, key).timeZone,
  };
}
