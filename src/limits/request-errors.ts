/**
 * Refuses amounts that make no sense. These functions are no part of `Requests`, since engines inline small functions only.
 */
import { InvalidRequestError, listKeys, show, UsageExceedsRequestedError } from "../errors.ts";
import type { Metric } from "./measures.ts";
import { toAmount } from "./units.ts";

export function namesMissing(metrics: readonly Metric<string>[]): InvalidRequestError {
  const rates = metrics.filter(({ limit }) => limit.type === "rate").map(({ name }) => name);
  return new InvalidRequestError(`name the amount of ${listKeys(rates)} to take: the set has rate limits`);
}

/** Refuses an amount that is there: one that is undefined counts as not named. */
export function checkAbsent(amount: unknown, units: number, metric: Metric<string>): void {
  if (amount !== undefined) throw invalidAmount(amount, units, metric);
}

function invalidAmount(
  amount: unknown,
  units: number,
  { name, limit, unit }: Metric<string>,
): InvalidRequestError {
  if (!(units >= 0)) {
    const wanted = unit === 1 ? "a whole number" : `a multiple of ${unit}`;
    return new InvalidRequestError(
      `the amount of ${show(name)} must be ${wanted}, 0 or more, got ${show(amount)}`,
    );
  }
  const burst = limit.type !== "resource" && limit.burst !== undefined && limit.burst < limit.capacity;
  const most = burst ? `the burst, ${limit.burst}` : `the capacity, ${limit.capacity}`;
  const whose = limit.key === name ? "" : ` of ${show(limit.key)}`;
  return new InvalidRequestError(
    `${show(amount)} of ${show(name)} could never pass: ask for at most ${most}${whose}`,
  );
}

/** Refuses usage of a resource, usage that is no amount, and usage above the request unless the limit has `overage: "debt"`. */
export function checkUsage(amount: unknown, units: number, taken: number, metric: Metric<string>): void {
  const { name, limit, unit } = metric;
  if (limit.type === "resource") {
    throw new InvalidRequestError(
      `${show(name)} is a resource: it has no usage to report, and comes back at release`,
    );
  }
  if (!(units >= 0)) throw invalidAmount(amount, units, metric);
  if (limit.type === "rate" && limit.overage === "debt") return;
  const hasOverage = limit.type === "rate";
  throw new UsageExceedsRequestedError(name, toAmount(units, unit), toAmount(taken, unit), hasOverage);
}

/** Refuses a value that is no plain object: null, a number, an array, a Map, whose entries would not be found. */
export function checkPlain(value: unknown, what: string, of = "amounts"): void {
  const prototype = typeof value === "object" && value !== null ? Object.getPrototypeOf(value) : value;
  if (prototype === Object.prototype || (prototype === null && value !== null)) return;
  throw new InvalidRequestError(`${what} must be an object of ${of}, got ${show(value)}`);
}

/** The error for a name that is no metric. `keys` are those of the limits. */
export function unknownMetric(
  name: string,
  metrics: readonly Metric<string>[],
  keys: readonly string[],
): InvalidRequestError {
  const index = keys.indexOf(name);
  const metric = metrics.find(({ first, all }) => first === index || all?.includes(index));
  if (index >= 0 && metric) {
    const counted = `the limit ${show(name)} counts ${show(metric.name)}: name that`;
    return new InvalidRequestError(`no limit counts ${show(name)}; ${counted}`);
  }
  return unknownKey(
    name,
    metrics.map((each) => each.name),
  );
}

/** The error for a name that is none of the `known` ones. */
export function unknownKey(name: string, known: readonly string[]): InvalidRequestError {
  return new InvalidRequestError(
    `no limit has the key ${show(name)}; the set has ${listKeys(known) || "no limits"}`,
  );
}
