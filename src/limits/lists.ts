/** Lists of units, one entry for each limit. */
import type { Metric } from "./measures.ts";

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
