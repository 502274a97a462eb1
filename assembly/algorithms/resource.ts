/**
 * A resource: slots, each of which is in use from its grant until its release. The state also counts the slots of each
 * participant, so that those of an ended thread can be given back.
 */
import { CEILING, HELD, HELD_BYTES, IN_USE } from "../layout";
import { NEVER } from "../time";

export function take(
  definition: usize,
  state: usize,
  participant: i32,
  units: i64,
  demand: i64,
  dry: bool,
): i64 {
  const inUse = load<i64>(state + IN_USE) + units;
  if (inUse + demand > load<i64>(definition + CEILING)) return NEVER;
  if (dry) return 0;
  store<i64>(state + IN_USE, inUse);
  store<i64>(held(state, participant), load<i64>(held(state, participant)) + units);
  return 0;
}

/** Takes back `units` slots from the participant, or as many as it holds: never those of another participant. */
export function giveBack(state: usize, participant: i32, units: i64): void {
  const holds = load<i64>(held(state, participant));
  const back = min(units, holds);
  store<i64>(held(state, participant), holds - back);
  store<i64>(state + IN_USE, load<i64>(state + IN_USE) - back);
}

function held(state: usize, participant: i32): usize {
  return state + HELD + participant * HELD_BYTES;
}
