/** Gives a set other limits. */
import type { Internals } from "../acquisition/internals.ts";
import { type Answer, isGranted } from "../core/answer.ts";
import type { Followers } from "../core/passage.ts";
import type { Region } from "../core/region.ts";
import { begin } from "../limits/beginning.ts";
import { definitionsOf, missingUnits } from "../limits/definition.ts";
import {
  checkRedefineOptions,
  type Era,
  heirsOf,
  type Inherit,
  nextEra,
  type RedefineOptions,
  type Redefinition,
  textOf,
} from "../limits/era.ts";
import { type Limit, toLimits } from "../limits/limits.ts";
import { requestsOf } from "../limits/named-requests.ts";
import type { DimensionOptions } from "../limits/partition-options.ts";
import { dimensionsOf, tiersOf } from "../limits/partitioning.ts";

/** `open` opens the set: its parts are read anew after each call of the program, which may use the set. */
export function redefine(
  open: () => Internals<string>,
  limits: Redefinition,
  options: RedefineOptions,
): void {
  checkRedefineOptions(options);
  const { inherit = "used", version } = options;
  const isFunction = typeof limits === "function";
  // If another thread redefines the set meanwhile, all is done anew, on top of that.
  for (let isDone = false; !isDone; ) {
    void open().region;
    const checked = toLimits(isFunction ? limits(open().limits) : limits);
    const { era, begin } = open();
    if (version !== undefined && version < era.version) return;
    isDone = begin(checked, inherit, version);
  }
}

/**
 * Begins the next era of a set at the reading `now`: its region inherits the state. `dimensions` are those of its partitions. Returns the
 * core's answer if it did not.
 */
export function beginEra<M extends string, K extends string>(
  region: Region,
  before: Era<M, K>,
  limits: readonly Limit<K, M>[],
  dimensions: readonly DimensionOptions[],
  inherit: Inherit,
  version: number,
  now: number,
): Era<M, K> | Answer {
  const era = nextEra(before, limits, requestsOf(limits), inherit, version);
  const heirs = heirsOf(before, era);
  const definitions = definitionsOf(limits);
  const isNew = (_: unknown, i: number) => inherit === "fresh" || heirs[i]!.from < 0;
  const followers = followersOf(before.limits, limits);
  const plan = { definitions, dimensions, followers, heirs, mode: inherit };
  if (region.sharing) {
    const losing = heirs.map((heir, i) => ({ ...heir, lost: isNew(heir, i) ? missingUnits(limits[i]!) : 0 }));
    const answer = region.redefineShared({ ...plan, heirs: losing, text: textOf(era) }, now);
    return isGranted(answer) ? era : answer;
  }
  region.redefineAlone(plan, now);
  begin(region, limits, { now: () => now }, isNew);
  return era;
}

/** Which dimensions and tiers of limits go on under other limits. */
function followersOf(before: readonly Limit[], limits: readonly Limit[]): Followers {
  const old = dimensionsOf(before);
  const tiers = tiersOf(limits);
  return {
    dimensions: dimensionsOf(limits).map((name) => old.indexOf(name)),
    tiers: [0, ...tiersOf(before).map((name) => tiers.indexOf(name) + 1)],
  };
}
