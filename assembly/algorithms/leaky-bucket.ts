/**
 * A shaper: a request passes when everything granted before has leaked out, so that requests go out evenly spaced
 * whatever comes in, and bursts never do (Turner 1986; the leaky bucket as a queue).
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
