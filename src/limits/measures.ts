/** How limits and metrics are measured: what it takes to turn amounts into units. */
import { ceilingUnits, unitOf } from "./definition.ts";
import type { Limit } from "./limit.ts";
import { metricOf } from "./metrics.ts";
import { automaticOf, isRate, isResource } from "./traits.ts";

/** A metric, with the limits that count it. They are of one type and have one unit. */
export interface Metric<M extends string> {
  readonly name: M;
  /** The index of its first limit. */
  readonly first: number;
  /** The index behind that of its last limit. */
  readonly end: number;
  /** The indexes of all its limits, if it has several. */
  readonly all: readonly number[] | undefined;
  /** The limit that bounds a request most. */
  readonly limit: Limit;
  readonly unit: number;
  /** The most that one request can take, in units: the least ceiling of those that refuse. */
  readonly ceiling: number;
  /** The units that a request takes if it does not name the metric: 1 of calls and resources, 0 of rates. */
  readonly automatic: number;
  readonly isResource: boolean;
}

/** The part of a limit in a settlement. */
export interface Part {
  /** The most that one request can take of it, in units. */
  readonly ceiling: number;
  readonly isRate: boolean;
  readonly isResource: boolean;
}

/** `leftOut` says for each limit whether requests take nothing of it. */
export function measure<M extends string>(
  limits: readonly Limit<string, M>[],
  leftOut: readonly boolean[],
): readonly Metric<M>[] {
  const indexes = new Map<string, number[]>();
  for (const [i, limit] of limits.entries()) {
    const metric = metricOf(limit);
    const others = indexes.get(metric);
    if (others) others.push(i);
    else indexes.set(metric, [i]);
  }
  return [...indexes].map(([name, counting]) => {
    const taken = counting.filter((i) => !leftOut[i]);
    const all = taken.length > 0 ? taken : counting;
    const limit = all
      .map((i) => limits[i]!)
      .reduce((least, each) => (mostOf(each) < mostOf(least) ? each : least));
    return {
      name: name as M,
      first: all[0]!,
      end: all.at(-1)! + 1,
      all: all.length > 1 ? all : undefined,
      limit,
      unit: unitOf(limit),
      ceiling: taken.length > 0 ? mostOf(limit) : Number.MAX_SAFE_INTEGER,
      automatic: automaticOf(limit),
      isResource: isResource(limit),
    };
  });
}

export function partOf(limit: Limit): Part {
  return { ceiling: ceilingUnits(limit), isRate: isRate(limit), isResource: isResource(limit) };
}

/** The most that a limit lets one request take, in units. */
function mostOf(limit: Limit): number {
  return limit.enforce ? Math.min(ceilingUnits(limit), Number.MAX_SAFE_INTEGER) : Number.MAX_SAFE_INTEGER;
}
