/**
 * How nested requests wait: those through an acquisition, which holds something until they are done. A nested request must not wait
 * behind a waiter that waits, however indirectly, for what that acquisition holds.
 *
 * A limit is tainted if it is a resource that cannot hold all that is in use and wanted, or if a waiter that wants a tainted limit wants
 * it too. At tainted limits a nested request has only the demand of other nested requests before it; and not even that, if the limit
 * would be tainted with no other waiters than these.
 */
import type { Line, Name, Standing } from "./line.ts";
import { isBefore, NEWCOMER, type Ranked } from "./standing.ts";

/** For each limit, whether it is tainted. */
export interface Taint {
  readonly all: readonly boolean[];
  /** With no other waiters than the nested requests. */
  readonly amongNested: readonly boolean[];
}

type LinesByName<W extends Standing<W>> = ReadonlyMap<Name, Line<W>>;

/** `isOverdrawn`: whether a limit is a resource that cannot hold what is in use and `total` more. */
export function taintOf<W extends Standing<W>>(
  lines: LinesByName<W>,
  totals: readonly number[],
  isOverdrawn: (index: number, total: number) => boolean,
): Taint {
  const overdrawn = (wanted: readonly number[]) =>
    wanted.map((total, index) => total > 0 && isOverdrawn(index, total));
  const all = spread(lines, overdrawn(totals), false);
  if (!all.includes(true)) return { all, amongNested: all };
  const behindAll = { key: Number.POSITIVE_INFINITY, turn: NEWCOMER };
  const nested = totals.map((_, index) => nestedBefore(lines, index, behindAll));
  return { all, amongNested: spread(lines, overdrawn(nested), true) };
}

/** What the nested requests before `ranked` want of limit `index`. */
export function nestedBefore<W extends Standing<W>>(
  lines: LinesByName<W>,
  index: number,
  ranked: Ranked,
): number {
  let demand = 0;
  for (const line of lines.values()) {
    if (!line.isNested) continue;
    for (const waiter of line) {
      if (!isBefore(waiter, ranked)) break;
      demand += waiter.demand[index]!;
    }
  }
  return demand;
}

/** Taints all limits that are wanted together with a tainted one. */
function spread<W extends Standing<W>>(
  lines: LinesByName<W>,
  tainted: boolean[],
  amongNested: boolean,
): boolean[] {
  let grows = tainted.includes(true);
  while (grows) {
    grows = false;
    for (const { limits, isNested } of lines.values()) {
      if (amongNested && !isNested) continue;
      if (!limits.some((index) => tainted[index]) || limits.every((index) => tainted[index])) continue;
      for (const index of limits) tainted[index] = true;
      grows = true;
    }
  }
  return tainted;
}
