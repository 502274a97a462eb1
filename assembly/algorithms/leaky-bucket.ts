/**
 * The leaky bucket as a queue, which shapes traffic: a request passes when all units that were granted before it have
 * leaked out. So grants are evenly spaced, however requests come in, and there are no bursts. (After Turner, "New
 * directions in communications", IEEE Communications 1986, whose own bucket is a meter: see token-bucket.ts.)
 */

import { AT, DEBT } from "../layout";
import { isZero, ofUnits, timeOf } from "../numbers";
import { owed } from "./debt";

/** `demand` is a time: that in which the units of all waiters before leak out, one waiter after the other. */
export function take<D>(definition: usize, state: usize, now: i64, units: i64, demand: i64, dry: bool): i64 {
  const debt = owed<D>(definition, state, now);
  const rest = demand + (isZero<D>(debt) ? 0 : timeOf<D>(definition, debt));
  if (rest > 0) return now + rest;
  if (dry) return 0;
  store<i64>(state + AT, now);
  store<D>(state + DEBT, ofUnits<D>(definition, units));
  return 0;
}

/** The time in which `units` leak out, in microseconds. A part of one counts as one. */
export function demandOf<D>(definition: usize, units: i64): i64 {
  return timeOf<D>(definition, ofUnits<D>(definition, units));
}
