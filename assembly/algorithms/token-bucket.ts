/**
 * The token bucket: it starts full of tokens, and is refilled continuously, by `capacity` tokens in a window, until it is
 * full again. A request takes its tokens if they are there. (Source: the leaky bucket as a meter in Turner, "New
 * directions in communications", IEEE Communications 1986, whose level is the empty part of this bucket; RFC 2697.)
 */
import { DEBT, FULL, WEIGHT } from "../layout";
import { pushMark } from "../refund";
import { owed, readyAt, settleAt } from "./debt";

export function take(definition: usize, state: usize, now: i64, units: i64): i64 {
  const debt = owed(definition, state, now);
  const level = load<i64>(definition + FULL) - debt;
  const cost = units * load<i64>(definition + WEIGHT);
  if (level < cost) return readyAt(definition, now, cost - level);
  settleAt(definition, state, now, debt);
  store<i64>(state + DEBT, debt + cost);
  pushMark(state);
  return 0;
}
