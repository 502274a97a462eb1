/**
 * Restores a set from storage, in the era that it had: under the same limits and layout it is as it was. Whether the limits of the
 * class replace those that are stored is decided afterwards: that is a redefinition like others.
 */
import { FORMAT } from "../../assembly/layout.ts";
import { Region } from "../core/region.ts";
import { begin } from "../limits/beginning.ts";
import { ceilingUnits, definitionsOf } from "../limits/definition.ts";
import { type Era, firstEra, passOn } from "../limits/era.ts";
import { type Limit, type LimitLike, toLimits } from "../limits/limits.ts";
import { Requests } from "../limits/requests.ts";
import { olderFormatOf, upgraded } from "./older-states.ts";
import { eraFrom, type StoredDefinition, type StoredGrant, type StoredSet } from "./set-storage.ts";
import { restoreTo, setHeld } from "./snapshot.ts";

/** A stored grant, with its era. */
export interface RestoredGrant {
  readonly grant: StoredGrant;
  readonly era: Era;
}

export interface RestoredSet {
  readonly region: Region;
  readonly era: Era;
  /** The limits of the class when the set took these over. */
  readonly declared: readonly Limit[];
  /** By the ids of their requests. */
  readonly grants: ReadonlyMap<string, RestoredGrant>;
  /** Whether the storage has the set as it is here, so that nothing needs to be written. */
  readonly isAlike: boolean;
}

/** Makes a region from the stored set, or of the `limits` of the class if none is stored. `now` is the reading of the set's clock. */
export function restore(
  { limits, version = 0 }: { readonly limits: readonly Limit[]; readonly version?: number },
  stored: StoredSet,
  now: number,
): RestoredSet {
  const { definition, state } = stored;
  if (!definition || !state) {
    const region = Region.create(definitionsOf(limits), false);
    begin(region, limits, { now: () => now });
    const era = { ...firstEra<string>(limits, new Requests(limits)), version };
    return { region, era, declared: limits, grants: new Map(), isAlike: false };
  }
  const era = eraFrom(definition);
  const declared = toLimits((definition.declared ?? definition.limits) as readonly LimitLike[]);
  const region = Region.create(definitionsOf(era.limits), false);
  const readable = readableOf(era.limits, definition, state);
  const isRead = readable !== undefined && restoreTo(region, readable);
  if (!isRead) useUp(region, era.limits, now);
  const grants = grantsOf(stored, era, isRead);
  holdAll(region, era, grants.values());
  // In another format it is written anew, with the definition that names the format.
  return { region, era, declared, grants, isAlike: isRead && readable === state };
}

/** The stored state in the present format; undefined if it cannot be read. */
function readableOf(
  limits: readonly Limit[],
  { format }: StoredDefinition,
  state: Uint8Array,
): Uint8Array | undefined {
  if (format === FORMAT) return state;
  return format === olderFormatOf(limits) ? upgraded(limits, state) : undefined;
}

/** Counts all rates as used up, since the state cannot be read. */
function useUp(region: Region, limits: readonly Limit[], now: number): void {
  const charges = limits.map((limit) =>
    limit.type === "resource" || limit.capacity === Infinity ? 0 : ceilingUnits(limit),
  );
  region.settle(charges, now, 0);
}

/** The stored grants. Where the state was not read, they give back resources only: all rates are used up as far as is known. */
function grantsOf(
  { grants, past }: StoredSet,
  present: Era,
  isRead: boolean,
): ReadonlyMap<string, RestoredGrant> {
  const restored = new Map<string, RestoredGrant>();
  for (const [id, grant] of grants) {
    const { era: number = 0 } = grant;
    const era = number === present.number ? present : past.get(number);
    // Without its limits a grant cannot be settled. Objects always write both together.
    if (!era) continue;
    const units = grant.units.map((count, i) => (isRead || era.limits[i]!.type === "resource" ? count : 0));
    restored.set(id, { grant: { ...grant, units }, era });
  }
  return restored;
}

/**
 * Makes the held units of each resource the sum of the grants' units. State and grants may disagree if the object has ended between
 * two writes; the grants are right, since each can be released.
 */
function holdAll(region: Region, present: Era, grants: Iterable<RestoredGrant>): void {
  const sums = present.limits.map(() => 0);
  for (const { grant, era } of grants) {
    const units = passOn(era, present, grant.units);
    for (const [i, count] of units.entries()) sums[i]! += Math.max(0, count);
  }
  for (const [i, limit] of present.limits.entries()) {
    if (limit.type === "resource") setHeld(region, i, sums[i]!);
  }
}
