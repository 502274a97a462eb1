/** The life of a participant number: a thread takes part in a region only while it lasts. */
import { SEAT } from "./layout";
import { INSIDE, LIFE } from "./seat";

/**
 * Begins a transaction of the thread that has the seat at address `seat` in `life`. Returns false, and writes nothing, if that life
 * is over: then the region may be gone. Until `exit` no other thread gets the number, and the region's memory is not given back.
 */
export function enter(seat: usize, life: i32): bool {
  const now = atomic.load<i64>(seat + LIFE);
  return i32(now) === life && atomic.cmpxchg<i64>(seat + LIFE, now, now | INSIDE) === now;
}

/** Ends a transaction. It lowers one flag, whatever the others say: the life may have been ended in the meantime. */
export function exit(seat: usize): void {
  atomic.and<i64>(seat + LIFE, ~(INSIDE as i64));
}

/** Whether the calling thread's `life` is over. Life 0 is that of a region's only participant: no other thread ever gets its number. */
export function isDead(scratch: usize, life: i32): bool {
  return !IS_ALONE && life !== 0 && lifeOf(scratch) !== (life | INSIDE);
}

/** The present LIFE of the number that has a scratch area. */
export function lifeOf(scratch: usize): i32 {
  return i32(atomic.load<i64>(load<usize>(scratch + SEAT) + LIFE));
}
