/** Time is a whole number of microseconds since the Unix epoch. */

/** The time at which a request can pass that only a release lets through. */
export const NEVER: i64 = i64.MAX_VALUE;

// The year 2255: whole microseconds are exact in a double until then.
const LAST: i64 = 9007199254740991;

/** Turns a clock's reading from milliseconds to microseconds. A reading that is no time becomes 0, which never moves a set. */
export function microseconds(ms: f64): i64 {
  // Rounds as `Math.round` does, so that JavaScript can do the same. From the epoch on, to cut off is to round down.
  const reading = i64(ms * 1000.0 + 0.5);
  return reading >= 0 && reading <= LAST ? reading : 0;
}

/** Returns the milliseconds from a reading of the clock until `ready`. */
export function wait(reading: i64, ready: i64): f64 {
  return ready === NEVER ? Infinity : f64(ready - reading) / 1000.0;
}
