/** The script's reading of all limits, as a set tells it. */
import { describe, type LimitStats } from "../limits/stats.ts";
import type { Settings } from "./settings.ts";
import { waitOf } from "./wire.ts";

/** `waitingFor` tells how many waiters of this process want the limit of an index. */
export function statsOf<K extends string>(
  answer: string,
  { limits, definitions }: Pick<Settings<K>, "limits" | "definitions">,
  waitingFor: (index: number) => number,
): Readonly<Record<K, LimitStats>> {
  const rows = answer.slice(1).split(",");
  const entries = limits.map((limit, i) => {
    const [used, wait] = rows[definitions.indexes[i]! - 1]!.split(":");
    return [limit.key, describe(limit, { used: Number(used), wait: waitOf(wait!), waiting: waitingFor(i) })];
  });
  return Object.freeze(Object.fromEntries(entries));
}
