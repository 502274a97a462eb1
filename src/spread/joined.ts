/** The answers of the parts of a spread set, joined into one. */
import type { LimitStats } from "../limits/stats.ts";

type Stats = Readonly<Record<string, LimitStats>>;

/** The counts of a limit that are sums over all parts. */
const SUMS = [
  "waiting",
  "granted",
  "refused",
  "timedOut",
  "aborted",
  "refunded",
  "charged",
  "wouldRefuse",
] as const;

/** The stats of a set. A name that was never used may come into any part: each limit shows the part in which it would find least. */
export function joinedStats<S extends Stats>(parts: readonly S[]): S {
  const worst = (key: string) =>
    parts.reduce<LimitStats>(
      (one, { [key]: other }) => (isWorse(other!, one) ? other! : one),
      parts[0]![key]!,
    );
  const entries = Object.keys(parts[0]!).map((key) => [key, withSums(worst(key), key, parts)]);
  return Object.freeze(Object.fromEntries(entries));
}

/** The stats of a view, whose totals are over all names, as those of its set. */
export function joinedView<S extends Stats>(own: S, parts: readonly Stats[]): S {
  const sums = SUMS.filter((sum) => sum !== "waiting");
  const entries = Object.entries(own).map(([key, stats]) => [key, withSums(stats, key, parts, sums)]);
  return Object.freeze(Object.fromEntries(entries));
}

function isWorse(one: LimitStats, other: LimitStats): boolean {
  return one.available < other.available || one.retryAfterMs > other.retryAfterMs;
}

function withSums(
  stats: LimitStats,
  key: string,
  parts: readonly Stats[],
  sums: readonly (typeof SUMS)[number][] = SUMS,
): LimitStats {
  const summed = sums.map((sum) => [sum, parts.reduce((all, part) => all + (part[key]?.[sum] ?? 0), 0)]);
  return Object.freeze({ ...stats, ...Object.fromEntries(summed) });
}

/** How many partitions one part has, or all of them. */
interface Counts {
  readonly count: number;
  readonly max: number;
  readonly shared: boolean;
}

/** The counts of partitions by dimension, over all parts. */
export function joinedCounts<C extends Readonly<Record<string, Counts>>>(parts: readonly C[]): C {
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
