/** The question for the window of a calendar, which the core cannot know. */
import { isShadow } from "./kinds";
import { AHEAD, DEFINITION_BYTES, DEFINITIONS, PAUSED, REFUSER, STATE, UNIT_BYTES, UNITS } from "./layout";
import { NEVER } from "./time";

/**
 * Nothing was done: the caller has to tell first which window of a calendar has the present moment. REFUSER names the limit, and its
 * WAITS is the moment in microseconds of the participant's wall clock.
 */
export const ASK = -f64.MAX_VALUE / 4;

/**
 * Asks for the window of the calendar that REFUSER names, at `now`, or at the end of its pause, if it has one and refuses meanwhile. Its WAITS
 * are `waits` behind its UNITS. Torn numbers ask in vain, which does no harm.
 */
export function ask(region: usize, staged: usize, scratch: usize, waits: i32, now: i64): f64 {
  const index = i32(load<f64>(scratch + REFUSER));
  const definition = region + DEFINITIONS + index * DEFINITION_BYTES;
  const paused = load<i64>(staged + load<i32>(definition + STATE) + PAUSED);
  const moment = paused === NEVER || isShadow(definition) ? now : max(now, paused);
  store<f64>(scratch + UNITS + index * UNIT_BYTES + waits, f64(moment - load<i64>(scratch + AHEAD)));
  return ASK;
}
