/** The state of an object's earlier life, taken up again: as it was if the limits are the same, else as much of it as holds. */
import { FORMAT } from "../../assembly/layout.ts";
import type { Definition as CoreDefinition } from "../core/kinds.ts";
import { Region } from "../core/region.ts";
import { ceilingUnits, definitionOf, unitOf } from "../limits/definition.ts";
import { type Limit, type LimitLike, toLimits } from "../limits/limits.ts";
import { toAmount } from "../limits/units.ts";
import type { Contents, Kept } from "./shelf.ts";
import { holdIn, restoreTo } from "./snapshot.ts";

export interface Restored {
  readonly region: Region;
  readonly held: ReadonlyMap<string, Kept>;
  /** Whether the storage has other definitions than these, or none. */
  readonly isNew: boolean;
}

/** A region for `limits` with what is kept. `now` is the clock's reading. */
export function restore(limits: readonly Limit[], kept: Contents, now: number): Restored {
  const definitions = limits.map(definitionOf);
  const region = Region.create(definitions, false);
  const { definition, state } = kept;
  if (!definition || !state) return { region, held: new Map(), isNew: true };
  const old = toLimits(definition.limits as LimitLike[]);
  const isSame = definition.format === FORMAT && identities(old) === identities(limits);
  if (isSame && restoreTo(region, state)) {
    holdAll(region, limits, kept.held.values());
    return { region, held: kept.held, isNew: false };
  }
  const used = usedOf(old, definition.format === FORMAT ? state : undefined, now);
  const places = limits.map((limit) => old.findIndex((each) => isHeir(limit, each)));
  charge(
    region,
    limits.map((limit, i) => {
      const place = places[i]!;
      if (place < 0 || limit.type === "resource") return 0;
      return Math.ceil(toAmount(used[place]!, unitOf(old[place]!)) / unitOf(limit));
    }),
    now,
  );
  const held = new Map<string, Kept>();
  for (const [id, each] of kept.held) {
    // Of rates nothing comes back: what was reserved has been charged, by other numbers.
    const units = limits.map((limit, i) =>
      places[i]! >= 0 && limit.type === "resource" ? each.units[places[i]!]! : 0,
    );
    held.set(id, { ...each, units, covered: undefined });
  }
  holdAll(region, limits, held.values());
  return { region, held, isNew: true };
}

/** Whether what was used of `old` is used of `limit`. */
function isHeir(limit: Limit, old: Limit): boolean {
  return limit.key === old.key && (limit.type === "resource") === (old.type === "resource");
}

function identities(limits: readonly Limit[]): string {
  return JSON.stringify(
    limits.map((limit): [string, string, number, CoreDefinition] => [
      limit.key,
      limit.type,
      unitOf(limit),
      definitionOf(limit),
    ]),
  );
}

/** Units in use of each limit; all of them where the state cannot be read. */
function usedOf(limits: readonly Limit[], state: Uint8Array | undefined, now: number): number[] {
  const region = Region.create(limits.map(definitionOf), false);
  try {
    if (!state || !restoreTo(region, state)) return limits.map(ceilingUnits);
    region.inspect(now);
    return limits.map((_, i) => region.usedOf(i));
  } finally {
    region.close();
  }
}

function charge(region: Region, units: readonly number[], now: number): void {
  region.settle(units, now, 0);
}

/** What is in use of resources is what is held: nothing is lost between two writes. */
function holdAll(region: Region, limits: readonly Limit[], held: Iterable<Kept>): void {
  const sums = limits.map(() => 0);
  for (const { units } of held) for (const [i, count] of units.entries()) sums[i]! += count;
  for (const [i, limit] of limits.entries()) if (limit.type === "resource") holdIn(region, i, sums[i]!);
}
