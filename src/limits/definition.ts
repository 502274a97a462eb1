/** A limit's definition as the core takes it: in whole units and whole microseconds. */
import { SHADOW } from "../../assembly/layout.ts";
import type { Definition } from "../core/kinds.ts";
import { ZonedCalendar } from "./calendar.ts";
import { type Limit, tierOf } from "./limits.ts";
import { dimensionsOf, tiersOf } from "./partitioning.ts";
import { MICROSECOND, toUnits, wholeUnits } from "./units.ts";

/** The core's ceiling of a resource without an end: what is in use, and all that is wanted, is less. */
const NO_END = 2 ** 62;

/** The definitions of the limits of a set. Dimensions and tiers have numbers there, in the order in which the limits name them. */
export function definitionsOf(limits: readonly Limit[]): readonly Definition[] {
  const dimensions = dimensionsOf(limits);
  const tiers = tiersOf(limits);
  return limits.map((limit) => {
    const { per } = limit;
    if (per === undefined) return definitionOf(limit);
    const inTiers = tiers.map((tier) => {
      const other = tierOf(limit, tier);
      return other === limit ? undefined : definitionOf(other);
    });
    return { ...definitionOf(limit), per: dimensions.indexOf(per), tiers: inTiers };
  });
}

export function definitionOf(limit: Limit): Definition {
  const ceiling = ceilingUnits(limit);
  const flags = limit.enforce ? 0 : SHADOW;
  if (limit.type === "resource") {
    const slots = Math.min(ceiling, NO_END);
    return { kind: "resource", capacity: slots, ceiling: slots, windowMicros: 0, flags };
  }
  const { algorithm, windowMs, every, timeZone = "UTC" } = limit;
  const calendar = every && new ZonedCalendar(every, timeZone, limit.key);
  const windowMicros = wholeUnits(calendar?.shortestMs ?? windowMs!, MICROSECOND);
  const rest = { windowMicros, flags, ...(calendar && { calendar }) };
  if (limit.capacity === Infinity) {
    return { kind: "unlimited", capacity: 1, ceiling: Number.MAX_SAFE_INTEGER, ...rest };
  }
  const kind = calendar ? "calendar" : algorithm;
  return { kind, capacity: toUnits(limit.capacity, unitOf(limit)), ceiling, ...rest };
}

/** The unit of a limit: its amounts are whole multiples of it. */
export function unitOf(limit: Limit): number {
  return limit.type === "rate" ? limit.unit : 1;
}

/** The most that one request can take of a limit, in units: Infinity where there is no end. */
export function ceilingUnits(limit: Limit): number {
  const ceiling = limit.type === "resource" ? limit.capacity : (limit.burst ?? limit.capacity);
  return ceiling === Infinity ? ceiling : toUnits(ceiling, unitOf(limit));
}

/** The units that are missing at the start of a limit with `initial`. */
export function missingUnits(limit: Limit): number {
  if (limit.type === "resource" || limit.initial === undefined) return 0;
  return ceilingUnits(limit) - toUnits(limit.initial, unitOf(limit));
}
