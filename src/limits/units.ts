/** Amounts, as users write them, and whole units, as the core counts them. */

// A product of two doubles and the double nearest to a decimal differ by a few roundings at most.
const ROUNDING = 4 * Number.EPSILON;

/** The unit of windows, in milliseconds. */
export const MICROSECOND = 0.001;

/** A time in whole microseconds, as the core takes it. */
export function toMicros(ms: number): number {
  return Math.floor(ms * 1000 + 0.5);
}

/** The units that `amount` is; -1 if it is no whole number of them. */
export function toUnits(amount: number, unit: number): number {
  if (unit !== 1) return wholeUnits(amount, unit);
  return Number.isSafeInteger(amount) ? amount : -1;
}

/** The whole number of units that `amount` is, within the rounding of doubles; -1 if there is none. */
export function wholeUnits(amount: number, unit: number): number {
  if (typeof amount !== "number") return -1;
  const units = Math.round(amount / unit);
  const exact = Math.abs(units * unit - amount) <= Math.abs(amount) * ROUNDING;
  return exact && Number.isSafeInteger(units) ? units : -1;
}

/** The amount that `units` are: 3 units of 0.1 are 0.3, not 0.30000000000000004. */
export function toAmount(units: number, unit: number): number {
  return unit === 1 ? units : Number((units * unit).toPrecision(15));
}
