/** What an answer says of limits, done for all that use the set. */

import { type AnyLimits, limitsOf, type Renamed, wholeAmount } from "../exchange/set.ts";
import { quietly } from "../exchange/settle.ts";
import type { Limit } from "../limits/limit.ts";
import { metricOf } from "../limits/metrics.ts";
import type { Reading, ServerLimit } from "./provider.ts";

export interface Obedience {
  /** The set that takes. */
  readonly set: AnyLimits;
  /** The set whose limits are redefined: of a view, the set itself. */
  readonly whole: AnyLimits;
  readonly renamed: Renamed;
  readonly learn: boolean | undefined;
  readonly maxPauseMs: number;
}

/**
 * Pauses the set, lowers what it has left, and learns capacities. It does each at once; the promise is for sets that live elsewhere.
 * A set that cannot be reached, or was closed, lets it be: the answer is handed out all the same. Resolves to whether it has paused, where
 * that was wanted. `since` is what was taken of a metric since the request was sent.
 */
export async function obey(
  { set, whole, renamed, learn, maxPauseMs }: Obedience,
  { pauseMs, limits = [] }: Reading,
  since: (metric: string) => number,
): Promise<boolean> {
  const pause = (on: AnyLimits, ms: number | undefined, keys?: string[]) =>
    ms! > 0 && on.pause(Math.min(ms!, maxPauseMs), keys);
  const own = pauseMs! > 0 || limits.length > 0 ? limitsOf(set) : [];
  // A view without keys pauses the limits of its partition. A set whose limits are all those of all is paused itself.
  const meant = own.some(({ per }) => per !== undefined) ? set : whole;
  const done = [quietly(() => pause(meant, pauseMs))];
  for (const said of limits) {
    const limit = match(own, said, renamed);
    if (!limit) continue;
    const { key } = limit;
    const left = wholeAmount(limit, Math.max(0, said.left! - Math.max(0, since(metricOf(limit)))));
    const capacity = wholeAmount(limit, said.capacity);
    done.push(
      quietly(() => pause(set, said.pauseMs, [key])),
      quietly(() => left !== undefined && set.lower({ [key]: left })),
      quietly(
        () =>
          learn &&
          capacity! > 0 &&
          capacity !== limit.capacity &&
          whole.redefine((all) => all.map((each) => (each.key === key ? resized(each, capacity!) : each))),
      ),
    );
  }
  return (await Promise.all(done))[0]!;
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
