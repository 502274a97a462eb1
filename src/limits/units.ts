/** Amounts, as users write them, and whole units, as the core counts them. */

// Sums of decimals are off by less than this part of a unit: 0.1 + 0.2 are 3 units of 0.1.
const NOISE = 1e-6;
// A product of two doubles and the double nearest to a decimal differ by a few roundings at most. Of many units that is more.
const ROUNDING = 4 * Number.EPSILON;

/** The unit of windows, in milliseconds. */
export const MICROSECOND = 0.001;

/** A time in whole microseconds, as the core takes it. */
export function toMicros(ms: number): number {
  return Math.floor(ms * 1000 + 0.5);
}

/** The units that `amount` is; -1 if it is no whole number of them. */
export function toUnits(amount: number, unit: number): number {
  return unit === 1 && Number.isSafeInteger(amount) ? amount : wholeUnits(amount, unit);
}

/** The whole number of units that `amount` is, but for the noise of doubles; -1 if there is none. */
export function wholeUnits(amount: number, unit: number): number {
  if (typeof amount !== "number") return -1;
  const units = Math.round(amount / unit);
  const off = Math.abs(units * unit - amount);
  const isNoise = off <= unit * NOISE || (unit !== 1 && off < unit / 2 && off <= Math.abs(amount) * ROUNDING);
  // Adding 0 makes 0 of -0.
  return isNoise && Number.isSafeInteger(units) ? units + 0 : -1;
}

/** The amount that `units` are: 3 units of 0.1 are 0.3, not 0.30000000000000004. */
export function toAmount(units: number, unit: number): number {
  return unit === 1 ? units : Number((units * unit).toPrecision(15));
}
