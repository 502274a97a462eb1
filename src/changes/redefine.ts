/** Gives a set other limits. */
import type { Internals } from "../acquisition/internals.ts";
import { type Answer, isGranted } from "../core/answer.ts";
import type { Region } from "../core/region.ts";
import { InvalidLimitError } from "../errors.ts";
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
    refusePartitioned([...checked, ...open().limits]);
    const { era, begin } = open();
    if (version !== undefined && version < era.version) return;
    isDone = begin(checked, inherit, version);
  }
}

/** Begins the next era of a set at the reading `now`: its region inherits the state. Returns the core's answer if it did not. */
export function beginEra<M extends string, K extends string>(
  region: Region,
  before: Era<M, K>,
  limits: readonly Limit<K, M>[],
  inherit: Inherit,
  version: number,
  now: number,
): Era<M, K> | Answer {
  const era = nextEra(before, limits, requestsOf(limits), inherit, version);
  const heirs = heirsOf(before, era);
  const definitions = definitionsOf(limits);
  const isNew = (_: unknown, i: number) => inherit === "fresh" || heirs[i]!.from < 0;
  if (region.sharing) {
    const losing = heirs.map((heir, i) => ({ ...heir, lost: isNew(heir, i) ? missingUnits(limits[i]!) : 0 }));
    const answer = region.redefineShared({ definitions, text: textOf(era) }, losing, inherit, now);
    return isGranted(answer) ? era : answer;
  }
  region.redefineAlone(definitions, heirs, inherit, now);
  begin(region, limits, { now: () => now }, isNew);
  return era;
}

/** The partitions would have to go over to other limits. */
function refusePartitioned(limits: readonly Limit[]): void {
  for (const { key, per } of limits) {
    if (per === undefined) continue;
    const bounds = "left out, since sets whose limits have partitions cannot be redefined yet";
    throw new InvalidLimitError("per", per, bounds, key);
  }
}
