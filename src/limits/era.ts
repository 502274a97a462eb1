/**
 * An era of a set: all that holds for one list of its limits. A redefinition begins the next era. Acquisitions and waiters of an earlier
 * one go on: their units pass to the limits that have stayed.
 */
import { InvalidRequestError, show } from "../errors.ts";
import { RateLimitAlgorithm } from "./algorithm.ts";
import { ceilingUnits, unitOf } from "./definition.ts";
import { checkOptions, invalidRequest } from "./known-options.ts";
import { type Limit, type LimitLike, tierOf, toLimits } from "./limits.ts";
import { alike } from "./lists.ts";
import { metricOf } from "./metrics.ts";
import { requestsOf } from "./named-requests.ts";
import { tiersOf } from "./partitioning.ts";
import type { Requests } from "./requests.ts";
import { toAmount, toUnits } from "./units.ts";

/** What carries over where a limit is defined anew. */
export type Inherit = "used" | "available" | "proportional" | "fresh";

/** The options of `redefine`. */
export interface RedefineOptions {
  /**
   * What carries over. `"used"`: what is used stays used. `"available"`: what is available stays available. `"proportional"`: the
   * share that is used stays the same. `"fresh"`: nothing does. Resources in use stay in use in any case. Default: `"used"`.
   */
  readonly inherit?: Inherit;
  /**
   * The version of the definitions, a whole number: one that is lower than the set's changes nothing, and other limits of
   * the same version replace the set's, with a `SameVersionWarning`. Default: the version that the set has, which is 0 at first, without a
   * warning.
   */
  readonly version?: number;
}

/** All limits that a set has from now on, or a function that makes them of the present ones. */
export type Redefinition = readonly LimitLike[] | ((current: readonly Limit[]) => readonly LimitLike[]);

/** How long a limit has been what it is, in numbers of eras. */
export interface Tenure {
  /** Since when the set has it. A limit that was dropped and added again is another one. */
  readonly birth: number;
  /** The first era whose acquisitions still give back unused amounts of it. */
  readonly refundsFrom: number;
}

export interface Era<M extends string = string, K extends string = M> {
  readonly number: number;
  readonly version: number;
  readonly limits: readonly Limit<K, M>[];
  readonly requests: Requests<M, K>;
  /** One entry a limit. */
  readonly tenures: readonly Tenure[];
  /** What carried over from the era before; undefined in the first. */
  readonly inherit?: Inherit | undefined;
  /** Over how many slots of a server the set is spread of which this is a part; undefined if it is none. */
  readonly slots?: number | undefined;
}

/** Where a limit of an earlier era is now. */
export interface Passage {
  readonly index: number;
  /** How many of its units now are one of its units then. */
  readonly ratio: number;
  readonly refunds: boolean;
}

const INHERITS: readonly unknown[] = ["used", "available", "proportional", "fresh"] satisfies Inherit[];

/** Checks the options of `redefine`. */
export function checkRedefineOptions(options: RedefineOptions): void {
  checkOptions("redefine", options, ["inherit", "version"], invalidRequest);
  const { inherit = "used", version } = options;
  if (!INHERITS.includes(inherit)) {
    const known = INHERITS.map((each) => `"${each}"`).join(", ");
    throw new InvalidRequestError(`inherit must be one of ${known}, got ${show(inherit)}`);
  }
  checkVersion(version);
}

/** Checks the version of definitions, if there is one. */
export function checkVersion(version = 0): void {
  if (!(Number.isSafeInteger(version) && version >= 0)) {
    throw new InvalidRequestError(`version must be a whole number, 0 or more, got ${show(version)}`);
  }
}

const FROM_FIRST: Tenure = { birth: 0, refundsFrom: 0 };

/** The era with which a set begins. */
export function firstEra<M extends string = string, K extends string = M>(
  limits: readonly Limit<K, M>[],
  requests: Requests<M, K>,
): Era<M, K> {
  const tenures = alike(limits.length, FROM_FIRST);
  return { number: 0, version: 0, limits, requests, tenures };
}

/** An era as text, for other threads. */
export function textOf<M extends string, K extends string>({ requests: _, ...facts }: Era<M, K>): string {
  return JSON.stringify(facts);
}

/** The era of a text. JSON has null in place of Infinity, and a limit has no other null. */
export function eraOf<M extends string, K extends string>(text: string): Era<M, K> {
  const facts = JSON.parse(text, (_, value) => value ?? Number.POSITIVE_INFINITY);
  const limits = toLimits<M, K>(facts.limits);
  return { ...facts, limits, requests: requestsOf(limits) };
}

/** The era that follows with these limits. */
export function nextEra<M extends string = string, K extends string = M>(
  era: Era<M, K>,
  limits: readonly Limit<K, M>[],
  requests: Requests<M, K>,
  inherit: Inherit,
  version: number,
): Era<M, K> {
  const number = era.number + 1;
  const tiers = tiersOf(era.limits);
  const tenures = limits.map((limit) => {
    const before = era.limits.findIndex((each) => isSame(each, limit));
    if (before < 0) return { birth: number, refundsFrom: number };
    const { birth, refundsFrom } = era.tenures[before]!;
    const keeps = (tier?: string) =>
      keepsRefunds(tierOf(era.limits[before]!, tier), tierOf(limit, tier), inherit);
    return { birth, refundsFrom: keeps() && tiers.every(keeps) ? refundsFrom : number };
  });
  return { number, version, limits, requests, tenures, inherit };
}

/** For each limit of an era, where it is in a later one; undefined where it was dropped. */
function passagesOf<M extends string, K extends string>(
  from: Era<M, K>,
  to: Era<M, K>,
): (Passage | undefined)[] {
  return from.limits.map((limit, i) => {
    const { birth } = from.tenures[i]!;
    const index = to.limits.findIndex((each, j) => isSame(each, limit) && to.tenures[j]!.birth === birth);
    if (index < 0) return undefined;
    const ratio = unitOf(limit) / unitOf(to.limits[index]!);
    return {
      index,
      ratio,
      refunds: limit.type === "resource" || from.number >= to.tenures[index]!.refundsFrom,
    };
  });
}

/** What each limit of the next era inherits: by the index in the era before, which is below 0 where the limit is new. */
export function heirsOf<M extends string, K extends string>(
  before: Era<M, K>,
  next: Era<M, K>,
): { readonly from: number; readonly ratio: number }[] {
  const passages = passagesOf(before, next);
  return next.limits.map((_, i) => {
    const from = passages.findIndex((passage) => passage?.index === i);
    return { from, ratio: passages[from]?.ratio ?? 1 };
  });
}

/** Units of an earlier era, below 0 where they are given back, in those of a later one. Less is given back, or more is charged, never less. */
export function passOn<M extends string, K extends string>(
  from: Era<M, K>,
  to: Era<M, K>,
  units: readonly number[],
): readonly number[] {
  if (from === to) return units;
  const passed = to.limits.map(() => 0);
  passagesOf(from, to).forEach((passage, i) => {
    if (!passage || (units[i]! < 0 && !passage.refunds)) return;
    passed[passage.index] = convert(units[i]!, passage.ratio);
  });
  return passed;
}

/** The limits of a later era that are among the `covered` ones of an earlier era. */
export function passCovered<M extends string, K extends string>(
  from: Era<M, K>,
  to: Era<M, K>,
  covered: readonly boolean[],
): readonly boolean[] {
  if (from === to) return covered;
  const passed = to.limits.map(() => false);
  passagesOf(from, to).forEach((passage, i) => {
    if (passage && covered[i]) passed[passage.index] = true;
  });
  return passed;
}

/**
 * The units that a waiter of an earlier era waits for in a later one: the amounts that it has named or left out, and 1 of each CallLimit
 * and ResourceLimit that is new.
 *
 * @throws {InvalidRequestError} if it could never pass.
 */
export function passRequest<M extends string, K extends string>(
  from: Era<M, K>,
  to: Era<M, K>,
  units: readonly number[],
): readonly number[] {
  const amounts = explicit(from.requests.names, from.requests.amounts(units));
  return to.requests.parse(passAmounts(from, to, amounts) as never);
}

/**
 * The amounts that a request of an earlier era names, as one of a later era names them: without those of metrics that were dropped, and
 * with nothing of rates that are new.
 */
export function passAmounts<M extends string, K extends string>(
  from: Era<M, K>,
  to: Era<M, K>,
  amounts: Readonly<Record<string, number>>,
): Record<string, number> {
  const names: readonly string[] = from.requests.names;
  const passed: Record<string, number> = {};
  for (const limit of to.limits) {
    const metric = metricOf(limit);
    const unit = unitOf(limit);
    if (Object.hasOwn(amounts, metric)) {
      const amount = amounts[metric]!;
      const isWhole = toUnits(amount, unit) >= 0 || !(amount > 0);
      define(passed, metric, isWhole ? amount : toAmount(Math.ceil(amount / unit), unit));
    } else if (limit.type === "rate" && !names.includes(metric)) {
      define(passed, metric, 0);
    }
  }
  return passed;
}

/** The amounts with 0 for each of the names that they leave out, so that nothing is taken of it automatically. */
export function explicit(
  names: readonly string[],
  amounts: Readonly<Record<string, number>>,
): Record<string, number> {
  const all: Record<string, number> = {};
  for (const name of names) define(all, name, Object.hasOwn(amounts, name) ? amounts[name]! : 0);
  return all;
}

function define(amounts: object, key: string, value: number): void {
  // To assign `__proto__` would set the prototype.
  Object.defineProperty(amounts, key, { value, enumerable: true, configurable: true });
}

/**
 * Whether a limit is the same one under another definition. What is held of a resource is no rate, and the one state of all is none of a
 * partition, so that one cannot become the other.
 */
export function isSame(one: Limit, other: Limit): boolean {
  return (
    one.key === other.key &&
    one.per === other.per &&
    (one.type === "resource") === (other.type === "resource")
  );
}

/** Whether acquisitions from before a redefinition give back unused amounts: where their marks were carried over. */
function keepsRefunds(from: Limit, to: Limit, inherit: Inherit): boolean {
  if (from.type === "resource" || to.type === "resource") return true;
  const shrinks = ceilingUnits(to) < ceilingUnits(from);
  return (
    (inherit === "used" || (inherit === "available" && !shrinks)) &&
    unitOf(from) === unitOf(to) &&
    Number.isFinite(from.capacity) &&
    Number.isFinite(to.capacity) &&
    (isCalendar(from) ? isCalendar(to) : refunds(from.algorithm) && refunds(to.algorithm))
  );
}

/** Whether grants give back while their window lasts: the window goes on under the new definition. */
function isCalendar(limit: Limit): boolean {
  return "every" in limit;
}

function refunds(algorithm: RateLimitAlgorithm): boolean {
  return algorithm === RateLimitAlgorithm.TokenBucket || algorithm === RateLimitAlgorithm.GCRA;
}

/** Rounded up: units that are charged are above 0, units that are given back are below. */
function convert(units: number, ratio: number): number {
  const exact = units * ratio;
  const whole = Math.round(exact);
  return Math.abs(exact - whole) <= Math.abs(exact) * 4 * Number.EPSILON ? whole : Math.ceil(exact) + 0;
}
