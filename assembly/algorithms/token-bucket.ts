/**
 * The token bucket: it starts full of tokens, and is refilled continuously, by `capacity` tokens in a window, until it is
 * full again. A request takes its tokens if they are there. (Source: the leaky bucket as a meter in Turner, "New
 * directions in communications", IEEE Communications 1986, whose level is the empty part of this bucket; RFC 2697.)
 */

import { AT, CEILING, DEBT } from "../layout";
import { isLess, minus, plus, roomFor } from "../numbers";
import { markGrant } from "../refund";
import { owed, readyAt, readyBehind } from "./debt";

export function take<D>(
  definition: usize,
  state: usize,
  now: i64,
  stamp: i64,
  units: i64,
  demand: i64,
  dry: bool,
): i64 {
  const sum = units + demand;
  const excess = sum - load<i64>(definition + CEILING);
  if (excess > 0) return readyBehind<D>(definition, state, now, excess);
  const debt = owed<D>(definition, state, now);
  const room = roomFor<D>(definition, sum);
  if (isLess<D>(room, debt)) return readyAt<D>(definition, now, minus<D>(definition, debt, room));
  if (dry) return 0;
  const after = plus<D>(definition, debt, units);
  store<i64>(state + AT, now);
  store<D>(state + DEBT, after);
  markGrant<D>(definition, state, debt, after, stamp);
  return 0;
}
