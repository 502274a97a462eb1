/** The checks of a limit's fields. Each returns the value, or throws an error that names the field. */
import { InvalidLimitError } from "../errors.ts";
import { RateLimitAlgorithm } from "./algorithm.ts";
import { checkOptions } from "./known-options.ts";
import { MICROSECOND, toUnits, wholeUnits } from "./units.ts";

// 71 years: a window of so many whole microseconds can be added to any time without overflow.
const LONGEST_WINDOW_MS = 2 ** 51 / 1000;

// Data of a limit have its `type`, and what `get` returns has a method too.
export const RESOURCE_OPTIONS: readonly string[] = [
  "type",
  "key",
  "capacity",
  "enforce",
  "per",
  "tiers",
  "stats",
];
export const CALL_OPTIONS: readonly string[] = /* @__PURE__ */ RESOURCE_OPTIONS.concat(
  "counts",
  "windowMs",
  "every",
  "timeZone",
  "algorithm",
  "burst",
  "initial",
);
export const RATE_OPTIONS: readonly string[] = /* @__PURE__ */ CALL_OPTIONS.concat("unit", "overage");

/** Refuses options of a limit that are no object, or have an option that is not `known`. */
export function checkDefinition(what: string, options: object, known: readonly string[]): void {
  checkOptions(what, checkObject(options), known);
}

export function checkObject<T>(options: T): T {
  if (typeof options !== "object" || options === null) {
    throw new InvalidLimitError("limit", options, "an object");
  }
  return options;
}

export function checkKey<K extends string>(key: K): K {
  return checkName("key", key, undefined);
}

/** A name: a limit's key, or the metric that it counts. */
export function checkName<N extends string>(field: string, name: N, key: string | undefined): N {
  if (typeof name !== "string" || name === "")
    throw new InvalidLimitError(field, name, "a string, not empty", key);
  return name;
}

export function checkCapacity(capacity: number, unit: number, key: string): number {
  if (capacity !== Infinity && !(typeof capacity === "number" && toUnits(capacity, unit) > 0)) {
    const most = `at most ${Number.MAX_SAFE_INTEGER} of them, or Infinity for no limit`;
    const whole = unit === 1 ? "a positive whole number" : `a positive multiple of unit ${unit}`;
    const bounds = `${whole}, ${most}${capacity === 0 ? "; pause() closes a limit" : ""}`;
    throw new InvalidLimitError("capacity", capacity, bounds, key);
  }
  return capacity;
}

export function checkWindow(windowMs: number, key: string): number {
  if (
    !(typeof windowMs === "number" && windowMs <= LONGEST_WINDOW_MS && wholeUnits(windowMs, MICROSECOND) > 0)
  ) {
    const bounds = `from 0.001 to ${LONGEST_WINDOW_MS} milliseconds, in whole microseconds`;
    throw new InvalidLimitError("windowMs", windowMs, bounds, key);
  }
  return windowMs;
}

export function checkBurst(
  burst: number | undefined,
  limit: { key: string; capacity: number; unit: number; algorithm: RateLimitAlgorithm },
): number | undefined {
  const { key, capacity, unit, algorithm } = limit;
  if (algorithm !== RateLimitAlgorithm.GCRA) {
    if (burst === undefined) return undefined;
    throw new InvalidLimitError(
      "burst",
      burst,
      `left out, since only GCRA has a burst and ${algorithm} has none`,
      key,
    );
  }
  if (burst === undefined) return capacity === Infinity ? undefined : capacity;
  if (capacity === Infinity) {
    throw new InvalidLimitError("burst", burst, "left out, since a limit of infinite capacity has none", key);
  }
  if (
    !(
      typeof burst === "number" &&
      toUnits(burst, unit) > 0 &&
      toUnits(burst, unit) <= toUnits(capacity, unit)
    )
  ) {
    const bounds = `a multiple of unit ${unit}, up to the capacity ${capacity} (for larger bursts lengthen capacity and window alike)`;
    throw new InvalidLimitError("burst", burst, bounds, key);
  }
  return burst;
}

export function checkInitial(
  initial: number | undefined,
  limit: { key: string; capacity: number; unit: number; burst?: number },
): number | undefined {
  const { key, capacity, unit, burst = capacity } = limit;
  if (initial === undefined || (initial === Infinity && capacity === Infinity)) return undefined;
  if (capacity === Infinity) {
    throw new InvalidLimitError("initial", initial, "left out, since the capacity is Infinity", key);
  }
  if (typeof initial === "number" && toUnits(initial, unit) >= 0 && initial <= burst) return initial;
  const what = unit === 1 ? "a whole number" : `a multiple of unit ${unit}`;
  throw new InvalidLimitError("initial", initial, `${what} from 0 to ${burst}`, key);
}

export function checkEnforce(enforce: boolean | undefined, key: string): boolean {
  if (enforce === undefined || typeof enforce === "boolean") return enforce ?? true;
  throw new InvalidLimitError("enforce", enforce, "true, or false for a shadow", key);
}
