/**
 * How much of an unused amount may go back. Giving all of it back over-admits: what leaked since may already have
 * been taken by somebody else, or been lost at the rim of the full bucket. The exact amount is what the bucket would
 * hold had the unused part never been asked for: `min(unused, lowest debt since the reservation)`, for wherever debt
 * touched zero, the refill was lost (the one-sided reflection of Skorokhod, 1961).
 *
 * The lowest debt since a time is kept as a short stack of marks, oldest first, lows rising strictly: mark i says that
 * debt has not been below `low` since `time`. A mark older than the reservation answers too low, never too high. When
 * the stack is full, the mark whose low is nearest to that of the one before it gives way to that one: the refund is
 * then exact or smaller, by as little as can be.
 */
import { AT, DEBT, MARK_BYTES, MARK_COUNT, MARK_LOW, MARK_TIME, MARKS, MAX_MARKS } from "./layout";

/** Debt has fallen to `debt`: no mark can lie above it. */
export function lowerMarks(state: usize, debt: i64): void {
  store<i32>(state + MARK_COUNT, lowered(state, markCount(state), debt));
}

/** Remembers the debt right after a reservation at the present tick. */
export function pushMark(state: usize): void {
  const tick = load<i64>(state + AT);
  let count = markCount(state);
  if (count === 0 || load<i64>(mark(state, count - 1) + MARK_TIME) !== tick) {
    if (count === MAX_MARKS) {
      dropMark(state);
      count--;
    }
    store<i64>(mark(state, count) + MARK_TIME, tick);
    count++;
    store<i32>(state + MARK_COUNT, count);
  }
  store<i64>(mark(state, count - 1) + MARK_LOW, load<i64>(state + DEBT));
}

/** Gives back what may go back of `unused`, reserved at `tick`: from the debt, and from the marks to keep them true. */
export function refund(state: usize, unused: i64, tick: i64): void {
  const count = markCount(state);
  let after = count;
  while (after > 0 && load<i64>(mark(state, after - 1) + MARK_TIME) > tick) after--;
  // No mark as old as the reservation: debt has been zero since.
  if (after === 0) return;
  const low = load<i64>(mark(state, after - 1) + MARK_LOW);
  const back = min(unused, low);
  store<i64>(state + DEBT, load<i64>(state + DEBT) - back);
  for (let i = after; i < count; i++) {
    const at = mark(state, i) + MARK_LOW;
    store<i64>(at, load<i64>(at) - back);
  }
  // Older reservations have seen the lowered debt too: it may be their lowest now.
  collapse(state, after, low - back);
}

/** Brings the first `end` marks down to `low`. */
function collapse(state: usize, end: i32, low: i64): void {
  const kept = lowered(state, end, low);
  if (kept === end) return;
  const count = markCount(state);
  moveMarks(state, kept, end, count);
  store<i32>(state + MARK_COUNT, kept + count - end);
}

/** Makes of those of the first `end` marks that lie at `low` or above it one, as old as the oldest; returns how many are left. */
function lowered(state: usize, end: i32, low: i64): i32 {
  let kept = end;
  while (kept > 0 && load<i64>(mark(state, kept - 1) + MARK_LOW) >= low) kept--;
  // A low of zero needs no mark: that is what the lack of one says.
  if (kept < end && low > 0) store<i64>(mark(state, kept++) + MARK_LOW, low);
  return kept;
}

/** Drops the mark that can be missed best from a full stack. */
function dropMark(state: usize): void {
  let drop = 1;
  let least = i64.MAX_VALUE;
  let before = load<i64>(mark(state, 0) + MARK_LOW);
  for (let i = 1; i < MAX_MARKS; i++) {
    const low = load<i64>(mark(state, i) + MARK_LOW);
    if (low - before < least) {
      least = low - before;
      drop = i;
    }
    before = low;
  }
  moveMarks(state, drop, drop + 1, MAX_MARKS);
}

/** Moves marks `from` to `end` down to `to`: so few words that calling a copy costs more than copying. */
function moveMarks(state: usize, to: i32, from: i32, end: i32): void {
  for (; from < end; from++, to++) v128.store(mark(state, to), v128.load(mark(state, from)));
}

function mark(state: usize, i: i32): usize {
  return state + MARKS + i * MARK_BYTES;
}

// A torn count must not lead out of the stack.
function markCount(state: usize): i32 {
  return min(load<u32>(state + MARK_COUNT), MAX_MARKS);
}
