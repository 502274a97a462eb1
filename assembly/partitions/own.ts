/** What a participant itself holds in partitions that threads share. */
import { isElsewhere, readHead, unchanged } from "../head";
import { DEFINITION_BYTES, DEFINITIONS, HELD, HELD_BYTES, PARTICIPANT, PROBE, STATE } from "../layout";
import { isDead } from "../life";
import { stage } from "../staging";
import { sitDown } from "./among";

/**
 * How many units of the resource `index` the participant holds in the partition that its last request has named. 0 if its life is over, or the
 * set has been redefined. The calling thread has entered.
 */
export function ownIn(region: usize, scratch: usize, life: i32, index: i32): f64 {
  const offset = load<i32>(region + DEFINITIONS + index * DEFINITION_BYTES + STATE) + HELD;
  const desk = sitDown(region, scratch, 0, PROBE);
  while (true) {
    const head = readHead(region);
    if (isDead(scratch, life) || isElsewhere(region, head)) return 0;
    const staged = stage(desk, scratch, head);
    const held = load<i64>(staged + offset + load<i32>(scratch + PARTICIPANT) * HELD_BYTES);
    if (unchanged(region, head)) return f64(held);
  }
}
