/** Refuses definitions that the script on the server does not know yet. */
import { InvalidLimitError } from "../errors.ts";
import type { Limit } from "../limits/limits.ts";
import { metricOf } from "../limits/metrics.ts";
import { refusePartitions } from "../limits/partition-options.ts";

const WHY = "since a RedisLimitSet does not support it yet";

/** @throws {InvalidLimitError} */
export function checkSupported(limits: readonly Limit[]): void {
  refusePartitions(limits, "a RedisLimitSet");
  for (const limit of limits) {
    const { key, type } = limit;
    if (type === "call" && key !== "call_count")
      throw new InvalidLimitError("key", key, `left out, ${WHY}`, key);
    if (limit.capacity === Infinity) throw new InvalidLimitError("capacity", Infinity, `finite, ${WHY}`, key);
    if (!limit.enforce) throw new InvalidLimitError("enforce", false, `left out, ${WHY}`, key);
    const { initial } = limit as { readonly initial?: number };
    const { every } = limit as { readonly every?: string };
    if (every !== undefined) throw new InvalidLimitError("every", every, `left out, ${WHY}`, key);
    if (initial !== undefined) throw new InvalidLimitError("initial", initial, `left out, ${WHY}`, key);
    const metric = metricOf(limit);
    if (metric !== key) throw new InvalidLimitError("counts", metric, `left out, ${WHY}`, key);
  }
}
