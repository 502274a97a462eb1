/** The beginning of limits with `initial`: it is as if the missing part had just been taken. */
import { ACTIONS } from "../core/changing.ts";
import type { Region } from "../core/region.ts";
import type { Clock } from "../platform/clock.ts";
import { ceilingUnits, missingUnits } from "./definition.ts";
import type { Limit } from "./limit.ts";

/** Takes what is missing at the start of the limits that are new. The clock is read only if something is. */
export function begin(
  region: Region,
  limits: readonly Limit[],
  clock: Pick<Clock, "now">,
  isNew: (limit: Limit, index: number) => boolean = () => true,
): void {
  const left = limits.map((limit, i) =>
    isNew(limit, i) && missingUnits(limit) > 0 ? ceilingUnits(limit) - missingUnits(limit) : -1,
  );
  if (left.some((units) => units >= 0)) region.change(ACTIONS.lower, left, clock.now());
}
