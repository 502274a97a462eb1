/** The beginning of limits with `initial`: it is as if the missing part had just been taken. */
import type { Region } from "../core/region.ts";
import type { Clock } from "../platform/clock.ts";
import { missingUnits } from "./definition.ts";
import type { Limit } from "./limit.ts";

/** Takes what is missing at the start of the limits that are new. The clock is read only if something is. */
export function begin(
  region: Region,
  limits: readonly Limit[],
  clock: Pick<Clock, "now">,
  isNew: (limit: Limit, index: number) => boolean = () => true,
): void {
  const missing = limits.map((limit, i) => (isNew(limit, i) ? missingUnits(limit) : 0));
  if (missing.some((units) => units > 0)) region.settle(missing, clock.now(), 0);
}
