/** A limit's definition as the core takes it: in whole units and whole microseconds. */
import type { Definition } from "../core/kinds.ts";
import type { Limit } from "./limits.ts";
import { MICROSECOND, toUnits, wholeUnits } from "./units.ts";

export function definitionOf(limit: Limit): Definition {
  const ceiling = ceilingUnits(limit);
  if (limit.type === "resource") return { kind: "resource", capacity: ceiling, ceiling, windowMicros: 0 };
  const capacity = toUnits(limit.capacity, unitOf(limit));
  return { kind: limit.algorithm, capacity, ceiling, windowMicros: wholeUnits(limit.windowMs, MICROSECOND) };
}

/** The unit of a limit: its amounts are whole multiples of it. */
export function unitOf(limit: Limit): number {
  return limit.type === "rate" ? limit.unit : 1;
}

/** The most that one request can take of a limit, in units. */
export function ceilingUnits(limit: Limit): number {
  const ceiling = limit.type === "resource" ? limit.capacity : (limit.burst ?? limit.capacity);
  return toUnits(ceiling, unitOf(limit));
}
