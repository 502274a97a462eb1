/**
 * Restores a set from storage. Under the same limits and layout the set is as it was. Otherwise limits take over the usage and the
 * held units of the stored limits with the same key.
 */
import { FORMAT } from "../../assembly/layout.ts";
import type { Definition } from "../core/kinds.ts";
import { Region } from "../core/region.ts";
import { begin } from "../limits/beginning.ts";
import { ceilingUnits, definitionOf, missingUnits, unitOf } from "../limits/definition.ts";
import { type Limit, type LimitLike, toLimits } from "../limits/limits.ts";
import { toAmount } from "../limits/units.ts";
import { olderFormatOf, upgraded } from "./older-states.ts";
import type { StoredGrant, StoredSet } from "./set-storage.ts";
import { restoreTo, setHeld } from "./snapshot.ts";

export interface RestoredSet {
  readonly region: Region;
  /** By the ids of their requests. */
  readonly grants: ReadonlyMap<string, StoredGrant>;
  /** Whether the storage has no definition, or another one than these limits, so that all of the set must be written. */
  readonly isRedefined: boolean;
}

/** Makes a region for `limits` from the stored set. `now` is the reading of the set's clock. */
export function restore(limits: readonly Limit[], stored: StoredSet, now: number): RestoredSet {
  const region = Region.create(limits.map(definitionOf), false);
  const { definition, state, grants } = stored;
  if (!definition || !state) {
    begin(region, limits, { now: () => now });
    return { region, grants: new Map(), isRedefined: true };
  }
  const old = toLimits(definition.limits as LimitLike[]);
  const readable = readableOf(old, definition.format, state);
  if (readable && identityOf(old) === identityOf(limits) && restoreTo(region, readable)) {
    holdAll(region, limits, grants.values());
    // In another format it is written anew, with the definition that names the format.
    return { region, grants, isRedefined: readable !== state };
  }
  const used = usedOf(old, readable, now);
  const places = limits.map((limit) => old.findIndex((each) => isHeir(limit, each)));
  const charges = limits.map((limit, i) => {
    const place = places[i]!;
    if (place < 0) return missingUnits(limit);
    if (limit.type === "resource") return 0;
    return Math.ceil(toAmount(used[place]!, unitOf(old[place]!)) / unitOf(limit));
  });
  region.settle(charges, now, 0);
  const taken = new Map<string, StoredGrant>();
  for (const [id, grant] of grants) {
    // Rate limits are left out, so that a release refunds nothing: their usage was charged above, under another definition.
    const units = limits.map((limit, i) =>
      places[i]! >= 0 && limit.type === "resource" ? grant.units[places[i]!]! : 0,
    );
    taken.set(id, { ...grant, units, covered: undefined });
  }
  holdAll(region, limits, taken.values());
  return { region, grants: taken, isRedefined: true };
}

/** The stored state in the present format; undefined if it cannot be read. */
function readableOf(limits: readonly Limit[], format: number, state: Uint8Array): Uint8Array | undefined {
  if (format === FORMAT) return state;
  return format === olderFormatOf(limits) ? upgraded(limits, state) : undefined;
}

/** Whether `limit` takes over the usage of `old`. */
function isHeir(limit: Limit, old: Limit): boolean {
  return limit.key === old.key && (limit.type === "resource") === (old.type === "resource");
}

/** A string that is the same for the same limits only. */
function identityOf(limits: readonly Limit[]): string {
  return JSON.stringify(
    limits.map((limit): [string, string, number, Definition] => [
      limit.key,
      limit.type,
      unitOf(limit),
      definitionOf(limit),
    ]),
  );
}

/** The units in use of each limit. Where the state cannot be read, all units count as used. */
function usedOf(limits: readonly Limit[], state: Uint8Array | undefined, now: number): number[] {
  const region = Region.create(limits.map(definitionOf), false);
  try {
    if (!state || !restoreTo(region, state)) return limits.map(ceilingUnits);
    region.inspect(now);
    return limits.map((_, i) => region.usedOf(i));
  } finally {
    region.close();
  }
}

/**
 * Makes the held units of each resource the sum of the grants' units. State and grants may disagree if the object has ended between
 * two writes; the grants are right, since each can be released.
 */
function holdAll(region: Region, limits: readonly Limit[], grants: Iterable<StoredGrant>): void {
  const sums = limits.map(() => 0);
  for (const { units } of grants) for (const [i, count] of units.entries()) sums[i]! += Math.max(0, count);
  for (const [i, limit] of limits.entries()) if (limit.type === "resource") setHeld(region, i, sums[i]!);
}
