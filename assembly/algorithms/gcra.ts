/**
 * Generic cell rate algorithm, in its virtual scheduling form (ATM Forum, Traffic Management 4.0, section 4.4.2): the
 * theoretical arrival time runs ahead of now by one emission interval a unit, and a request conforms while it runs
 * ahead by no more than the burst. The lead is kept as the debt that leaks out meanwhile.
 */
import { DEBT, FULL, WEIGHT } from "../layout";
import { pushMark } from "../refund";
import { owed, readyAt, settleAt } from "./debt";

export function take(definition: usize, state: usize, now: i64, units: i64): i64 {
  const debt = owed(definition, state, now);
  const lead = debt + units * load<i64>(definition + WEIGHT);
  const tolerance = load<i64>(definition + FULL);
  if (lead > tolerance) return readyAt(definition, now, lead - tolerance);
  settleAt(definition, state, now, debt);
  store<i64>(state + DEBT, lead);
  pushMark(state);
  return 0;
}
