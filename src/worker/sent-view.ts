/** A view as it travels to a thread or process of a worker, which makes it again of the set that it gets. */
import type { Limits } from "../contract.ts";
import { type Living, PRESENT } from "../limits/living.ts";
import type { Naming } from "../limits/partition-names.ts";
import { dimensionsOf, tiersOf } from "../limits/partitioning.ts";

export interface SentView {
  readonly names: readonly (readonly [dimension: string, name: string | null])[];
  readonly tier: string | undefined;
}

export function packView({ names, tier }: Naming): SentView {
  return { names: [...names], tier };
}

/** The view of a set that is known. The set may have been redefined since: a view goes on without the dimensions and the tier that have ended. */
export function viewIn(set: Limits, { names, tier }: SentView): Limits {
  const { limits } = (set as unknown as Living)[PRESENT]().era;
  const dimensions = dimensionsOf(limits);
  const stay = names.filter(([dimension]) => dimensions.includes(dimension));
  return set.for(Object.fromEntries(stay), {
    tier: tier === undefined || tiersOf(limits).includes(tier) ? tier : undefined,
  });
}
