/** The answers of the parts of a spread set, joined into one. */
import type { Counts, LimitStats } from "../limits/stats.ts";

type Stats = Readonly<Record<string, LimitStats>>;

/** The totals of a limit, which are sums over all parts. */
const TOTALS = ["granted", "refused", "timedOut", "aborted", "refunded", "charged", "wouldRefuse"] as const;

/** The stats of a set. A name that was never used may come into any part: each limit shows the part in which it would find least. */
export function joinedStats<S extends Stats>(parts: readonly S[]): S {
  const [first] = parts as readonly [S, ...S[]];
  const entries = Object.keys(first).map((key) => {
    // A part that goes on to other limits just now may be without one.
    const each = parts.flatMap(({ [key]: stats }) => stats ?? []);
    const worst = each.reduce((one, other) => (isWorse(other, one) ? other : one));
    const waiting = each.reduce((all, stats) => all + stats.waiting, 0);
    return [key, Object.freeze({ ...worst, waiting, ...sumsOf(key, parts) })];
  });
  return Object.freeze(Object.fromEntries(entries));
}

/** The stats of a view, whose totals are over all names, as those of its set. */
export function joinedView<S extends Stats>(own: S, parts: readonly Readonly<Record<string, Counts>>[]): S {
  const entries = Object.entries(own).map(([key, stats]) => [
    key,
    Object.freeze({ ...stats, ...sumsOf(key, parts) }),
  ]);
  return Object.freeze(Object.fromEntries(entries));
}

function isWorse(one: LimitStats, other: LimitStats): boolean {
  return one.available < other.available || one.retryAfterMs > other.retryAfterMs;
}

function sumsOf(key: string, parts: readonly Readonly<Record<string, Counts>>[]): object {
  return Object.fromEntries(
    TOTALS.map((total) => [total, parts.reduce((all, part) => all + (part[key]?.[total] ?? 0), 0)]),
  );
}

/** How many partitions one part has, or all of them. */
interface Places {
  readonly count: number;
  readonly max: number;
  readonly shared: boolean;
}

/** The counts of partitions by dimension, over all parts. */
export function joinedCounts<C extends Readonly<Record<string, Places>>>(parts: readonly C[]): C {
  const entries = Object.keys(parts[0]!).map((dimension) => {
    const each = parts.map((part) => part[dimension]!);
    const sum = (of: "count" | "max") => each.reduce((all, counts) => all + counts[of], 0);
    return [
      dimension,
      Object.freeze({ count: sum("count"), max: sum("max"), shared: each.some(({ shared }) => shared) }),
    ];
  });
  return Object.freeze(Object.fromEntries(entries));
}
