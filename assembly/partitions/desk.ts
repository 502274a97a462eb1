/**
 * A desk: what a participant among others has of the partitions for its own use. It has the shape and the definitions of the region once more,
 * and partitions of its own but for the places and the nodes.
 */
import { DESK_BYTES, DESKS } from "../layout";

/** The desk of a participant. */
export function deskOf(region: usize, participant: i32): usize {
  return load<usize>(region + DESKS) + participant * load<i32>(region + DESK_BYTES);
}
