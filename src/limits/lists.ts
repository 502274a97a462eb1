/** Lists of units, one entry for each limit. */
import type { Metric } from "./measures.ts";

/** A list without entries, which all sets have in common. It must not be changed. */
export const NONE: readonly never[] = [];

/** Longer lists are rare, and would be kept for ever. */
const LONGEST_KEPT = 16;
const kept = /* @__PURE__ */ new Map<unknown, (readonly unknown[])[]>();

/** A list of `count` entries that are alike. Sets have it in common, since there may be many: it must not be changed. */
export function alike<T>(count: number, entry: T): readonly T[] {
  const lists = kept.get(entry) ?? [];
  kept.set(entry, lists);
  const known = lists[count];
  if (known) return known as readonly T[];
  const list: T[] = [];
  while (list.length < count) list.push(entry);
  if (count <= LONGEST_KEPT) lists[count] = list;
  return list;
}

/** A list, in place of one that has the same entries if they are all alike. */
export function sharedIfAlike<T>(list: readonly T[]): readonly T[] {
  const [first] = list;
  return list.every((entry) => entry === first) ? alike(list.length, first as T) : list;
}

export function areSame(list: readonly unknown[], other: readonly unknown[]): boolean {
  return list.length === other.length && list.every((entry, i) => entry === other[i]);
}

/** The indexes of the entries that pass a test. */
export function indexesOf<T>(list: readonly T[], test: (entry: T) => boolean): readonly number[] {
  const found = list.flatMap((entry, i) => (test(entry) ? [i] : []));
  return found.length > 0 ? found : NONE;
}

/** In place of usage that has not been reported. */
export const NOT_REPORTED = -1;

/** Writes `count` for a metric. */
export function write(units: number[], metric: Metric<string>, count: number): void {
  units[metric.first] = count;
  if (metric.all !== undefined) spread(units, metric.all, count);
}

/** Writes `count` into all limits of a metric. */
export function spread(units: number[], limits: readonly number[], count: number): void {
  for (const index of limits) units[index] = count;
}

/** Copies short arrays by literals, which engines allocate in place: every other way to copy them takes twice as long. */
export function copyOf(list: readonly number[]): number[] {
  switch (list.length) {
    case 1:
      return [list[0]!];
    case 2:
      return [list[0]!, list[1]!];
    case 3:
      return [list[0]!, list[1]!, list[2]!];
    case 4:
      return [list[0]!, list[1]!, list[2]!, list[3]!];
    default:
      return list.slice();
  }
}

/** The units of a metric: those of any of its limits, since all are taken alike. */
export function unitsOf({ first }: Metric<string>, units: readonly number[]): number {
  return units[first]!;
}

/** The usage of a metric, or NOT_REPORTED. */
export function usageOf({ first }: Metric<string>, reported: readonly number[] | undefined): number {
  return reported === undefined ? NOT_REPORTED : reported[first]!;
}
