/** The set of a call, as its requests see it. */
import type { Amounts, Limits } from "../contract.ts";
import { ceilingUnits, unitOf } from "../limits/definition.ts";
import type { Limit } from "../limits/limit.ts";
import { metricOf } from "../limits/metrics.ts";
import { toAmount } from "../limits/units.ts";

/** Any set: `Limits` of certain metrics is no `Limits` of all. */
export type AnyLimits = Limits<string>;

/** Amounts by metric, of a side that does not know which metrics a set has. */
export type Costs = Readonly<Record<string, number>>;

/** New names of metrics, by those of the provider. */
export type Renamed = Readonly<Record<string, string | undefined>>;

export function limitsOf(set: AnyLimits): Limit[] {
  return set.keys.map((key) => set.get(key));
}

/** An amount in whole units of a limit, rounded up; or down, for what is left of it. Undefined if it is none. */
export function wholeAmount(limit: Limit, amount: unknown, isLeft = false): number | undefined {
  const unit = unitOf(limit);
  const count = (amount as number) / unit;
  // A sum of decimals may be a little beside the whole units that it means.
  const units = isLeft ? Math.floor(count + 1e-6) : Math.ceil(count - 1e-6);
  return typeof amount === "number" && units >= 0 && units <= Number.MAX_SAFE_INTEGER
    ? toAmount(units, unit)
    : undefined;
}

/** The most that a request can take of a metric; undefined if the set does not have it. */
function mostOf(limits: readonly Limit[], metric: string): number | undefined {
  const named = limits.filter((limit) => metricOf(limit) === metric);
  if (named.length === 0) return undefined;
  const enforced = named.filter(({ enforce }) => enforce !== false);
  return Math.min(...enforced.map((limit) => toAmount(ceilingUnits(limit), unitOf(limit))));
}

/** The amounts of a provider's costs that the set has, in whole units, and none above what could ever pass. */
export function amountsOf(limits: readonly Limit[], costs: Costs, renamed: Renamed): Record<string, number> {
  const amounts: Record<string, number> = {};
  for (const [name, cost] of Object.entries(costs)) {
    const metric = renamed[name] ?? name;
    const limit = limits.find((each) => metricOf(each) === metric);
    const amount = limit && wholeAmount(limit, Math.min(cost, mostOf(limits, metric)!));
    if (amount !== undefined) amounts[metric] = amount;
  }
  return amounts;
}

/** The metrics of which a request asks for more than could ever pass. */
export function impossible(limits: readonly Limit[], amounts: Amounts<string>): string[] {
  return Object.keys(amounts).filter((metric) => amounts[metric]! > (mostOf(limits, metric) ?? Infinity));
}
