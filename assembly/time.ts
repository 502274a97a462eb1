/** Time is a whole number of microseconds since the Unix epoch. */

/** The answer where no passing of time helps. */
export const NEVER: i64 = i64.MAX_VALUE;

// The year 2255: whole microseconds are exact in a double until then.
const LAST: i64 = 9007199254740991;

/** A clock's reading in milliseconds. One that is no time (not a number, or out of range) never moves a set. */
export function microseconds(ms: f64): i64 {
  // As `Math.round` does it, so that JavaScript can do the same: cut off is rounded down, from the epoch on.
  const reading = i64(ms * 1000.0 + 0.5);
  return reading >= 0 && reading <= LAST ? reading : 0;
}

/** How long from a reading of the clock until `ready`, in milliseconds. */
export function wait(reading: i64, ready: i64): f64 {
  return ready === NEVER ? Infinity : f64(ready - reading) / 1000.0;
}
