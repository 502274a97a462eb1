/**
 * The questions of one batch: for tries, readings and changes in the order of their calls, and for waiters in the order of waiting. Each
 * tells the script what the waiters want that stand before it and are not asked for in the batch; the script keeps account of the others.
 */
import type { Demand } from "../waiting/line.ts";
import type { Ranked } from "../waiting/standing.ts";
import type { Allowance } from "./allowance.ts";
import type { Definitions } from "./definitions.ts";
import type { Lines, Standing } from "./lines.ts";
import type { Request } from "./place.ts";
import type { Roster } from "./roster.ts";

/** A try, a reading, a change, or a waiter that stands in no line yet. */
export interface Single extends Ranked {
  readonly request: Request;
  /** What it asks of the server, as an `Allowance` counts. */
  readonly steps: number;
  /** Whether partitions keep the tiers that they have. */
  readonly keepsTier?: boolean;
}

/** A waiter that can be asked for. */
type Askable<W extends Standing<W>> = Standing<W> & { readonly steps: number; readonly request: Request };

/** Notes the questions of a batch: each with what stands before it, behind a semicolon; empty if nothing does. */
type Note<S, W> = (asked: S | W, before: string) => void;

/** So many resources of partitions are told at most: where more are tangled, it is as if one of them were overdrawn. */
const MOST_TOLD = 64;

export class Asking<W extends Askable<W>> {
  readonly #lines: Lines<W>;
  readonly #definitions: Definitions;
  readonly #resources: readonly number[];
  readonly #roster: Roster;
  /** What the waiters want that have been asked for: all, and nested ones. */
  readonly #asked = new Map<Demand<W>, number>();
  readonly #askedNested = new Map<Demand<W>, number>();

  /** `resources`: the indexes of the ResourceLimits. */
  constructor(lines: Lines<W>, definitions: Definitions, resources: readonly number[], roster: Roster) {
    this.#lines = lines;
    this.#definitions = definitions;
    this.#resources = resources;
    this.#roster = roster;
  }

  /**
   * Notes the questions that there is room for, of the waiters only those that came before the turn `before`. Returns the singles for
   * which there is no room.
   */
  ask<S extends Single>(
    singles: readonly S[],
    before: number,
    allowance: Allowance,
    note: Note<S, W>,
  ): readonly S[] {
    const walk = this.#lines.walk();
    const visit = (waiter: W) => {
      if (waiter.turn >= before) return true;
      if (!allowance.spend(waiter.steps, waiter.request.place)) return false;
      note(waiter, this.#before(waiter.request, waiter));
      const sums = waiter.request.covered ? [this.#asked, this.#askedNested] : [this.#asked];
      for (const demand of waiter.line!.demands) {
        for (const sum of sums) sum.set(demand, (sum.get(demand) ?? 0) + waiter.demand[demand.limit]!);
      }
      return true;
    };
    for (const [i, single] of singles.entries()) {
      walk.until(single, visit);
      const { steps, request, keepsTier } = single;
      if (allowance.isSpent || !allowance.spend(steps, request.place, keepsTier)) return singles.slice(i);
      note(single, this.#before(single.request, single));
    }
    walk.until(undefined, visit);
    return [];
  }

  #before(request: Request, ranked: Ranked): string {
    const lines = this.#lines;
    if (lines.size === 0) return "";
    const all = this.#without(this.#asked, request, lines.wantedBefore(request, ranked));
    const tangled = request.covered ? [...lines.tangled(request)] : [];
    const overdrawn = tangled.filter(({ limit, count }) => count > 0 && this.#resources.includes(limit));
    if (overdrawn.length === 0) return all && `;${all}`;
    const nested = this.#without(this.#askedNested, request, lines.wantedByNested(request, ranked));
    const told = (totalOf: (demand: Demand<W>) => number) => {
      if (overdrawn.length > MOST_TOLD) return this.#listed(overdrawn[0]!, Number.MAX_SAFE_INTEGER);
      return overdrawn
        .flatMap((each) => (totalOf(each) > 0 ? [this.#listed(each, totalOf(each))] : []))
        .join();
    };
    return `;${all};${nested};${told(({ total }) => total)};${told((each) => lines.totalOfNested(each))}`;
  }

  #listed({ limit, ward }: Demand<W>, units: number): string {
    return `${this.#definitions.indexes[limit]! + this.#roster.slotOf(ward?.where.wardOf(limit))}:${units}`;
  }

  /** What waiters want that are not among those asked for. */
  #without(
    asked: ReadonlyMap<Demand<W>, number>,
    request: Request,
    wanted: readonly number[] | undefined,
  ): string {
    if (!wanted) return "";
    const left = request.units.map((count, i) => {
      const demand = count > 0 ? this.#lines.demandAt(request, i) : undefined;
      return demand ? Math.max(0, wanted[i]! - (asked.get(demand) ?? 0)) : 0;
    });
    return this.#definitions.encode(left, this.#roster.slotsOf(request.place));
  }
}
