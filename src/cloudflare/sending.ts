/** Amounts and changes as they travel to an object: plain data, which the platform can send. */
import type { AcquireOptions } from "../contract.ts";
import { plainOf } from "../limits/metrics.ts";
import type { SentChange } from "../remote/changes.ts";
import type { SentRedefinition } from "../remote/described.ts";
import type { KnownSet } from "./known-sets.ts";
import type { AmountsByKey, SentLimits, SentNames, SentRequest } from "./protocol.ts";

/** A plain copy, which the platform can send. */
export function amountsOf(requested: object | undefined): AmountsByKey | undefined {
  return requested && ({ ...requested } as AmountsByKey);
}

/** A request by what is `known` of the set; through the acquisition of the id `around`, if there is one; in the partitions `at`. */
export function requestOf<M extends string, K extends string>(
  id: string,
  known: KnownSet<M, K> | undefined,
  requested: object | undefined,
  waits: boolean,
  { timeoutMs, priority, maxWaitMs }: AcquireOptions = {},
  around?: string,
  at?: SentNames,
): SentRequest {
  const by = { descriptionId: known?.descriptionId ?? "", era: known?.era.number };
  const terms = { requested: amountsOf(requested), timeoutMs, priority, maxWaitMs };
  return { id, waits, ...terms, around, ...by, ...(at && { at }) };
}

/** The same change of plain data, which the platform can send. */
export function sendable(change: SentChange): SentChange {
  if (change[0] === "charge" || change[0] === "lower") return [change[0], { ...change[1] }];
  return change;
}

/** Other limits, of plain data. */
export function limitsOf({ limits, options, of }: SentRedefinition): SentLimits {
  return { ...options, limits: plainOf(limits) as SentLimits["limits"], ...(of && { of: of.number }) };
}

/** Whether the platform can send `requested` to the object unchanged, so that the object can tell what is wrong with it. */
export function canTravel(requested: unknown): boolean {
  if (requested === undefined) return true;
  if (typeof requested !== "object" || requested === null) return false;
  if (Object.getPrototypeOf(requested) !== Object.prototype) return false;
  return Object.values(requested).every((amount) => typeof amount === "number");
}

/** The usage of metrics by their names. A metric whose usage is null is left out. */
export function byName(names: readonly string[], usage: readonly (number | null)[]): AmountsByKey {
  const entries = names.map((name, i) => [name, usage[i]] as const);
  return Object.fromEntries(entries.filter((entry): entry is [string, number] => entry[1] !== null));
}
