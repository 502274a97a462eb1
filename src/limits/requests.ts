/** Turns requests and usage from amounts into whole units, one entry for each limit, and refuses those that make no sense. */
import { InvalidRequestError, listKeys, show, UsageExceedsRequestedError } from "../errors.ts";
import { type Amounts, amountOf } from "./amounts.ts";
import { ceilingUnits, unitOf } from "./definition.ts";
import { isEverywhere } from "./known-options.ts";
import { type Limit, RateLimitAlgorithm } from "./limits.ts";
import { toAmount, toUnits } from "./units.ts";

/** In place of usage that has not been reported. */
const NOT_REPORTED = -1;

// Flags of a settlement.
/** Some units go back. */
export const GIVES_BACK = 1;
/** Some units are charged. */
export const CHARGES = 2;
/** The usage of some RateLimit is missing. */
export const MISSES = 4;

/** Amounts by key, before the keys are checked. */
type Named = { readonly [key: string]: number | undefined };

/** How a limit is measured: what it takes to turn amounts of it into units. */
interface Measure<K extends string> {
  readonly key: K;
  readonly limit: Limit<K>;
  readonly unit: number;
  /** The most that one request can take, in units. */
  readonly ceiling: number;
  /** The units that a request takes if it does not name the limit: 1 of calls and resources, 0 of rates. */
  readonly automatic: number;
  readonly isResource: boolean;
}

export class Requests<K extends string> {
  readonly keys: readonly K[];
  /** The indexes of the ResourceLimits. */
  readonly resources: readonly number[];
  /** The indexes of the leaky buckets. */
  readonly shapers: readonly number[];
  /** For each limit, whether it is a window. */
  readonly windows: readonly boolean[];
  private readonly measures: readonly Measure<K>[];
  /** The units of a request that names nothing. */
  private readonly automatic: readonly number[];
  /** The usage of an acquisition that has reported nothing. */
  private readonly nothing: readonly number[];
  private readonly indexes: ReadonlyMap<string, number>;
  /** Whether there are rates: a request takes nothing of them unless it names them. */
  private readonly wantsNames: boolean;

  constructor(limits: readonly Limit<K>[]) {
    this.measures = limits.map((limit) => ({
      key: limit.key as K,
      limit,
      unit: unitOf(limit),
      ceiling: ceilingUnits(limit),
      automatic: limit.type === "rate" ? 0 : 1,
      isResource: limit.type === "resource",
    }));
    this.resources = this.measures.flatMap(({ isResource }, i) => (isResource ? [i] : []));
    const algorithms = limits.map((limit) => (limit.type === "resource" ? undefined : limit.algorithm));
    const { LeakyBucket, SlidingWindow, FixedWindow } = RateLimitAlgorithm;
    this.shapers = algorithms.flatMap((algorithm, i) => (algorithm === LeakyBucket ? [i] : []));
    this.windows = algorithms.map((algorithm) => algorithm === SlidingWindow || algorithm === FixedWindow);
    this.wantsNames = limits.some(({ type }) => type === "rate");
    this.automatic = this.measures.map(({ automatic }) => automatic);
    this.nothing = this.measures.map(() => NOT_REPORTED);
    this.keys = Object.freeze(this.measures.map(({ key }) => key));
    this.indexes = new Map(this.keys.map((key, index) => [key, index]));
  }

  /** The most that one request can take of limit `index`, in units. */
  ceilingOf(index: number): number {
    return this.measures[index]!.ceiling;
  }

  indexOf(key: string): number {
    const index = this.indexes.get(key);
    if (index === undefined) throw this.unknown(key);
    return index;
  }

  /** The units of a request. */
  parse(requested: Amounts<K> | undefined): number[] {
    const measures = this.measures;
    const units = copyOf(this.automatic);
    let next = 0;
    for (const key in requested) {
      const index = measures[next]?.key === key ? next : this.indexFrom(next, key, requested);
      if (index < 0) continue;
      const measure = measures[index]!;
      const amount = (requested as Named)[key]!;
      const count = toUnits(amount, measure.unit);
      if (!(count >= 0 && count <= measure.ceiling)) {
        checkAbsent(amount, count, measure);
        continue;
      }
      units[index] = count;
      next = index + 1;
    }
    if (next === 0) this.checkUnnamed(requested);
    return units;
  }

  /**
   * The units of a nested request. Unless it names them, it takes nothing of the `covered` limits, which the acquisitions around
   * it hold.
   */
  parseNested(requested: Amounts<K> | undefined, covered: readonly boolean[]): number[] {
    const units = this.parse(requested);
    this.measures.forEach(({ key }, i) => {
      if (covered[i] && amountOf(requested, key) === undefined) units[i] = 0;
    });
    return units;
  }

  /** The amounts that `units` are, by key. Limits with no units are left out. */
  amounts(units: readonly number[]): Record<K, number> {
    const taken = units.flatMap((count, i) =>
      count > 0 ? [[this.measures[i]!.key, toAmount(count, this.measures[i]!.unit)]] : [],
    );
    return Object.fromEntries(taken);
  }

  /**
   * A copy of the usage that was `reported` before, with `usage` written into it. Throws if `usage` makes no sense for the
   * `taken` units.
   */
  parseUsage(usage: Amounts<K>, taken: readonly number[], reported: readonly number[] | undefined): number[] {
    const measures = this.measures;
    const usages = copyOf(reported ?? this.nothing);
    let next = 0;
    for (const key in usage) {
      const index = measures[next]?.key === key ? next : this.indexFrom(next, key, usage);
      if (index < 0) continue;
      const measure = measures[index]!;
      const amount = (usage as Named)[key]!;
      const used = toUnits(amount, measure.unit);
      const most = taken[index]!;
      if (measure.isResource || !(used >= 0 && used <= most)) {
        if (amount === undefined) continue;
        checkUsage(amount, used, most, measure);
      }
      usages[index] = used;
      next = index + 1;
    }
    if (next === 0) checkPlain(usage, "usage");
    return usages;
  }

  /**
   * Writes the settlement of a release into `due`, one entry for each limit: the units that it gives back are below 0, those
   * that it charges above. Returns the flags of the settlement: a sum of `GIVES_BACK`, `CHARGES` and `MISSES`.
   */
  settlement(taken: readonly number[], reported: readonly number[] | undefined, due: number[]): number {
    const measures = this.measures;
    let flags = 0;
    for (let i = 0; i < measures.length; i++) {
      const units = taken[i]!;
      const used = reported === undefined ? NOT_REPORTED : reported[i]!;
      let owed = 0;
      if (used !== NOT_REPORTED) owed = used - units;
      else if (measures[i]!.isResource) owed = -units;
      else if (units > 0 && measures[i]!.automatic === 0) flags |= MISSES;
      due[i] = owed;
      if (owed < 0) flags |= GIVES_BACK;
      else if (owed > 0) flags |= CHARGES;
    }
    return flags;
  }

  /** Whether resources are among the `taken` units. */
  takesResources(taken: readonly number[]): boolean {
    return this.resources.some((resource) => taken[resource]! > 0);
  }

  /** Whether `sum` is more than there is of a resource that is among `units`. */
  exceed(sum: readonly number[], units: readonly number[]): boolean {
    return this.resources.some((i) => units[i]! > 0 && sum[i]! > this.measures[i]!.ceiling);
  }

  /**
   * The usage that a release reports to another side, in amounts. A RateLimit without reported usage counts as used in full; other
   * limits without it are null.
   */
  usage(taken: readonly number[], reported: readonly number[] | undefined): (number | null)[] {
    return this.measures.map(({ unit, automatic }, i) => {
      const used = reported === undefined ? NOT_REPORTED : reported[i]!;
      if (used !== NOT_REPORTED) return toAmount(used, unit);
      return automatic === 0 && taken[i]! > 0 ? toAmount(taken[i]!, unit) : null;
    });
  }

  /** Whether the usage of a RateLimit that was taken is missing. */
  misses(taken: readonly number[], reported: readonly number[] | undefined): boolean {
    return this.unreported(taken, reported).length > 0;
  }

  /** The RateLimits that were taken and whose usage is missing. */
  unreported(taken: readonly number[], reported: readonly number[] | undefined): K[] {
    return this.keys.filter(
      (_, i) =>
        taken[i]! > 0 &&
        this.measures[i]!.automatic === 0 &&
        (reported?.[i] ?? NOT_REPORTED) === NOT_REPORTED,
    );
  }

  /**
   * The index of `key`. The search begins at `next`, since most requests name limits in their order. -1 for a key that no limit
   * has, if `amounts` names nothing by it.
   */
  private indexFrom(next: number, key: string, amounts: Amounts<K>): number {
    const measures = this.measures;
    for (let i = next; i < measures.length; i++) if (measures[i]!.key === key) return i;
    const index = this.indexes.get(key);
    if (index !== undefined) return index;
    if (isEverywhere(amounts, key) || (amounts as Named)[key] === undefined) return -1;
    throw this.unknown(key);
  }

  /** Refuses a request that names nothing, if it is no plain object or the set has rates. */
  private checkUnnamed(requested: unknown): void {
    if (requested !== undefined) checkPlain(requested, "a request");
    if (this.wantsNames) throw namesMissing(this.measures);
  }

  private unknown(key: string): InvalidRequestError {
    const known = listKeys(this.keys) || "no limits";
    return new InvalidRequestError(`no limit has the key ${show(key)}; the set has ${known}`);
  }
}

/** Copies short arrays by literals, which engines allocate in place: every other way to copy them takes twice as long. */
function copyOf(list: readonly number[]): number[] {
  // The rest is a function of its own, since engines inline by size, and a set of one limit needs no more than this.
  return list.length === 1 ? [list[0]!] : copyOfSeveral(list);
}

function copyOfSeveral(list: readonly number[]): number[] {
  switch (list.length) {
    case 2:
      return [list[0]!, list[1]!];
    case 3:
      return [list[0]!, list[1]!, list[2]!];
    case 4:
      return [list[0]!, list[1]!, list[2]!, list[3]!];
    default:
      return list.slice();
  }
}

// The functions that follow are not part of those above, since engines inline small functions only.

function namesMissing(measures: readonly Measure<string>[]): InvalidRequestError {
  const rates = measures.filter(({ limit }) => limit.type === "rate").map(({ key }) => key);
  return new InvalidRequestError(`name the amount of ${listKeys(rates)} to take: the set has rate limits`);
}

/** Refuses an amount that is there: one that is undefined counts as not named. */
function checkAbsent(amount: unknown, units: number, measure: Measure<string>): void {
  if (amount !== undefined) throw invalidAmount(amount, units, measure);
}

function invalidAmount(
  amount: unknown,
  units: number,
  { key, limit, unit }: Measure<string>,
): InvalidRequestError {
  if (!(units >= 0)) {
    const wanted = unit === 1 ? "a whole number" : `a multiple of ${unit}`;
    return new InvalidRequestError(
      `the amount of ${show(key)} must be ${wanted}, 0 or more, got ${show(amount)}`,
    );
  }
  const burst = limit.type !== "resource" && limit.burst !== undefined && limit.burst < limit.capacity;
  const most = burst ? `the burst, ${limit.burst}` : `the capacity, ${limit.capacity}`;
  return new InvalidRequestError(`${show(amount)} of ${show(key)} could never pass: ask for at most ${most}`);
}

/** Refuses usage of a resource, usage that is no amount, and usage above the request unless the limit has `overage: "debt"`. */
function checkUsage(amount: unknown, units: number, taken: number, measure: Measure<string>): void {
  const { key, limit, unit } = measure;
  if (limit.type === "resource") {
    throw new InvalidRequestError(
      `${show(key)} is a resource: it has no usage to report, and comes back at release`,
    );
  }
  if (!(units >= 0)) throw invalidAmount(amount, units, measure);
  if (limit.type === "rate" && limit.overage === "debt") return;
  const hasOverage = limit.type === "rate";
  throw new UsageExceedsRequestedError(key, toAmount(units, unit), toAmount(taken, unit), hasOverage);
}

/** Refuses a value that is no plain object: null, a number, an array, a Map, whose entries would not be found. */
function checkPlain(value: unknown, what: string): void {
  const prototype = typeof value === "object" && value !== null ? Object.getPrototypeOf(value) : value;
  if (prototype === Object.prototype || (prototype === null && value !== null)) return;
  throw new InvalidRequestError(`${what} must be an object of amounts, got ${show(value)}`);
}
