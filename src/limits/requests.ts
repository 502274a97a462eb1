/**
 * Turns requests and usage from amounts of metrics into whole units, one entry for each limit, and refuses those that make no sense.
 */
import { type Amounts, amountOf } from "./amounts.ts";
import { isEverywhere } from "./known-options.ts";
import type { Limit } from "./limits.ts";
import {
  alike,
  areSame,
  copyOf,
  indexesOf,
  NOT_REPORTED,
  sharedIfAlike,
  spread,
  unitsOf,
  usageOf,
  write,
} from "./lists.ts";
import { type Metric, measure, type Part, partOf } from "./measures.ts";
import {
  checkAbsent,
  checkPlain,
  checkUsage,
  namesMissing,
  unknownKey,
  unknownMetric,
} from "./request-errors.ts";
import { automaticOf, isRate, isResource, isShaper, isWindow } from "./traits.ts";
import { toAmount, toUnits } from "./units.ts";

/** So many limits are not looked through, nor copied, for a request of one: either takes longer than all the rest of a request. */
const LONG = 16;

// Flags of a settlement.
/** Some units go back. */
export const GIVES_BACK = 1;
/** Some units are charged. */
export const CHARGES = 2;
/** The usage of some RateLimit is missing. */
export const MISSES = 4;

/** Amounts by name, before the names are checked. */
type Named = { readonly [key: string]: number | undefined };

/** A request that names one metric. */
interface Single {
  readonly name: string;
  readonly amount: number | undefined;
  readonly units: readonly number[];
  readonly first: number;
  readonly end: number;
}

export class Requests<M extends string, K extends string = M> {
  /** The keys of the limits, in their order. */
  readonly keys: readonly K[];
  /** The names that requests use. */
  readonly names: readonly M[];
  /** The indexes of the ResourceLimits. */
  readonly resources: readonly number[];
  /** The indexes of the leaky buckets. */
  readonly shapers: readonly number[];
  /** For each limit, whether it is a window. */
  readonly windows: readonly boolean[];
  /** The limits that let pass what they would refuse. A grant has below 0 the units that such a limit has let pass. */
  readonly shadows: readonly number[];
  private readonly metrics: readonly Metric<M>[];
  private readonly parts: readonly Part[];
  /** The units of a request that names nothing. */
  private readonly automatic: readonly number[];
  /** The usage of an acquisition that has reported nothing. */
  private readonly nothing: readonly number[];
  /** The places of the metrics, by their names: made in a set of many, when they are first asked for. */
  private places: ReadonlyMap<string, number> | undefined = undefined;
  /** The span of the limits of which such a request takes. */
  private readonly automaticFirst: number;
  private readonly automaticEnd: number;
  /** Whether there are rates: a request takes nothing of them unless it names them. */
  private readonly wantsNames: boolean;
  private readonly isLong: boolean;
  /** The metric of a set's only limit. */
  private readonly only: Metric<M> | undefined;
  /** The last request that named one metric, in a set of many limits. */
  private last: Single | undefined = undefined;
  /** The span of the limits that the last parsed request takes from: `first` and those up to `end`. It is to be read at once. */
  first = 0;
  end: number;

  /** `leftOut` says for each limit whether requests take nothing of it: none, if it is not given. */
  constructor(limits: readonly Limit<K, M>[], leftOut: readonly boolean[] = []) {
    this.metrics = measure(limits, leftOut);
    this.parts = limits.map(partOf);
    this.resources = indexesOf(limits, isResource);
    this.shapers = indexesOf(limits, isShaper);
    this.windows = sharedIfAlike(limits.map(isWindow));
    this.shadows = indexesOf(limits, ({ enforce }) => !enforce);
    this.wantsNames = limits.some((limit, i) => isRate(limit) && !leftOut[i]);
    this.automatic = sharedIfAlike(limits.map(automaticOf));
    this.nothing = alike(limits.length, NOT_REPORTED);
    this.keys = Object.freeze(limits.map(({ key }) => key));
    const names: readonly string[] = this.metrics.map(({ name }) => name);
    // Most limits have the name of their metric for a key.
    this.names = Object.freeze(areSame(names, this.keys) ? this.keys : names) as readonly M[];
    this.automaticEnd = this.automatic.lastIndexOf(1) + 1;
    this.automaticFirst = this.automaticEnd > 0 ? this.automatic.indexOf(1) : limits.length;
    this.end = limits.length;
    this.isLong = limits.length >= LONG;
    this.only = limits.length === 1 ? this.metrics[0] : undefined;
  }

  /** The most that one request can take of limit `index`, in units. */
  ceilingOf(index: number): number {
    return this.parts[index]!.ceiling;
  }

  /** The index of the limit that has `key`. */
  indexOf(key: string): number {
    const index = (this.keys as readonly string[]).indexOf(key);
    if (index < 0) throw unknownKey(key, this.keys);
    return index;
  }

  /** The units of a request: one entry for each limit. The list must not be changed. */
  parse(requested: Amounts<M> | undefined): readonly number[] {
    // Requests that name a set's only limit are the most common, and engines inline by size.
    const only = this.only;
    if (only === undefined) return this.isLong ? this.parseLong(requested) : this.parseSeveral(requested);
    let units = requested === undefined ? only.automatic : 0;
    for (const name in requested) {
      if (name !== only.name) return this.parseSeveral(requested);
      units = toUnits((requested as Named)[name]!, only.unit);
    }
    return units > 0 && units <= only.ceiling ? [units] : this.parseSeveral(requested);
  }

  private parseSeveral(requested: Amounts<M> | undefined): readonly number[] {
    const metrics = this.metrics;
    const units = copyOf(this.automatic);
    let first = this.automaticFirst;
    let end = this.automaticEnd;
    let next = 0;
    for (const name in requested) {
      const place = metrics[next]?.name === name ? next : this.placeFrom(next, name, requested);
      if (place < 0) continue;
      const metric = metrics[place]!;
      const amount = (requested as Named)[name]!;
      const count = toUnits(amount, metric.unit);
      if (!(count >= 0 && count <= metric.ceiling)) {
        checkAbsent(amount, count, metric);
        continue;
      }
      write(units, metric, count);
      next = place + 1;
      if (metric.first < first) first = metric.first;
      if (metric.end > end) end = metric.end;
    }
    if (next === 0) this.checkUnnamed(requested);
    this.first = first;
    this.end = end;
    return units;
  }

  /**
   * The units of a request, in a set of many limits. Most requests name one metric. Lists are never changed, so that the last one is
   * used again: to make so long a list takes longer than all the rest.
   */
  private parseLong(requested: Amounts<M> | undefined): readonly number[] {
    let key: string | undefined;
    for (const name in requested) {
      if (key !== undefined) return this.parseSeveral(requested);
      key = name;
    }
    if (key === undefined) return this.parseSeveral(requested);
    const amount = (requested as Named)[key];
    let last = this.last;
    if (last?.name !== key || last.amount !== amount) {
      const units = this.parseSeveral(requested);
      last = { name: key, amount, units, first: this.first, end: this.end };
      this.last = last;
    }
    this.first = last.first;
    this.end = last.end;
    return last.units;
  }

  /**
   * The units of a nested request. Unless it names them, it takes nothing of the `covered` limits, which the acquisitions around
   * it hold, and of all that count the same.
   */
  parseNested(requested: Amounts<M> | undefined, covered: readonly boolean[]): number[] {
    const units = this.parse(requested).slice();
    for (const { name, first, all = [first] } of this.metrics) {
      if (!all.some((i) => covered[i]) || amountOf(requested, name) !== undefined) continue;
      spread(units, all, 0);
    }
    return units;
  }

  /** The amounts that `units` are, by metric. Metrics with no units are left out. */
  amounts(units: readonly number[]): Record<M, number> {
    const taken = this.metrics.flatMap((metric) => {
      const count = unitsOf(metric, units);
      return count !== 0 ? [[metric.name, toAmount(Math.abs(count), metric.unit)]] : [];
    });
    return Object.fromEntries(taken);
  }

  /**
   * A copy of the usage that was `reported` before, with `usage` written into it: one entry for each limit. Throws if `usage` makes no
   * sense for the `taken` units.
   */
  parseUsage(usage: Amounts<M>, taken: readonly number[], reported: readonly number[] | undefined): number[] {
    const metrics = this.metrics;
    const usages = copyOf(reported ?? this.nothing);
    let next = 0;
    for (const name in usage) {
      const place = metrics[next]?.name === name ? next : this.placeFrom(next, name, usage);
      if (place < 0) continue;
      const metric = metrics[place]!;
      const amount = (usage as Named)[name]!;
      const used = toUnits(amount, metric.unit);
      const most = Math.abs(taken[metric.first]!);
      if (metric.isResource || !(used >= 0 && used <= most)) {
        if (amount === undefined) continue;
        checkUsage(amount, used, most, metric);
      }
      write(usages, metric, used);
      next = place + 1;
    }
    if (next === 0) checkPlain(usage, "usage");
    return usages;
  }

  /**
   * Writes the settlement of a release into `due`, one entry for each limit: the units that it gives back are below 0, those
   * that it charges above. Returns the flags of the settlement: a sum of `GIVES_BACK`, `CHARGES` and `MISSES`.
   */
  settlement(taken: readonly number[], reported: readonly number[] | undefined, due: number[]): number {
    const parts = this.parts;
    let flags = 0;
    for (let i = 0; i < parts.length; i++) {
      const units = taken[i]!;
      const used = reported === undefined ? NOT_REPORTED : reported[i]!;
      let owed = 0;
      if (units < 0) owed = 0;
      else if (used !== NOT_REPORTED) owed = used - units;
      else if (parts[i]!.isResource) owed = -units;
      else if (units > 0 && parts[i]!.isRate) flags |= MISSES;
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
    return this.resources.some((i) => units[i]! > 0 && sum[i]! > this.parts[i]!.ceiling);
  }

  /**
   * The usage that a release reports to another side, in amounts: one entry for each metric. Rates without reported usage count as
   * used in full; other metrics without it are null.
   */
  usage(taken: readonly number[], reported: readonly number[] | undefined): (number | null)[] {
    return this.metrics.map((metric) => {
      const used = usageOf(metric, reported);
      if (used !== NOT_REPORTED) return toAmount(used, metric.unit);
      const units = unitsOf(metric, taken);
      return metric.automatic === 0 && units > 0 ? toAmount(units, metric.unit) : null;
    });
  }

  /** Whether the usage of a rate that was taken is missing. */
  misses(taken: readonly number[], reported: readonly number[] | undefined): boolean {
    return this.unreported(taken, reported).length > 0;
  }

  /** The metrics of RateLimits that were taken and whose usage is missing. */
  unreported(taken: readonly number[], reported: readonly number[] | undefined): M[] {
    const missing = this.metrics.filter(
      (metric) =>
        metric.automatic === 0 && unitsOf(metric, taken) > 0 && usageOf(metric, reported) === NOT_REPORTED,
    );
    return missing.map(({ name }) => name);
  }

  /**
   * The place of the metric `name`. The search begins at `next`, since most requests name metrics in their order. -1 for a name that
   * is no metric, if `amounts` names nothing by it.
   */
  private placeFrom(next: number, name: string, amounts: Amounts<M>): number {
    const { metrics } = this;
    const { length } = metrics;
    if (length < LONG) {
      for (let i = 0; i < length; i++) {
        const place = (next + i) % length;
        if (metrics[place]!.name === name) return place;
      }
    } else {
      this.places ??= new Map(this.names.map((each, place) => [each, place]));
      const place = this.places.get(name);
      if (place !== undefined) return place;
    }
    if (isEverywhere(amounts, name) || (amounts as Named)[name] === undefined) return -1;
    throw unknownMetric(name, metrics, this.keys);
  }

  /** Refuses a request that names nothing, if it is no plain object or the set has rates. */
  private checkUnnamed(requested: unknown): void {
    if (requested !== undefined) checkPlain(requested, "a request");
    if (this.wantsNames) throw namesMissing(this.metrics);
  }
}
