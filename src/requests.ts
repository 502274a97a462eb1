/** Turns what users ask for into whole units, one entry a limit, and refuses what makes no sense. */
import type { Amounts } from "./contract.ts";
import { InvalidRequestError, show, UsageExceedsRequestedError } from "./errors.ts";
import type { Limit } from "./limits.ts";
import { toAmount, toUnits } from "./units.ts";

/** Usage that has not been reported. */
export const NOT_REPORTED = -1;

export class Requests<K extends string> {
  /** Frozen, for users; loops use `#names`, since engines are slow on frozen arrays. */
  readonly keys: readonly K[];
  readonly #names: readonly K[];
  readonly #limits: readonly Limit<K>[];
  readonly #indexes: ReadonlyMap<string, number>;
  readonly #unit: readonly number[];
  /** The most that can be taken at once, in units. */
  readonly #ceilings: readonly number[];
  /** What is taken of a limit that a request does not name: 1 of calls and resources, 0 of rates. */
  readonly #automatic: readonly number[];
  readonly #unreported: readonly number[];
  /** A set with a RateLimit needs to be told how much. */
  readonly #needsAmounts: boolean;

  constructor(limits: readonly Limit<K>[]) {
    this.#limits = limits;
    this.#names = limits.map((limit) => limit.key as K);
    this.keys = Object.freeze([...this.#names]);
    this.#indexes = new Map(this.#names.map((key, index) => [key, index]));
    this.#unit = limits.map(unitOf);
    this.#ceilings = limits.map(ceilingUnits);
    this.#automatic = limits.map((limit) => (limit.type === "rate" ? 0 : 1));
    this.#unreported = limits.map(() => NOT_REPORTED);
    this.#needsAmounts = limits.some((limit) => limit.type === "rate");
  }

  indexOf(key: string): number {
    const index = this.#indexes.get(key);
    if (index === undefined) throw this.#unknown(key);
    return index;
  }

  /**
   * The units of a request. `covered` tells of which limits nothing is taken automatically, because an outer
   * acquisition holds them.
   */
  parse(requested: Amounts<K> | undefined, covered?: readonly boolean[]): number[] {
    const units = this.#automatic.slice();
    if (covered) for (let i = 0; i < units.length; i++) if (covered[i]) units[i] = 0;
    let next = 0;
    if (requested !== undefined) {
      if (typeof requested !== "object" || requested === null) {
        throw new InvalidRequestError(`a request must be an object of amounts, got ${show(requested)}`);
      }
      for (const key in requested) {
        const index = this.#indexAfter(next, key);
        const amount = requested[key];
        const asked = this.#units(index, amount);
        if (asked > this.#ceilings[index]!) throw this.#neverPasses(index, amount);
        units[index] = asked;
        next = index + 1;
      }
    }
    if (next === 0) this.#checkEmpty(requested);
    return units;
  }

  /** A request that names nothing: is that what was meant? */
  #checkEmpty(requested: Amounts<K> | undefined): void {
    // A Map or an array holds its amounts where nobody looks for them.
    if (requested !== undefined && ![Object.prototype, null].includes(Object.getPrototypeOf(requested))) {
      throw new InvalidRequestError(`a request must be an object of amounts, got ${show(requested)}`);
    }
    if (this.#needsAmounts) {
      const rates = this.#limits.filter(({ type }) => type === "rate").map(({ key }) => `"${key}"`);
      throw new InvalidRequestError(`name the amount of ${rates.join(" or ")} to take: the set has rate limits`);
    }
  }

  /** The amounts that `units` are, without the limits of which nothing was taken. */
  amounts(units: readonly number[]): Record<K, number> {
    const taken = units.flatMap((count, i) =>
      count > 0 ? [[this.#names[i]!, toAmount(count, this.#unit[i]!)]] : [],
    );
    return Object.fromEntries(taken);
  }

  /** Writes the reported `usage` of what was `taken` into a copy of `reported`; throws if some of it makes no sense. */
  parseUsage(usage: Amounts<K>, taken: readonly number[], reported: readonly number[] | undefined): number[] {
    if (typeof usage !== "object" || usage === null) {
      throw new InvalidRequestError(`usage must be an object of amounts, got ${show(usage)}`);
    }
    const usages = (reported ?? this.#unreported).slice();
    let next = 0;
    for (const key in usage) {
      const index = this.#indexAfter(next, key);
      const limit = this.#limits[index]!;
      if (limit.type === "resource") {
        throw new InvalidRequestError(`"${key}" is a resource: it has no usage to report, and comes back at release`);
      }
      const amount = usage[key];
      const used = this.#units(index, amount);
      if (used > taken[index]! && !(limit.type === "rate" && limit.overage === "debt")) {
        throw new UsageExceedsRequestedError(key, amount!, toAmount(taken[index]!, this.#unit[index]!));
      }
      usages[index] = used;
      next = index + 1;
    }
    return usages;
  }

  /** What a release settles: above 0 to charge, below to give back. Undefined if there is nothing to settle. */
  settlement(taken: readonly number[], reported: readonly number[] | undefined): number[] | undefined {
    let due: number[] | undefined;
    for (let i = 0; i < taken.length; i++) {
      let units: number;
      if (this.#limits[i]!.type === "resource") units = -taken[i]!;
      else if (reported === undefined || reported[i] === NOT_REPORTED) continue;
      else units = reported[i]! - taken[i]!;
      if (units === 0) continue;
      due ??= new Array(taken.length).fill(0);
      due[i] = units;
    }
    return due;
  }

  /** The RateLimits that were taken and whose usage is missing. Undefined if there are none. */
  unreported(taken: readonly number[], reported: readonly number[] | undefined): K[] | undefined {
    let keys: K[] | undefined;
    for (let i = 0; i < taken.length; i++) {
      if (taken[i] === 0 || this.#limits[i]!.type !== "rate") continue;
      if (reported === undefined || reported[i] === NOT_REPORTED) {
        keys ??= [];
        keys.push(this.#names[i]!);
      }
    }
    return keys;
  }

  /** The index of `key`, which most often is the one after the last. */
  #indexAfter(next: number, key: K): number {
    return this.#names[next] === key ? next : this.indexOf(key);
  }

  #units(index: number, amount: number | undefined): number {
    const unit = this.#unit[index]!;
    const units = typeof amount === "number" ? toUnits(amount, unit) : Number.NaN;
    if (units >= 0) return units;
    const wanted = unit === 1 ? "a whole number" : `a multiple of ${unit}`;
    throw new InvalidRequestError(
      `the amount of "${this.#names[index]}" must be ${wanted}, 0 or more, got ${show(amount)}`,
    );
  }

  #unknown(key: string): InvalidRequestError {
    const known = this.#names.map((each) => `"${each}"`).join(", ");
    return new InvalidRequestError(`no limit has the key "${key}"; the set has ${known || "no limits"}`);
  }

  #neverPasses(index: number, amount: number | undefined): InvalidRequestError {
    const limit = this.#limits[index]!;
    const burst = limit.type !== "resource" && limit.burst !== undefined && limit.burst < limit.capacity;
    const most = burst ? `the burst, ${limit.burst}` : `the capacity, ${limit.capacity}`;
    return new InvalidRequestError(
      `${show(amount)} of "${limit.key}" could never pass: ask for at most ${most}`,
    );
  }
}

export function unitOf(limit: Limit): number {
  return limit.type === "rate" ? limit.unit : 1;
}

/** The most that can be taken of a limit at once, in units. */
export function ceilingUnits(limit: Limit): number {
  const ceiling = limit.type === "resource" ? limit.capacity : (limit.burst ?? limit.capacity);
  return toUnits(ceiling, unitOf(limit));
}
