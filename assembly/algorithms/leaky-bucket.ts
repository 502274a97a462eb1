/**
 * The leaky bucket as a queue, which shapes traffic: a request passes when all units that were granted before it have
 * leaked out. So grants are evenly spaced, however requests come in, and there are no bursts. (After Turner, "New
 * directions in communications", IEEE Communications 1986, whose own bucket is a meter: see token-bucket.ts.)
 */
import { AT, DEBT, WEIGHT } from "../layout";
import { owed, readyAt, tick } from "./debt";

export function take(definition: usize, state: usize, now: i64, units: i64): i64 {
  const debt = owed(definition, state, now);
  if (debt > 0) return readyAt(definition, now, debt);
  store<i64>(state + AT, tick(definition, now));
  store<i64>(state + DEBT, units * load<i64>(definition + WEIGHT));
  return 0;
}
