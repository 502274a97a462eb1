/** The arguments of the methods that change limits, as units: one entry for each limit, below 0 for those that are left alone. */
import { InvalidRequestError, listKeys, show } from "../errors.ts";
import { missingUnits, unitOf } from "./definition.ts";
import { isEverywhere } from "./known-options.ts";
import type { Limit } from "./limits.ts";
import { metricOf } from "./metrics.ts";
import { toUnits } from "./units.ts";

/** Stands for a limit that is left alone. */
const ALONE = -1;

/** The microseconds of a pause, for the limits of these keys: all limits without keys. */
export function pauseOf(limits: readonly Limit[], ms: number, keys: readonly string[] | undefined): number[] {
  if (!(typeof ms === "number" && ms >= 0)) {
    throw new InvalidRequestError(
      `a pause must be a number of milliseconds, 0 or more, got ${show(ms)}; Infinity for one until resume()`,
    );
  }
  // The product of a whole number of microseconds may be a little above it: 64.4 * 1000 is.
  const nearest = Math.round(ms * 1000);
  const micros = nearest / 1000 === ms ? nearest : Math.ceil(ms * 1000);
  return chosen(limits, keys, () => micros);
}

/** 0 for the limits of these keys: all limits without keys. */
export function resumeOf(limits: readonly Limit[], keys: readonly string[] | undefined): number[] {
  return chosen(limits, keys, () => 0);
}

/** The units that are missing at the beginning, of the limits of these keys: all limits without keys. */
export function resetOf(limits: readonly Limit[], keys: readonly string[] | undefined): number[] {
  return chosen(limits, keys, missingUnits);
}

/** The units that are left at most, by the keys of limits. */
export function lowerOf(limits: readonly Limit[], available: object): number[] {
  return amountsOf(limits, available, ({ key }) => key, "lower()", ALONE);
}

/** The units that are charged, by the metrics of limits. */
export function chargeOf(limits: readonly Limit[], amounts: object): number[] {
  return amountsOf(limits, amounts, metricOf, "charge()", 0);
}

function chosen(
  limits: readonly Limit[],
  keys: readonly string[] | undefined,
  units: (limit: Limit) => number,
): number[] {
  if (keys === undefined) return limits.map(units);
  if (!Array.isArray(keys)) {
    throw new InvalidRequestError(`the keys must be an array of keys, got ${show(keys)}`);
  }
  for (const key of keys)
    if (!limits.some((limit) => limit.key === key))
      throw unknown(
        limits.map((limit) => limit.key),
        key,
      );
  return limits.map((limit) => (keys.includes(limit.key) ? units(limit) : ALONE));
}

function amountsOf(
  limits: readonly Limit[],
  amounts: object,
  nameOf: (limit: Limit) => string,
  what: string,
  missing: number,
): number[] {
  const prototype: unknown =
    typeof amounts === "object" && amounts !== null && Object.getPrototypeOf(amounts);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new InvalidRequestError(`${what} needs an object of amounts, got ${show(amounts)}`);
  }
  const units = limits.map(() => missing);
  for (const key in amounts) {
    const amount = (amounts as Readonly<Record<string, number | undefined>>)[key];
    if (amount === undefined) continue;
    const named = limits.filter((limit) => nameOf(limit) === key);
    if (named.length === 0 && !isEverywhere(amounts, key)) throw unknown(limits.map(nameOf), key);
    for (const limit of named) units[limits.indexOf(limit)] = unitsOf(limit, key, amount, what);
  }
  return units;
}

function unitsOf(limit: Limit, key: string, amount: number, what: string): number {
  if (limit.type === "resource") {
    throw new InvalidRequestError(`${what} is for rates and calls: ${show(key)} is a resource`);
  }
  const unit = unitOf(limit);
  const units = toUnits(amount, unit);
  if (units >= 0) return units;
  const wanted = unit === 1 ? "a whole number" : `a multiple of ${unit}`;
  throw new InvalidRequestError(
    `the amount of ${show(key)} must be ${wanted}, 0 or more, got ${show(amount)}`,
  );
}

function unknown(names: readonly string[], name: unknown): InvalidRequestError {
  const known = listKeys([...new Set(names)]) || "no limits";
  return new InvalidRequestError(`no limit is called ${show(name)}; the set has ${known}`);
}
