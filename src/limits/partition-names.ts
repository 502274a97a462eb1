/** The names by which a view is made, and their checks. */
import type { NameHash } from "../core/named-partitions.ts";
import { InvalidRequestError, listKeys, show } from "../errors.ts";
import { checkOptions, invalidRequest, isEverywhere } from "./known-options.ts";
import { checkPlain } from "./request-errors.ts";

// Without this key, a set that has no dimensions would take any object, since every object has the type `{}`.
declare const noDimension: unique symbol;

/**
 * The names of partitions, by dimension: any strings. `null` leaves the limits of a dimension out, and undefined does not name it.
 */
export type PartitionNames<D extends string = string> = {
  readonly [dimension in D]?: string | null | undefined;
} & {
  /** @internal */
  readonly [noDimension]?: never;
};

/** The options of `for`. */
export interface ViewOptions {
  /** The tier of the limits that have one of this name. Default: none, so that they are as they were defined. */
  readonly tier?: string | undefined;
}

/** The names and the tier of a view, as they were given. */
export interface Naming {
  readonly names: ReadonlyMap<string, string | null>;
  readonly tier: string | undefined;
  /** The hashes of names under the key of the set, by dimension, where the names themselves are not kept. */
  readonly hashes?: ReadonlyMap<string, NameHash>;
}

/** A naming of one dimension alone, as most are. */
export class OneName implements Naming {
  readonly dimension: string;
  readonly name: string;
  private map: ReadonlyMap<string, string> | undefined = undefined;

  constructor(dimension: string, name: string) {
    this.dimension = dimension;
    this.name = name;
  }

  get names(): ReadonlyMap<string, string> {
    this.map ??= new Map([[this.dimension, this.name]]);
    return this.map;
  }

  get tier(): undefined {
    return undefined;
  }
}

/** The naming of a set's partition by one name: undefined where the names are others, or have to be refused. */
export function nameOne(names: PartitionNames, { dimensions }: Known): OneName | undefined {
  if (typeof names !== "object" || names === null || Object.getPrototypeOf(names) !== Object.prototype)
    return undefined;
  let only: string | undefined;
  for (const dimension in names) {
    if (only !== undefined) return undefined;
    only = dimension;
  }
  if (only === undefined || only in Object.prototype || !dimensions.includes(only)) return undefined;
  const name: unknown = names[only];
  return typeof name === "string" ? new OneName(only, name) : undefined;
}

/** In place of a naming, for a set. */
export const NAMELESS: Naming = { names: new Map(), tier: undefined };

/** Of a view: it tells of which set it is one. The symbol is registered, so that two copies of the package know each other's views. */
export const VIEWED: unique symbol = Symbol.for("limitset.viewed") as never;

/** The set of a view, and what the view names. */
export interface Viewed<S> {
  readonly set: S;
  readonly naming: Naming;
}

/** The set of a view; undefined for a set. */
export function viewedOf<S extends object>(limits: S): Viewed<S> | undefined {
  return (limits as { [VIEWED]?(): Viewed<S> | undefined })[VIEWED]?.();
}

/** What the limits of a set have. */
interface Known {
  readonly dimensions: readonly string[];
  readonly tiers: readonly string[];
}

/**
 * A naming with more names. Returns the same one if there are none. While a set that lives elsewhere is not known yet, `checkNaming` has
 * to follow.
 *
 * @throws {InvalidRequestError} for a dimension or a tier that no limit has, and for a name that is no string.
 */
export function nameMore(
  naming: Naming,
  more: PartitionNames,
  options: ViewOptions,
  known: Known | undefined,
): Naming {
  checkPlain(more, "the names of partitions", "names by dimension");
  checkOptions("for()", options, ["tier"], invalidRequest);
  let names: Map<string, string | null> | undefined;
  for (const dimension in more) {
    const name: unknown = (more as Readonly<Record<string, unknown>>)[dimension];
    if (name === undefined || isEverywhere(more, dimension)) continue;
    if (known) checkDimension(dimension, known);
    if (typeof name !== "string" && name !== null) {
      throw new InvalidRequestError(
        `the name of ${show(dimension)} must be a string, or null to leave its limits out, got ${show(name)}`,
      );
    }
    names ??= new Map(naming.names);
    names.set(dimension, name);
  }
  const { tier = naming.tier } = options;
  if (known) checkTier(tier, known);
  return names || tier !== naming.tier ? { names: names ?? naming.names, tier } : naming;
}

/**
 * Checks a naming that was made before its set was known.
 *
 * @throws {InvalidRequestError} for a dimension or a tier that no limit has.
 */
export function checkNaming({ names, tier }: Naming, known: Known): void {
  for (const dimension of names.keys()) checkDimension(dimension, known);
  checkTier(tier, known);
}

function checkDimension(dimension: string, { dimensions }: Known): void {
  if (!dimensions.includes(dimension)) throw unknown("is per", dimension, "per", dimensions);
}

function checkTier(tier: string | undefined, { tiers }: Known): void {
  if (tier !== undefined && !tiers.includes(tier)) throw unknown("has the tier", tier, "", tiers);
}

function unknown(what: string, value: unknown, per: string, known: readonly string[]): InvalidRequestError {
  const has = known.length === 0 ? "none" : `${per}${per && " "}${listKeys(known)}`;
  return new InvalidRequestError(`no limit ${what} ${show(value)}; the set has ${has}`);
}
