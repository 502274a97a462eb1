/** What an answer says of limits, done for all that use the set. */

import { type AnyLimits, type Costs, limitsOf, type Renamed, wholeAmount } from "../exchange/set.ts";
import { quietly } from "../exchange/settle.ts";
import type { Limit } from "../limits/limit.ts";
import { metricOf } from "../limits/metrics.ts";
import type { Reading, ServerLimit } from "./provider.ts";

/** The names of partitions, by dimension. */
export type Names = Readonly<Record<string, string | null | undefined>>;

export interface Obedience {
  /** The set that takes. */
  readonly set: AnyLimits;
  /** The set whose limits are redefined: of a view, the set itself. */
  readonly whole: AnyLimits;
  /** The names of the view's partitions; undefined for a set. */
  readonly names: Names | undefined;
  /** What the request has taken, by metric. */
  readonly requested: Costs;
  readonly renamed: Renamed;
  readonly learn: boolean | undefined;
  readonly maxPauseMs: number;
}

/**
 * Pauses the set, lowers what it has left, and learns capacities. It does each at once; the promise is for sets that live elsewhere.
 * A set that cannot be reached, or was closed, lets it be: the answer is handed out all the same. Resolves to whether it has paused what
 * the request takes from, so that the next attempt waits there. `since` is what was taken of a metric since the request was sent.
 */
export async function obey(
  { set, whole, names, requested, renamed, learn, maxPauseMs }: Obedience,
  { pauseMs, limits = [] }: Reading,
  since: (metric: string) => number,
): Promise<boolean> {
  const pause = (on: AnyLimits, ms: number | undefined, keys?: string[]) =>
    ms! > 0 && on.pause(Math.min(ms!, maxPauseMs), keys);
  const own = pauseMs! > 0 || limits.length > 0 ? limitsOf(set) : [];
  const asked = own.filter((limit) => takesFrom(limit, requested, names));
  // A view without keys pauses the limits of its partitions: for a request that takes from none, all of the set is paused.
  const meant = asked.some(({ per }) => per !== undefined) ? set : whole;
  const done = [quietly(() => pause(meant, pauseMs))];
  for (const said of limits) {
    const limit = match(own, said, renamed);
    if (!limit) continue;
    const { key } = limit;
    const left = wholeAmount(limit, Math.max(0, said.left! - Math.max(0, since(metricOf(limit)))), true);
    const capacity = wholeAmount(limit, said.capacity);
    done.push(
      quietly(() => pause(set, said.pauseMs, [key])),
      // Before what is left is told: what is used stays used, so that more would be left of a larger capacity.
      quietly(
        () =>
          learn &&
          capacity! > 0 &&
          capacity !== limit.capacity &&
          whole.redefine((all) => all.map((each) => (each.key === key ? resized(each, capacity!) : each))),
      ),
      quietly(() => left !== undefined && set.lower({ [key]: left })),
    );
  }
  const [isPaused] = await Promise.all(done);
  return isPaused! && asked.length > 0;
}

/** Whether a pause of a limit holds a request. */
function takesFrom(limit: Limit, requested: Costs, names: Names = {}): boolean {
  const { per, enforce } = limit;
  return enforce !== false && requested[metricOf(limit)]! > 0 && (per === undefined || names[per] != null);
}

/**
 * The limit of the set that the server means: that with its name as key; or of those of the metric that with the same window, or the
 * same capacity, or the shortest window. The limit of a day is not lowered to what is left in a minute.
 */
function match(
  limits: readonly Limit[],
  { windowMs = Number.NaN, capacity, metric, name = "" }: ServerLimit,
  renamed: Renamed,
): Limit | undefined {
  const rates = limits.filter(({ type }) => type !== "resource");
  const alike = rates
    .filter((limit) => metricOf(limit) === (renamed[metric] ?? metric))
    .filter((limit) => !(Math.abs(Math.log2(windowOf(limit) / windowMs)) > 1))
    .sort((a, b) => windowOf(a) - windowOf(b));
  return (
    rates.find(({ key }) => key === (renamed[name] ?? name)) ??
    alike.find((limit) => windowOf(limit) === windowMs) ??
    alike.find((limit) => limit.capacity === capacity) ??
    alike[0]
  );
}

function windowOf(limit: Limit): number {
  return (limit as { readonly windowMs?: number }).windowMs ?? Number.MAX_VALUE;
}

/** A limit with another capacity. */
function resized(limit: Limit, capacity: number): Limit {
  const { burst, initial } = limit as { readonly burst?: number; readonly initial?: number };
  return {
    ...limit,
    capacity,
    ...(burst && { burst: burst === limit.capacity ? capacity : Math.min(burst, capacity) }),
    ...(initial && { initial: Math.min(initial, capacity) }),
  } as Limit;
}
