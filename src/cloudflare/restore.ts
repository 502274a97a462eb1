/**
 * Restores a set from storage, in the era that it had: under the same limits and layout it is as it was. Whether the limits of the
 * class replace those that are stored is decided afterwards: that is a redefinition like others.
 */
import { FORMAT } from "../../assembly/layout.ts";
import { ACTIONS } from "../core/changing.ts";
import { Region } from "../core/region.ts";
import { InvalidLimitError } from "../errors.ts";
import { begin } from "../limits/beginning.ts";
import { pauseOf } from "../limits/changes.ts";
import { ceilingUnits, definitionsOf } from "../limits/definition.ts";
import { type Era, firstEra, passOn } from "../limits/era.ts";
import { type Limit, type LimitLike, toLimits } from "../limits/limits.ts";
import { requestsOf } from "../limits/named-requests.ts";
import { checkPartitionOptions, type DimensionOptions } from "../limits/partition-options.ts";
import { dimensionsOf } from "../limits/partitioning.ts";
import { HostedPartitions } from "./hosted-partitions.ts";
import { olderFormatOf, upgraded } from "./older-states.ts";
import type { PartitionTable } from "./partition-table.ts";
import type { QueueSettings } from "./queue-settings.ts";
import {
  eraFrom,
  type SetStorage,
  type StoredDefinition,
  type StoredGrant,
  type StoredSet,
} from "./set-storage.ts";
import { restoreTo, setHeld } from "./snapshot.ts";

/** A stored grant, with its era. */
export interface RestoredGrant {
  readonly grant: StoredGrant;
  readonly era: Era;
}

export interface RestoredSet {
  readonly region: Region;
  /** Undefined where the limits have none. */
  readonly partitions: HostedPartitions | undefined;
  readonly era: Era;
  /** The limits of the class when the set took these over. */
  readonly declared: readonly Limit[];
  /** By the ids of their requests. */
  readonly grants: ReadonlyMap<string, RestoredGrant>;
  /** Whether the storage has the set as it is here, so that nothing needs to be written. */
  readonly isAlike: boolean;
}

interface Options {
  /** Those of the class. */
  readonly limits: readonly Limit[];
  readonly version?: number;
  readonly queue: Pick<QueueSettings, "partitions">;
}

/**
 * Makes a region from the stored set, or of the `limits` of the class if none is stored. `now` is the reading of the set's clock.
 *
 * @throws {InvalidLimitError} if the limits have partitions, and the storage has no tables.
 */
export function restore(
  { limits, version = 0, queue }: Options,
  storage: SetStorage,
  stored: StoredSet,
  now: number,
): RestoredSet {
  const { definition, state } = stored;
  const make = (of: readonly Limit[]) => {
    const dimensions = dimensionsFor(of, queue, stored.counts);
    const region = Region.create(definitionsOf(of), false, dimensions);
    return { region, partitions: partitionsIn(region, of, dimensions, stored.counts, storage) };
  };
  if (!definition || !state) {
    const { region, partitions } = make(limits);
    begin(region, limits, { now: () => now });
    const era = { ...firstEra<string>(limits, requestsOf(limits)), version };
    return { region, partitions, era, declared: limits, grants: new Map(), isAlike: false };
  }
  const era = eraFrom(definition);
  const declared = toLimits((definition.declared ?? definition.limits) as readonly LimitLike[]);
  const { region, partitions } = make(era.limits);
  const readable = readableOf(era.limits, definition, state);
  const isRead = readable !== undefined && restoreTo(region, era.limits, readable);
  if (!isRead) useUp(region, era.limits, now);
  const { common } = stored;
  const areRead =
    common === undefined || (common.format === FORMAT && partitions?.goOn(common, now) === true);
  if (partitions && !areRead) pauseAll(region, era.limits, now);
  const grants = grantsOf(stored, era, isRead && areRead);
  holdAll(region, era, grants.values());
  // In another format it is written anew, with the definition that names the format.
  const isAlike = isRead && readable === state && areRead;
  return { region, partitions, era, declared, grants, isAlike };
}

/** The dimensions of limits. A name that has a row keeps a state of its own, even if fewer names may have one by now. */
export function dimensionsFor(
  limits: readonly Limit[],
  { partitions = {} }: Pick<QueueSettings, "partitions">,
  counts: readonly number[],
): readonly DimensionOptions[] {
  const names = dimensionsOf(limits);
  const given = Object.fromEntries(Object.entries(partitions).filter(([name]) => names.includes(name)));
  const dimensions = checkPartitionOptions(limits, { partitions: given });
  return dimensions.map((each, i) => ({ ...each, max: Math.max(each.max, counts[i] ?? 0) }));
}

/** The partitions of a region, with their rows; undefined where the limits have none. */
export function partitionsIn(
  region: Region,
  limits: readonly Limit[],
  dimensions: readonly DimensionOptions[],
  counts: readonly number[],
  storage: SetStorage,
): HostedPartitions | undefined {
  const { ownPartitions } = region;
  if (!ownPartitions) return undefined;
  const max = dimensions.map((each) => each.max);
  return new HostedPartitions(region, ownPartitions, limits, max, counts, tableFor(limits, storage)!);
}

/**
 * The table for the partitions of these limits; undefined where they have none.
 *
 * @throws {InvalidLimitError} if the storage has no tables.
 */
export function tableFor(limits: readonly Limit[], storage: SetStorage): PartitionTable | undefined {
  const limit = limits.find(({ per }) => per !== undefined);
  if (!limit) return undefined;
  const { table } = storage;
  if (table) return table;
  const bounds =
    "left out, since partitions need an object with SQLite: a class that is bound by new_sqlite_classes";
  throw new InvalidLimitError("per", limit.per, bounds, limit.key);
}

/** Pauses all partitions for a window, since their rows cannot be read: as far as is known, all is used up. */
function pauseAll(region: Region, limits: readonly Limit[], now: number): void {
  for (const { key, per, ...rest } of limits) {
    if (per === undefined || !("windowMs" in rest || "every" in rest)) continue;
    const { windowMs = LONGEST_WINDOW_MS } = rest as { windowMs?: number };
    region.change(ACTIONS.pause, pauseOf(limits, windowMs, [key]), now);
  }
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
    limit.type === "resource" || limit.capacity === Infinity || limit.per !== undefined
      ? 0
      : ceilingUnits(limit),
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
    if (limit.type === "resource" && limit.per === undefined) setHeld(region, i, sums[i]!);
  }
}

/** A window of a calendar has a month at most. */
const LONGEST_WINDOW_MS = 31 * 86_400_000;
