/** The question for the window of a calendar, which the core cannot know. */
import { isShadow } from "./kinds";
import { AHEAD, PAUSED, REFUSER, STATE, UNIT_BYTES, UNITS } from "./layout";
import { NEVER } from "./time";

/**
 * Nothing was done: the caller has to tell first which window of a calendar has the present moment. REFUSER names the limit, and its
 * WAITS is the moment in microseconds of the participant's wall clock.
 */
export const ASK = -f64.MAX_VALUE / 4;

/**
 * Asks for the window of a calendar at `now`, or at the end of its pause, if it has one and refuses meanwhile. Its UNITS are `at` behind the first. Torn numbers ask in vain,
 * which does no harm.
 */
export function ask(definition: usize, staged: usize, scratch: usize, at: usize, waits: i32, now: i64): f64 {
  const paused = load<i64>(staged + load<i32>(definition + STATE) + PAUSED);
  const moment = paused === NEVER || isShadow(definition) ? now : max(now, paused);
  store<f64>(scratch + REFUSER, f64(at / UNIT_BYTES));
  store<f64>(scratch + UNITS + at + waits, f64(moment - load<i64>(scratch + AHEAD)));
  return ASK;
}
