/** Turns what users ask for into whole units, one entry a limit, and refuses what makes no sense. */
import { InvalidRequestError, show, UsageExceedsRequestedError } from "../errors.ts";
import type { Amounts } from "./amounts.ts";
import { ceilingUnits, unitOf } from "./definition.ts";
import type { Limit } from "./limits.ts";
import { toAmount, toUnits } from "./units.ts";

/** Usage that has not been reported. */
const NOT_REPORTED = -1;

// What a settlement has to do.
export const GIVES_BACK = 1;
export const CHARGES = 2;
export const MISSES = 4;

/** Amounts by whatever keys came. */
type Named = { readonly [key: string]: number };

/** A limit as requests see it. */
interface Term<K extends string> {
  readonly key: K;
  readonly limit: Limit<K>;
  readonly unit: number;
  /** The most that can be taken at once, in units. */
  readonly ceiling: number;
  /** What is taken if a request does not name it: 1 of calls and resources, 0 of rates. */
  readonly automatic: number;
  readonly isResource: boolean;
}

export class Requests<K extends string> {
  readonly keys: readonly K[];
  /** The indexes of the ResourceLimits. */
  readonly resources: readonly number[];
  private readonly terms: readonly Term<K>[];
  /** What a request takes unasked. */
  private readonly automatic: readonly number[];
  /** Usage of which nothing has been reported. */
  private readonly nothing: readonly number[];
  private readonly indexes: ReadonlyMap<string, number>;
  /** Whether there are rates, of which nothing is taken unasked. */
  private readonly wantsNames: boolean;

  constructor(limits: readonly Limit<K>[]) {
    this.terms = limits.map((limit) => ({
      key: limit.key as K,
      limit,
      unit: unitOf(limit),
      ceiling: ceilingUnits(limit),
      automatic: limit.type === "rate" ? 0 : 1,
      isResource: limit.type === "resource",
    }));
    this.resources = this.terms.flatMap(({ isResource }, i) => (isResource ? [i] : []));
    this.wantsNames = limits.some(({ type }) => type === "rate");
    this.automatic = this.terms.map(({ automatic }) => automatic);
    this.nothing = this.terms.map(() => NOT_REPORTED);
    this.keys = Object.freeze(this.terms.map(({ key }) => key));
    this.indexes = new Map(this.keys.map((key, index) => [key, index]));
  }

  indexOf(key: string): number {
    const index = this.indexes.get(key);
    if (index === undefined) throw this.unknown(key);
    return index;
  }

  /** The units of a request. */
  parse(requested: Amounts<K> | undefined): number[] {
    const terms = this.terms;
    const units = copyOf(this.automatic);
    let next = 0;
    for (const key in requested) {
      const index = terms[next]?.key === key ? next : this.indexFrom(next, key);
      const term = terms[index]!;
      const amount = (requested as Named)[key]!;
      const asked = toUnits(amount, term.unit);
      if (!(asked >= 0 && asked <= term.ceiling)) throw invalidAmount(amount, asked, term);
      units[index] = asked;
      next = index + 1;
    }
    if (next === 0) this.checkUnnamed(requested);
    return units;
  }

  /** The units of a request on top of acquisitions that hold the `covered` limits: nothing is taken automatically of those. */
  parseNested(requested: Amounts<K> | undefined, covered: readonly boolean[]): number[] {
    const units = this.parse(requested);
    this.terms.forEach(({ key }, i) => {
      if (covered[i] && !(requested && Object.hasOwn(requested, key))) units[i] = 0;
    });
    return units;
  }

  /** The amounts that `units` are, without the limits of which nothing was taken. */
  amounts(units: readonly number[]): Record<K, number> {
    const taken = units.flatMap((count, i) =>
      count > 0 ? [[this.terms[i]!.key, toAmount(count, this.terms[i]!.unit)]] : [],
    );
    return Object.fromEntries(taken);
  }

  /** Writes the reported `usage` of what was `taken` into a copy of `reported`; throws if some of it makes no sense. */
  parseUsage(usage: Amounts<K>, taken: readonly number[], reported: readonly number[] | undefined): number[] {
    const terms = this.terms;
    const usages = copyOf(reported ?? this.nothing);
    let next = 0;
    for (const key in usage) {
      const index = terms[next]?.key === key ? next : this.indexFrom(next, key);
      const term = terms[index]!;
      const amount = (usage as Named)[key]!;
      const used = toUnits(amount, term.unit);
      const most = taken[index]!;
      if (term.isResource || !(used >= 0 && used <= most)) checkUsage(amount, used, most, term);
      usages[index] = used;
      next = index + 1;
    }
    if (next === 0) checkPlain(usage, "usage");
    return usages;
  }

  /**
   * Writes the settlement of a release into `due`, one entry a limit: below 0 what it gives back, above 0 what it charges.
   * Returns what there is to do: a sum of `GIVES_BACK`, `CHARGES`, and `MISSES` where usage of a RateLimit is missing.
   */
  settlement(taken: readonly number[], reported: readonly number[] | undefined, due: number[]): number {
    const terms = this.terms;
    let what = 0;
    for (let i = 0; i < terms.length; i++) {
      const units = taken[i]!;
      const used = reported === undefined ? NOT_REPORTED : reported[i]!;
      let owed = 0;
      if (used !== NOT_REPORTED) owed = used - units;
      else if (terms[i]!.isResource) owed = -units;
      else if (units > 0 && terms[i]!.automatic === 0) what |= MISSES;
      due[i] = owed;
      if (owed < 0) what |= GIVES_BACK;
      else if (owed > 0) what |= CHARGES;
    }
    return what;
  }

  /** Whether resources are among what was taken. */
  takesResources(taken: readonly number[]): boolean {
    return this.resources.some((resource) => taken[resource]! > 0);
  }

  /** The usage that a release reports elsewhere, in amounts: of what was not reported, all if it may be missing, else null. */
  usage(taken: readonly number[], reported: readonly number[] | undefined): (number | null)[] {
    return this.terms.map(({ unit, automatic }, i) => {
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
        taken[i]! > 0 && this.terms[i]!.automatic === 0 && (reported?.[i] ?? NOT_REPORTED) === NOT_REPORTED,
    );
  }

  /** The index of `key`, looked for from `next` on: most often a request names limits in their order. */
  private indexFrom(next: number, key: string): number {
    const terms = this.terms;
    for (let i = next; i < terms.length; i++) if (terms[i]!.key === key) return i;
    return this.indexOf(key);
  }

  /** A request that names nothing: is that what was meant? */
  private checkUnnamed(requested: unknown): void {
    if (requested !== undefined) checkPlain(requested, "a request");
    if (this.wantsNames) throw namesMissing(this.terms);
  }

  private unknown(key: string): InvalidRequestError {
    const known = this.keys.map((each) => `"${each}"`).join(", ");
    return new InvalidRequestError(`no limit has the key "${key}"; the set has ${known || "no limits"}`);
  }
}

/** Short arrays as literals, which engines allocate in place; every other way to copy one takes twice as long. */
function copyOf(list: readonly number[]): number[] {
  // Apart, because engines inline by the size of what they see: a set of one limit needs no more than this.
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

// What follows is kept out of the functions above: engines inline small functions only.

function namesMissing(terms: readonly Term<string>[]): InvalidRequestError {
  const rates = terms.filter(({ limit }) => limit.type === "rate").map(({ key }) => `"${key}"`);
  return new InvalidRequestError(`name the amount of ${rates.join(" or ")} to take: the set has rate limits`);
}

function invalidAmount(
  amount: unknown,
  units: number,
  { key, limit, unit }: Term<string>,
): InvalidRequestError {
  if (!(units >= 0)) {
    const wanted = unit === 1 ? "a whole number" : `a multiple of ${unit}`;
    return new InvalidRequestError(
      `the amount of "${key}" must be ${wanted}, 0 or more, got ${show(amount)}`,
    );
  }
  const burst = limit.type !== "resource" && limit.burst !== undefined && limit.burst < limit.capacity;
  const most = burst ? `the burst, ${limit.burst}` : `the capacity, ${limit.capacity}`;
  return new InvalidRequestError(`${show(amount)} of "${key}" could never pass: ask for at most ${most}`);
}

/** Refuses usage that is none: of a resource, no amount, or above the request where that is no debt. */
function checkUsage(amount: unknown, units: number, taken: number, term: Term<string>): void {
  const { key, limit, unit } = term;
  if (limit.type === "resource") {
    throw new InvalidRequestError(
      `"${key}" is a resource: it has no usage to report, and comes back at release`,
    );
  }
  if (!(units >= 0)) throw invalidAmount(amount, units, term);
  if (limit.type === "rate" && limit.overage === "debt") return;
  throw new UsageExceedsRequestedError(key, toAmount(units, unit), toAmount(taken, unit));
}

/** Refuses what has no amounts to find: null, a number, a Map or an array that holds them where nobody looks. */
function checkPlain(value: unknown, what: string): void {
  const prototype = typeof value === "object" && value !== null ? Object.getPrototypeOf(value) : value;
  if (prototype === Object.prototype || (prototype === null && value !== null)) return;
  throw new InvalidRequestError(`${what} must be an object of amounts, got ${show(value)}`);
}
