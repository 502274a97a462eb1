/** Turns what users ask for into whole units, one entry a limit, and refuses what makes no sense. */
import type { Amounts } from "./contract.ts";
import { InvalidRequestError, show, UsageExceedsRequestedError } from "./errors.ts";
import type { Limit } from "./limits.ts";
import { toAmount, toUnits } from "./units.ts";

/** Usage that has not been reported. */
export const NOT_REPORTED = -1;

export class Requests<K extends string> {
  readonly keys: readonly K[];
  readonly #limits: readonly Limit<K>[];
  readonly #indexes: ReadonlyMap<string, number>;
  readonly #unit: readonly number[];
  /** The most that can be taken at once, in units. */
  readonly #ceilings: readonly number[];
  /** What is taken of a limit that a request does not name: 1 of calls and resources, 0 of rates. */
  readonly #automatic: readonly number[];
  /** A set with a RateLimit needs to be told how much. */
  readonly #needsAmounts: boolean;

  constructor(limits: readonly Limit<K>[]) {
    this.#limits = limits;
    this.keys = Object.freeze(limits.map((limit) => limit.key as K));
    this.#indexes = new Map(this.keys.map((key, index) => [key, index]));
    this.#unit = limits.map(unitOf);
    this.#ceilings = limits.map(ceilingUnits);
    this.#automatic = limits.map((limit) => (limit.type === "rate" ? 0 : 1));
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
    let named = false;
    if (requested !== undefined) {
      if (typeof requested !== "object" || requested === null) {
        throw new InvalidRequestError(`a request must be an object of amounts, got ${show(requested)}`);
      }
      for (const key in requested) {
        const index = this.indexOf(key);
        const amount = requested[key];
        const asked = this.#units(index, amount);
        if (asked > this.#ceilings[index]!) throw this.#neverPasses(index, amount);
        units[index] = asked;
        named = true;
      }
    }
    if (!named && this.#needsAmounts) {
      const rates = this.#limits.filter(({ type }) => type === "rate").map(({ key }) => `"${key}"`);
      throw new InvalidRequestError(
        `name the amount of ${rates.join(" or ")} to take: the set has rate limits`,
      );
    }
    return units;
  }

  /** The amounts that `units` are, without the limits of which nothing was taken. */
  amounts(units: readonly number[]): Record<K, number> {
    const taken = units.flatMap((count, i) =>
      count > 0 ? [[this.keys[i]!, toAmount(count, this.#unit[i]!)]] : [],
    );
    return Object.fromEntries(taken);
  }

  /** Writes the reported `usage` of what was `taken` into a copy of `reported`; throws if some of it makes no sense. */
  parseUsage(usage: Amounts<K>, taken: readonly number[], reported: readonly number[] | undefined): number[] {
    if (typeof usage !== "object" || usage === null) {
      throw new InvalidRequestError(`usage must be an object of amounts, got ${show(usage)}`);
    }
    const next = reported?.slice() ?? taken.map(() => NOT_REPORTED);
    for (const key in usage) {
      const index = this.indexOf(key);
      const limit = this.#limits[index]!;
      if (limit.type === "resource") {
        throw new InvalidRequestError(
          `"${key}" is a resource: it has no usage to report, and comes back at release`,
        );
      }
      const used = this.#units(index, usage[key]);
      if (used > taken[index]! && !(limit.type === "rate" && limit.overage === "debt")) {
        throw new UsageExceedsRequestedError(key, usage[key]!, toAmount(taken[index]!, this.#unit[index]!));
      }
      next[index] = used;
    }
    return next;
  }

  /** What a release settles: above 0 to charge, below to give back. */
  settlement(taken: readonly number[], reported: readonly number[] | undefined): number[] {
    return taken.map((units, i) => {
      if (this.#limits[i]!.type === "resource") return -units;
      const used = reported?.[i] ?? NOT_REPORTED;
      return used === NOT_REPORTED ? 0 : used - units;
    });
  }

  /** The RateLimits that were taken and whose usage is missing. */
  unreported(taken: readonly number[], reported: readonly number[] | undefined): K[] {
    return this.keys.filter(
      (_, i) =>
        taken[i]! > 0 && this.#limits[i]!.type === "rate" && (reported?.[i] ?? NOT_REPORTED) === NOT_REPORTED,
    );
  }

  #units(index: number, amount: number | undefined): number {
    const unit = this.#unit[index]!;
    const units = typeof amount === "number" ? toUnits(amount, unit) : Number.NaN;
    if (units >= 0) return units;
    const wanted = unit === 1 ? "a whole number" : `a multiple of ${unit}`;
    throw new InvalidRequestError(
      `the amount of "${this.keys[index]}" must be ${wanted}, 0 or more, got ${show(amount)}`,
    );
  }

  #unknown(key: string): InvalidRequestError {
    const known = this.keys.map((each) => `"${each}"`).join(", ");
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
