/**
 * How many of the unused units may go back. To give all of them back would over-admit: the units that have leaked out
 * since the grant may have been taken by other requests, or lost at the rim of the full bucket. The exact refund leaves
 * the bucket as if the unused units had never been requested. It is `min(unused, lowest debt since the grant)`, since
 * the refill was lost wherever the debt touched zero (the one-sided reflection of Skorokhod, 1961).
 *
 * The lowest debt since a time is kept as a short stack of marks, oldest first, with strictly rising lows: a mark says
 * that the debt has not been below its `low` since its `time`. A mark that is older than the grant gives too low an
 * answer, never too high a one. When the stack is full, the mark whose low is nearest to that of the mark before it is
 * dropped: the refund is then exact, or too small by as little as possible.
 */
import { AT, DEBT, MARK_BYTES, MARK_COUNT, MARK_LOW, MARK_TIME, MARKS, MAX_MARKS } from "./layout";

/** Lowers the marks above `debt`, since the debt has fallen to it. */
export function lowerMarks(state: usize, debt: i64): void {
  store<i32>(state + MARK_COUNT, lowered(state, markCount(state), debt));
}

/** Marks the debt right after a grant at the present tick. */
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

/** Gives back as much of `unused`, granted at `tick`, as may go back: takes it off the debt, and off the marks since then. */
export function refund(state: usize, unused: i64, tick: i64): void {
  const count = markCount(state);
  let after = count;
  while (after > 0 && load<i64>(mark(state, after - 1) + MARK_TIME) > tick) after--;
  // No mark is as old as the grant: the debt has been zero since.
  if (after === 0) return;
  const low = load<i64>(mark(state, after - 1) + MARK_LOW);
  const back = min(unused, low);
  store<i64>(state + DEBT, load<i64>(state + DEBT) - back);
  for (let i = after; i < count; i++) {
    const at = mark(state, i) + MARK_LOW;
    store<i64>(at, load<i64>(at) - back);
  }
  // The lowered debt may be the lowest since older grants, too.
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

/**
 * Merges those of the first `end` marks that are at `low` or above it into one at `low`, as old as the oldest of them.
 * Returns how many of the `end` marks are left.
 */
function lowered(state: usize, end: i32, low: i64): i32 {
  let kept = end;
  while (kept > 0 && load<i64>(mark(state, kept - 1) + MARK_LOW) >= low) kept--;
  // A low of zero needs no mark: where there is no mark, the lowest debt is zero.
  if (kept < end && low > 0) store<i64>(mark(state, kept++) + MARK_LOW, low);
  return kept;
}

/** Drops from a full stack the mark whose loss costs least. */
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

/** Moves the marks from `from` until `end` down to `to`. They are so few that to call `memory.copy` would cost more. */
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
