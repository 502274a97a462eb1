/**
 * The leaky bucket as a queue, which shapes traffic: a request passes when all units that were granted before it have
 * leaked out. So grants are evenly spaced, however requests come in, and there are no bursts. (After Turner, "New
 * directions in communications", IEEE Communications 1986, whose own bucket is a meter: see token-bucket.ts.)
 */

import { AT, DEBT } from "../layout";
import { isZero, ofUnits } from "../numbers";
import { owed, readyAt } from "./debt";

export function take<D>(definition: usize, state: usize, now: i64, units: i64): i64 {
  const debt = owed<D>(definition, state, now);
  if (!isZero<D>(debt)) return readyAt<D>(definition, now, debt);
  store<i64>(state + AT, now);
  store<D>(state + DEBT, ofUnits<D>(definition, units));
  return 0;
}
