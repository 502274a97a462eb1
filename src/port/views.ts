/** The partitions that a request names, as they travel: the names stand in the order of the dimensions of the limits. */
import type { Limits } from "../contract.ts";
import type { Era } from "../limits/era.ts";
import type { Naming } from "../limits/partition-names.ts";
import { dimensionsOf, tiersOf } from "../limits/partitioning.ts";
import { type Operation, TO_HOST } from "./protocol.ts";
import { readList } from "./reading.ts";

/** A name; null for none; true where the limits of the dimension are left out. */
type PackedName = string | null | true;

/** The view that a peer has named, and how long its names are: the host keeps them for as long as the request. */
export interface AskedView<K extends string> {
  readonly limits: Limits<K>;
  readonly units: number;
}

/** All names of the requests that wait or are held on one channel may have so many UTF-16 units together. */
export const MOST_NAME_UNITS: number = 2 ** 24;

export function packNaming({ limits }: Pick<Era, "limits">, { names, tier }: Naming): Operation {
  const packed = dimensionsOf(limits).map((dimension): PackedName => {
    const name = names.get(dimension);
    return name === null ? true : (name ?? null);
  });
  // A view goes on without a tier that has ended.
  return [TO_HOST.FOR, packed, tier !== undefined && tiersOf(limits).includes(tier) ? tier : null];
}

/**
 * The view of `limits` that a peer has named by the limits of the era `spoken`, under those of `present`; undefined if that cannot be read.
 *
 * @throws {InvalidRequestError} for a tier that there never was.
 */
export function readView<K extends string>(
  limits: Limits<K>,
  [packed, tier]: readonly unknown[],
  spoken: Pick<Era, "limits">,
  present: Pick<Era, "limits">,
): AskedView<K> | undefined {
  const dimensions = dimensionsOf(spoken.limits);
  const list = readList(packed, dimensions.length, isName);
  if (!list || !(tier === null || typeof tier === "string")) return undefined;
  // The set may have been redefined since: a view goes on without the dimensions and the tier that have ended.
  const stay = dimensionsOf(present.limits);
  const hasEnded =
    tier !== null && tiersOf(spoken.limits).includes(tier) && !tiersOf(present.limits).includes(tier);
  const names: Record<string, string | null> = {};
  let units = 0;
  list.forEach((name, i) => {
    const dimension = dimensions[i]!;
    if (name === null || !stay.includes(dimension)) return;
    const value = name === true ? null : name;
    // To assign `__proto__` would set the prototype.
    Object.defineProperty(names, dimension, { value, enumerable: true });
    units += value?.length ?? 0;
  });
  const options = tier === null || hasEnded ? {} : { tier };
  return { limits: limits.for(names, options) as Limits<K>, units };
}

function isName(value: unknown): value is PackedName {
  return value === null || value === true || typeof value === "string";
}
