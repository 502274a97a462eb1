/** A part of a spread set, as that sees it. */

import { unitOf } from "../limits/definition.ts";
import type { Era } from "../limits/era.ts";
import type { Limit } from "../limits/limits.ts";
import type { Counts } from "../limits/stats.ts";
import { toAmount } from "../limits/units.ts";
import type { TakingParts } from "./taking-set.ts";
import type { Totals } from "./totals.ts";

export interface OpenPart<K extends string> {
  readonly parts: TakingParts<K>;
  readonly era: Era<K>;
  /** Brings it to the limits and the version of an era. Does nothing if it has these, or a higher version. */
  bring(era: Era<K>): Promise<void>;
  /** The totals of this process by key, as stats have them. */
  totals(): Readonly<Record<string, Counts>>;
}

export function totalsOf(limits: readonly Limit[], totals: Totals): Readonly<Record<string, Counts>> {
  const entries = limits.map((limit, i) => {
    const { refunded, charged, ...counts } = totals.of(i);
    const amount = (units: number) => toAmount(units, unitOf(limit));
    return [limit.key, { ...counts, refunded: amount(refunded), charged: amount(charged) }];
  });
  return Object.fromEntries(entries);
}
