/** Slots, each in use from the grant until its release. What a participant holds is kept by participant. */
import { CEILING, HELD, HELD_BYTES, IN_USE } from "../layout";
import { NEVER } from "../time";

export function take(definition: usize, state: usize, participant: i32, units: i64): i64 {
  const inUse = load<i64>(state + IN_USE) + units;
  if (inUse > load<i64>(definition + CEILING)) return NEVER;
  store<i64>(state + IN_USE, inUse);
  store<i64>(held(state, participant), load<i64>(held(state, participant)) + units);
  return 0;
}

/** Takes back up to `units` of what the participant holds, never what another holds. */
export function giveBack(state: usize, participant: i32, units: i64): void {
  const holds = load<i64>(held(state, participant));
  const back = min(units, holds);
  store<i64>(held(state, participant), holds - back);
  store<i64>(state + IN_USE, load<i64>(state + IN_USE) - back);
}

function held(state: usize, participant: i32): usize {
  return state + HELD + participant * HELD_BYTES;
}
