/**
 * How nested requests wait: those through an acquisition, which holds something until they are done. A nested request must not wait
 * behind a waiter that waits, however indirectly, for what that acquisition holds.
 *
 * A limit is tainted if it is a resource that cannot hold all that is in use and wanted, or if a waiter that wants a tainted limit wants
 * it too. At tainted limits a nested request has only the demand of other nested requests before it; and not even that, if the limit
 * would be tainted with no other waiters than these. Each partition of a limit counts by itself.
 */
import type { Demand, Line, Standing } from "./line.ts";
import { isBefore, NEWCOMER, type Ranked } from "./standing.ts";

/** The demands of the limits that are tainted. */
export interface Taint<W extends Standing<W>> {
  readonly all: ReadonlySet<Demand<W>>;
  /** With no other waiters than the nested requests. */
  readonly amongNested: ReadonlySet<Demand<W>>;
}

type Lines<W extends Standing<W>> = readonly Line<W>[] | ReadonlySet<Line<W>>;

/** Whether a limit is a resource that cannot hold what is in use and `total` more. `line` is one that wants it. */
type IsOverdrawn<W extends Standing<W>> = (demand: Demand<W>, total: number, line: Line<W>) => boolean;

/** `nested` are those of the lines that are of nested requests. */
export function taintOf<W extends Standing<W>>(
  lines: Lines<W>,
  nested: Lines<W>,
  isOverdrawn: IsOverdrawn<W>,
): Taint<W> {
  const all = new Set<Demand<W>>();
  const looked = new Set<Demand<W>>();
  for (const line of lines) {
    for (const demand of line.demands) {
      if (looked.has(demand)) continue;
      looked.add(demand);
      if (demand.total > 0 && isOverdrawn(demand, demand.total, line)) all.add(demand);
    }
  }
  if (all.size === 0) return { all, amongNested: all };
  spread(lines, all);
  const behindAll = { key: Number.POSITIVE_INFINITY, turn: NEWCOMER };
  const amongNested = new Set<Demand<W>>();
  looked.clear();
  for (const line of nested) {
    for (const demand of line.demands) {
      if (looked.has(demand)) continue;
      looked.add(demand);
      const total = nestedBefore(nested, demand, behindAll);
      if (total > 0 && isOverdrawn(demand, total, line)) amongNested.add(demand);
    }
  }
  spread(nested, amongNested);
  return { all, amongNested };
}

/** What those of `nested` lines that stand before `ranked` want of a limit. */
export function nestedBefore<W extends Standing<W>>(
  nested: Lines<W>,
  demand: Demand<W>,
  ranked: Ranked,
): number {
  let sum = 0;
  for (const line of nested) {
    if (!line.demands.includes(demand)) continue;
    for (const waiter of line) {
      if (!isBefore(waiter, ranked)) break;
      sum += waiter.demand[demand.limit]!;
    }
  }
  return sum;
}

/** Taints all limits that are wanted together with a tainted one. */
function spread<W extends Standing<W>>(lines: Lines<W>, tainted: Set<Demand<W>>): void {
  let grows = tainted.size > 0;
  while (grows) {
    grows = false;
    for (const { demands } of lines) {
      if (!demands.some((demand) => tainted.has(demand)) || demands.every((demand) => tainted.has(demand)))
        continue;
      for (const demand of demands) tainted.add(demand);
      grows = true;
    }
  }
}
