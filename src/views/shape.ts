/** What the views of a set have in common that name the same dimensions, and the same tier. */
import type { LocalGranter } from "../acquisition/local-granter.ts";
import { Place, type Shape, type Viewing } from "../acquisition/place.ts";
import type { NamedPartitions } from "../core/named-partitions.ts";
import { Names } from "../core/names.ts";
import type { Era } from "../limits/era.ts";
import { type Limit, tierOf } from "../limits/limits.ts";
import { NamedRequests, type Standing } from "../limits/named-requests.ts";
import {
  type Naming,
  nameMore,
  OneName,
  type PartitionNames,
  type ViewOptions,
} from "../limits/partition-names.ts";
import type { DimensionOptions } from "../limits/partition-options.ts";
import { dimensionsOf, tiersOf } from "../limits/partitioning.ts";

/** The dimensions and the tiers of a set. */
export interface Known {
  readonly dimensions: readonly string[];
  readonly tiers: readonly string[];
}

/** All of an era. */
export interface Shapes extends Known {
  readonly era: object;
  readonly byText: Map<string, Shape<string, string>>;
  /** That of views which name the only dimension there is. */
  ofOne: Shape<string, string> | undefined;
}

/** How many partitions there are, by dimension. */
export type PartitionCounts<D extends string> = {
  readonly [dimension in D]: {
    /** How many names have a state to themselves. */
    readonly count: number;
    /** How many may. */
    readonly max: number;
    /** Whether other names share a state now. */
    readonly shared: boolean;
  };
};

export function countsOf<D extends string>(
  dimensions: readonly DimensionOptions[],
  partitions: NamedPartitions | undefined,
  isShared: (dimension: number) => boolean,
): PartitionCounts<D> {
  const entries = dimensions.map(({ name, max }, i) => [
    name,
    Object.freeze({ count: partitions!.count(i), max, shared: isShared(i) }),
  ]);
  return Object.freeze(Object.fromEntries(entries));
}

/** By the eras of sets. */
const shapes = /* @__PURE__ */ new WeakMap<object, Shapes>();

export function knownOf(era: Pick<Era, "limits">): Known {
  return shapesOf(era);
}

/**
 * A naming with more names, for a set with the limits of `era`; with those of `latest`, where another thread has redefined the set.
 *
 * @throws {InvalidRequestError} for a dimension or a tier that no limit has, and for a name that is no string.
 */
export function nameIn(
  era: Pick<Era, "limits">,
  latest: () => Pick<Era, "limits">,
  naming: Naming,
  names: PartitionNames,
  options: ViewOptions,
): Naming {
  try {
    return nameMore(naming, names, options, knownOf(era));
  } catch (error) {
    const next = latest();
    if (next === era) throw error;
    return nameMore(naming, names, options, knownOf(next));
  }
}

export function shapeOf<M extends string, K extends string>(
  era: Era<M, K>,
  { names, tier }: Naming,
): Shape<M, K> {
  const { dimensions, tiers, byText } = shapesOf(era as unknown as Era);
  const number = tier === undefined ? 0 : tiers.indexOf(tier) + 1;
  let text = `${number}`;
  for (const dimension of dimensions) {
    const name = names.get(dimension);
    text += name === undefined ? "?" : name === null ? "-" : "+";
  }
  let shape = byText.get(text) as Shape<M, K> | undefined;
  if (!shape) {
    const limits = era.limits.map((limit) => tierOf(limit, tier) as Limit<K, M>);
    const standings = limits.map(({ per }): Standing => {
      const name = per === undefined ? "" : names.get(per);
      return name === undefined ? "missing" : name === null ? "left out" : "named";
    });
    const requests = new NamedRequests(limits, standings);
    shape = {
      era: { ...era, limits, requests },
      known: dimensions,
      tier: number,
      dimensions: limits.map(({ per }, i) =>
        per !== undefined && standings[i] === "named" ? dimensions.indexOf(per) : -1,
      ),
    };
    byText.set(text, shape as unknown as Shape<string, string>);
  }
  return shape;
}

/** The place of a view in the era of a granter, which has these `shapes`. */
export function placeOf<M extends string, K extends string>(
  granter: LocalGranter<M, K>,
  shapes: Shapes,
  partitions: NamedPartitions | undefined,
  naming: Naming,
  view: Viewing<M, K>,
): Place<M, K> {
  const { dimensions } = shapes;
  if (naming instanceof OneName && dimensions.length === 1 && dimensions[0] === naming.dimension) {
    // The most common one by itself, for speed.
    shapes.ofOne ??= shapeOf(granter.era, naming) as unknown as Shape<string, string>;
    const shape = shapes.ofOne as unknown as Shape<M, K>;
    return new Place(granter, shape, new Names([partitions!.hash(naming.name)], 0), view);
  }
  const shape = shapeOf(granter.era, naming);
  const named = knownOf(granter.era).dimensions.map((dimension) => {
    const name = naming.names.get(dimension);
    return typeof name === "string" ? (naming.hashes?.get(dimension) ?? partitions!.hash(name)) : undefined;
  });
  return new Place(granter, shape, new Names(named, shape.tier), view);
}

/** The keys of the limits of partitions that are named. */
export function keysNamed<K extends string>(
  { limits }: { readonly limits: readonly Limit<K, string>[] },
  { names }: Naming,
): readonly K[] {
  return limits.flatMap(({ key, per }) =>
    per !== undefined && typeof names.get(per) === "string" ? [key] : [],
  );
}

export function shapesOf(era: Pick<Era, "limits">): Shapes {
  let known = shapes.get(era);
  if (!known) {
    const { limits } = era;
    known = {
      dimensions: dimensionsOf(limits),
      tiers: tiersOf(limits),
      byText: new Map(),
      era,
      ofOne: undefined,
    };
    shapes.set(era, known);
  }
  return known;
}
