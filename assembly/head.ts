/** The head of a set, which names the block with its present state. */
import { homeOf } from "./home";
import { HEAD, LINE_BITS, PARTICIPANTS, REGION, SELF, VERSION_AT } from "./layout";

/** Makes `block` the present one of a new region, of which no other thread knows. */
export function begin(region: usize, block: usize): void {
  store<i64>(region + HEAD, i64(block >>> LINE_BITS));
}

export function readHead(region: usize): i64 {
  if (IS_ALONE) return load<i64>(region + HEAD);
  return atomic.load<i64>(homeOf(region) + HEAD);
}

/** The block that `head` names. The lower half of the head loses the end of the version by the shift. */
export function present(head: i64): usize {
  return usize(head) << LINE_BITS;
}

/**
 * Whether the block that `head` names belongs to another region, since the set has been redefined. Then it has another shape, and
 * must not be staged here. It is certain only if the head is `unchanged`.
 */
export function isElsewhere(region: usize, head: i64): bool {
  return !IS_ALONE && load<usize>(present(head) + REGION) !== load<usize>(region + SELF);
}

/** Makes `block` the present one, in place of that which `head` names. Returns false, and does nothing, if another thread was first. */
export function swap(region: usize, head: i64, block: usize): bool {
  const next = (((head >> VERSION_AT) + 1) << VERSION_AT) | i64(block >>> LINE_BITS);
  if (!isAlone(region)) return atomic.cmpxchg<i64>(homeOf(region) + HEAD, head, next) === head;
  store<i64>(region + HEAD, next);
  return true;
}

/**
 * Whether the block that was read under `head` was whole: the head is still the same. This is a read-modify-write that
 * changes nothing, and not a load: on weakly ordered processors the plain loads before a load may still sink below it
 * (Boehm, "Can seqlocks get along with programming language memory models?", MSPC 2012).
 */
export function unchanged(region: usize, head: i64): bool {
  if (isAlone(region)) return true;
  return atomic.add<i64>(homeOf(region) + HEAD, 0) === head;
}

/** Whether the region has one participant, whose thread no other can overtake. Sharing moves a set to a region with more. */
export function isAlone(region: usize): bool {
  return IS_ALONE || load<i32>(region + PARTICIPANTS) === 1;
}
