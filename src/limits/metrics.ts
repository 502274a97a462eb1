/** Metrics: the names that requests use. Most limits are the only ones of their metric, which is then called by their key. */
import { InvalidLimitError, show } from "../errors.ts";
import type { Limit } from "./limit.ts";

export function metricOf(limit: Limit): string {
  // Plain limits may have none.
  const { counts = limit.key }: { readonly counts?: string } = limit.type === "resource" ? {} : limit;
  return counts;
}

/** The metrics of limits, each once, in the order of the first limits that count them. */
export function metricsOf(limits: readonly Limit[]): readonly string[] {
  return [...new Set(limits.map(metricOf))];
}

/**
 * The limits as plain data, without the fields that earlier versions do not know: a metric that is called by the key, and that the
 * limit refuses.
 */
export function plainOf(limits: readonly Limit[]): Limit[] {
  return limits.map((limit) => {
    const { counts, enforce, ...plain } = limit as Limit & { readonly counts?: string };
    const more = {
      ...(counts !== limit.key && counts !== undefined && { counts }),
      ...(enforce === false && { enforce }),
    };
    return { ...plain, ...more } as Limit;
  });
}

/**
 * Refuses limits that count one metric and do not fit together: they are taken by one amount.
 *
 * @throws {InvalidLimitError}
 */
export function checkMetrics(limits: readonly Limit[]): void {
  const first = new Map<string, Limit>();
  for (const limit of limits) {
    const metric = metricOf(limit);
    const other = first.get(metric);
    if (!other) first.set(metric, limit);
    else checkAlike(limit, other, metric);
  }
}

function checkAlike(limit: Limit, other: Limit, metric: string): void {
  for (const field of ["type", "unit", "overage"] as const) {
    const [value, wanted] = [limit, other].map((each) => (each as unknown as Record<string, unknown>)[field]);
    if (value === wanted) continue;
    const bounds = `${show(wanted)}, as that of ${show(other.key)}, since both count ${show(metric)}`;
    throw new InvalidLimitError(field, value, bounds, limit.key);
  }
}
