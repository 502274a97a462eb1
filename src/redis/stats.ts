/** The script's reading of all limits, as a set tells it. */
import { describe, type LimitStats } from "../limits/stats.ts";
import { toMicros } from "../limits/units.ts";
import type { Settings } from "./settings.ts";
import type { Totals } from "./totals.ts";
import { waitOf } from "./wire.ts";

/** `waitingFor` tells how many waiters of this process want the limit of an index, and `totals` how its requests have ended. */
export function statsOf<K extends string>(
  answer: string,
  { limits, definitions, clock }: Pick<Settings<K>, "limits" | "definitions" | "clock">,
  waitingFor: (index: number) => number,
  totals: Totals,
): Readonly<Record<K, LimitStats>> {
  const rows = answer.slice(1).split(",");
  const now = toMicros(clock.now());
  const entries = limits.map((limit, i) => {
    const [used, wait, full] = rows[definitions.indexes[i]! - 1]!.split(":");
    const window = definitions.shapes[i]!.calendar?.windowAt(now);
    const reading = {
      used: Number(used),
      wait: waitOf(wait!),
      waiting: waitingFor(i),
      totals: { ...totals.of(i), fullInMs: waitOf(full!) },
      windowMs: window && (window.end - window.start) / 1000,
    };
    return [limit.key, describe(limit, reading)];
  });
  return Object.freeze(Object.fromEntries(entries));
}
