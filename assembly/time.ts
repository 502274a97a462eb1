/**
 * Time is a whole number of microseconds since the Unix epoch. A set's time is what a participant's clock reads, plus the
 * participant's SHIFT, and never runs backwards: a reading that is behind the state stands still. A clock that was ahead for a
 * moment and is put right must not stop a set until it has caught up. So a participant that is more than TOLERANCE behind adds the
 * difference to its SHIFT: for it, the set's time goes on from where it was, at the clock's pace.
 */

/** The time at which a request can pass that only a release lets through. */
export const NEVER: i64 = i64.MAX_VALUE;

/** A reading may be behind the state by so many microseconds, and only stands still. */
export const TOLERANCE: i64 = 1_000_000;

// The year 2255: whole microseconds are exact in a double until then.
export const LAST: i64 = 9007199254740991;

/**
 * Turns a clock's reading from milliseconds to microseconds. A reading that is no time becomes -1, which never moves a set. One below
 * -1 is -2 less whole microseconds: a participant whose time has a SHIFT passes it without rounding it anew.
 */
export function microseconds(ms: f64): i64 {
  // Rounds as `Math.round` does, so that JavaScript can do the same. From the epoch on, to cut off is to round down.
  const reading = i64(ms * 1000.0 + 0.5);
  if (reading >= 0 && reading <= LAST) return reading;
  return ms <= -2 && ms > -f64(LAST) ? -2 - i64(ms) : -1;
}

/** Returns the milliseconds from a reading of the clock until `ready`. */
export function wait(reading: i64, ready: i64): f64 {
  return ready === NEVER ? Infinity : f64(ready - reading) / 1000.0;
}

/**
 * The stamp of a grant at `now`, in half microseconds. A reset must not let a grant from before it refund what was granted after it, even
 * where all of it happens in one microsecond: so a grant after the reset has the later half. `resetAt` is the microsecond after that of
 * the latest reset.
 */
export function stampOf(now: i64, resetAt: i64): i64 {
  return now + now + i64(now + 1 === resetAt);
}

/** The stamp of a grant with this token: a time in microseconds, with the half. */
export function stampOfToken(token: f64): i64 {
  return i64(token + token);
}

/** The token of a grant with this stamp. */
export function tokenOfStamp(stamp: i64): f64 {
  return f64(stamp) / 2.0;
}
