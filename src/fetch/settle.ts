/** The end of what a request has taken. */
import type { Acquisition } from "../contract.ts";
import type { Limit } from "../limits/limit.ts";
import { metricOf } from "../limits/metrics.ts";
import type { Costs } from "./provider.ts";
import { type AnyLimits, limitsOf, wholeAmount } from "./set.ts";

const HOUR_MS = 3_600_000;

/**
 * Gives everything back, and charges what was used. Usage that is not known was reserved, and is charged in full; usage above the
 * request is charged too. `moved` gets the differences between usage and request, by metric.
 */
export function settle(
  set: AnyLimits,
  acquisition: Acquisition<string>,
  used: Costs,
  moved?: (metric: string, difference: number) => void,
): void {
  const surplus: Record<string, number> = {};
  try {
    const limits = limitsOf(set);
    for (const [metric, requested] of Object.entries(acquisition.requested as Costs)) {
      const limit = limits.find((each) => each.type !== "resource" && metricOf(each) === metric);
      if (limit === undefined) continue;
      const usage = Math.min(
        wholeAmount(limit, used[metric]) ?? requested,
        Math.max(requested, mostOf(limit)),
      );
      moved?.(metric, usage - requested);
      const bound = "overage" in limit && limit.overage === "debt" ? usage : Math.min(usage, requested);
      acquisition.update({ [metric]: bound });
      if (usage > bound) surplus[metric] = usage - bound;
    }
  } catch {
    // A set that was closed, or cannot be reached, settles by itself.
  }
  void quietly(() => acquisition.release());
  if (Object.keys(surplus).length > 0) void quietly(() => set.charge(surplus));
}

/** What a limit lets pass in an hour, or in its window: an answer that claims more would close it for longer. */
function mostOf(limit: Limit): number {
  const { windowMs = HOUR_MS } = limit as { readonly windowMs?: number };
  return limit.capacity * Math.max(1, Math.floor(HOUR_MS / windowMs));
}

/** Of a set that was closed, or cannot be reached, nothing is wanted any more. */
export async function quietly(change: () => unknown): Promise<void> {
  try {
    await change();
  } catch {}
}
