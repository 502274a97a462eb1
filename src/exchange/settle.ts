/** The end of what a request has taken. */
import type { Acquisition } from "../contract.ts";
import { metricOf } from "../limits/metrics.ts";
import { type AnyLimits, type Costs, limitsOf, wholeAmount } from "./set.ts";

const HOUR_MS = 3_600_000;

/**
 * Gives everything back, and charges what was used. Usage that is not known was reserved, and is charged in full; usage above the
 * request is charged too, but no more than passes in `mostMs`. `moved` gets the differences between usage and request, by metric.
 */
export function settle(
  set: AnyLimits,
  acquisition: Acquisition<string>,
  used: Costs,
  moved?: (metric: string, difference: number) => void,
  mostMs = HOUR_MS,
): void {
  void quietly(() => {
    const limits = limitsOf(set);
    for (const [metric, requested] of Object.entries(acquisition.requested as Costs)) {
      const limit = limits.find((each) => each.type !== "resource" && metricOf(each) === metric);
      if (!limit) continue;
      const { windowMs = HOUR_MS, overage } = limit as {
        readonly windowMs?: number;
        readonly overage?: string;
      };
      // An answer that claims more than a limit lets pass in an hour, or in its window, would close it for longer.
      const most = Math.max(requested, limit.capacity * Math.max(1, Math.floor(mostMs / windowMs)));
      const usage = Math.min(wholeAmount(limit, used[metric]) ?? requested, most);
      moved?.(metric, usage - requested);
      const bound = overage === "debt" ? usage : Math.min(usage, requested);
      acquisition.update({ [metric]: bound });
      if (usage > bound) void quietly(() => set.charge({ [metric]: usage - bound }));
    }
  });
  void quietly(() => acquisition.release());
}

/**
 * Whether a change came about. Of a set that was closed, or cannot be reached, nothing is wanted any more: it settles by itself.
 */
export async function quietly(change: () => unknown): Promise<boolean> {
  try {
    await change();
    return true;
  } catch {
    return false;
  }
}
