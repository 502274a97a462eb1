/**
 * How many of the unused units may go back. To give all of them back would over-admit: the units that have leaked out
 * since the grant may have been taken by other requests, or lost at the rim of the full bucket. The exact refund leaves
 * the bucket as if the unused units had never been requested. It is `min(unused, lowest debt since the grant)`, since
 * the refill was lost wherever the debt touched zero (the one-sided reflection of Skorokhod, 1961).
 *
 * The lowest debt since a time is kept as a short stack of marks, oldest first, with strictly rising lows: a mark says
 * that the debt has not been below its `low` since its stamp. A mark that is older than the grant gives too low an
 * answer, never too high a one. When the stack is full, the mark whose low is nearest to that of the mark before it is
 * dropped: the refund is then exact, or too small by as little as possible.
 */

import { DEBT, MARK_COUNT, MARK_LOW, MARK_STAMP, MARKS, MAX_MARKS } from "./layout";
import { isLess, isZero, minus, zero } from "./numbers";

/** Lowers the marks above `debt`, since the debt has fallen to it. */
export function lowerMarks<D>(state: usize, debt: D): void {
  setCount<D>(state, lowered<D>(state, markCount<D>(state), debt));
}

/** Lowers the marks above `low`, to which the debt has fallen, and marks the `debt` right after a grant with this stamp, the latest. */
export function markGrant<D>(definition: usize, state: usize, low: D, debt: D, stamp: i64): void {
  let count = lowered<D>(state, markCount<D>(state), low);
  if (count === 0 || stampOf<D>(state, count - 1) !== stamp) {
    if (count === MAX_MARKS) {
      dropMark<D>(definition, state);
      count--;
    }
    store<i64>(mark<D>(state, count) + MARK_STAMP, stamp);
    count++;
  }
  setCount<D>(state, count);
  store<D>(mark<D>(state, count - 1) + MARK_LOW, debt);
}

/**
 * Gives back as much of `unused`, of the grant with this stamp, as may go back: takes it off the debt, and off the marks since then.
 * Returns how much that was.
 */
export function refund<D>(definition: usize, state: usize, unused: D, stamp: i64): D {
  const count = markCount<D>(state);
  let after = count;
  while (after > 0 && stampOf<D>(state, after - 1) > stamp) after--;
  // No mark is as old as the grant: the debt has been zero since.
  if (after === 0) return zero<D>();
  const low = lowOf<D>(state, after - 1);
  const back = isLess<D>(low, unused) ? low : unused;
  store<D>(state + DEBT, minus<D>(definition, load<D>(state + DEBT), back));
  for (let i = after; i < count; i++) {
    store<D>(mark<D>(state, i) + MARK_LOW, minus<D>(definition, lowOf<D>(state, i), back));
  }
  // The lowered debt may be the lowest since older grants, too.
  collapse<D>(state, after, minus<D>(definition, low, back));
  return back;
}

/** Whether a grant with this stamp, the latest, may have something to give back. */
export function isMarked<D>(state: usize, stamp: i64): bool {
  const count = markCount<D>(state);
  return count > 0 && stampOf<D>(state, count - 1) === stamp;
}

/** Forgets all marks: no grant until now has anything to give back. */
export function clearMarks<D>(state: usize): void {
  setCount<D>(state, 0);
}

/** Brings the first `end` marks down to `low`. */
function collapse<D>(state: usize, end: i32, low: D): void {
  const kept = lowered<D>(state, end, low);
  if (kept === end) return;
  const count = markCount<D>(state);
  moveMarks<D>(state, kept, end, count);
  setCount<D>(state, kept + count - end);
}

/**
 * Merges those of the first `end` marks that are at `low` or above it into one at `low`, as old as the oldest of them.
 * Returns how many of the `end` marks are left.
 */
function lowered<D>(state: usize, end: i32, low: D): i32 {
  let kept = end;
  while (kept > 0 && !isLess<D>(lowOf<D>(state, kept - 1), low)) kept--;
  // A low of zero needs no mark: where there is no mark, the lowest debt is zero.
  if (kept < end && !isZero<D>(low)) store<D>(mark<D>(state, kept++) + MARK_LOW, low);
  return kept;
}

/** Drops from a full stack the mark whose loss costs least. */
function dropMark<D>(definition: usize, state: usize): void {
  let drop = 0;
  let least = zero<D>();
  for (let i = 1; i < MAX_MARKS; i++) {
    const loss = minus<D>(definition, lowOf<D>(state, i), lowOf<D>(state, i - 1));
    if (drop === 0 || isLess<D>(loss, least)) {
      least = loss;
      drop = i;
    }
  }
  moveMarks<D>(state, drop, drop + 1, MAX_MARKS);
}

/** Moves the marks from `from` until `end` down to `to`. */
function moveMarks<D>(state: usize, to: i32, from: i32, end: i32): void {
  if (isVector<D>()) {
    memory.copy(mark<D>(state, to), mark<D>(state, from), mark<D>(state, end) - mark<D>(state, from));
    return;
  }
  // A narrow mark has the size of a vector. The marks are so few that to call `memory.copy` would cost more.
  for (; from < end; from++, to++) v128.store(mark<D>(state, to), v128.load(mark<D>(state, from)));
}

function stampOf<D>(state: usize, i: i32): i64 {
  return load<i64>(mark<D>(state, i) + MARK_STAMP);
}

function lowOf<D>(state: usize, i: i32): D {
  return load<D>(mark<D>(state, i) + MARK_LOW);
}

function mark<D>(state: usize, i: i32): usize {
  return state + DEBT + sizeof<D>() + MARKS + i * (MARK_LOW + sizeof<D>());
}

function setCount<D>(state: usize, count: i32): void {
  store<i32>(state + DEBT + sizeof<D>() + MARK_COUNT, count);
}

// A torn count must not lead out of the stack.
function markCount<D>(state: usize): i32 {
  return min(load<u32>(state + DEBT + sizeof<D>() + MARK_COUNT), MAX_MARKS);
}
