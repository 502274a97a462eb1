/** Gives a set other limits. */
import type { Internals } from "../acquisition/internals.ts";
import type { Region } from "../core/region.ts";
import { CannotShareError } from "../errors.ts";
import { begin } from "../limits/beginning.ts";
import { definitionOf } from "../limits/definition.ts";
import {
  checkRedefineOptions,
  type Era,
  heirsOf,
  type Inherit,
  nextEra,
  type RedefineOptions,
} from "../limits/era.ts";
import { type Limit, type LimitLike, toLimits } from "../limits/limits.ts";
import { Requests } from "../limits/requests.ts";

/** `open` opens the set: its parts are read anew after each call of the program, which may use the set. */
export function redefine(
  open: () => Internals<string>,
  limits: readonly LimitLike[] | ((current: readonly Limit[]) => readonly LimitLike[]),
  options: RedefineOptions,
): void {
  checkRedefineOptions(options);
  const { inherit = "used", version } = options;
  const isFunction = typeof limits === "function";
  void open().region;
  const checked = toLimits(isFunction ? limits(open().limits) : limits);
  const { era, region, begin } = open();
  if (version !== undefined && version < era.version) return;
  if (region.sharing) {
    throw new CannotShareError(
      "threads share it, and such a set cannot be redefined: close it, and make another",
    );
  }
  begin(checked, inherit, version ?? era.version);
}

/** Begins the next era of a set that no other thread has, at the reading `now`: its region inherits the state. */
export function beginEra<M extends string, K extends string>(
  region: Region,
  before: Era<M, K>,
  limits: readonly Limit<K, M>[],
  inherit: Inherit,
  version: number,
  now: number,
): Era<M, K> {
  const era = nextEra(before, limits, new Requests(limits), inherit, version);
  const heirs = heirsOf(before, era);
  region.redefineAlone(limits.map(definitionOf), heirs, inherit, now);
  const isNew = (_: unknown, i: number) => inherit === "fresh" || heirs[i]!.from < 0;
  begin(region, limits, { now: () => now }, isNew);
  return era;
}
