/**
 * The questions of one batch: for tries, readings and changes in the order of their calls, and for waiters in the order of waiting. Each
 * tells the script what the waiters want that stand before it and are not asked for in the batch; the script keeps account of the others.
 */
import type { Ranked, Request } from "../waiting/standing.ts";
import type { Allowance } from "./allowance.ts";
import type { Definitions } from "./definitions.ts";
import type { Lines, Standing } from "./lines.ts";

/** A try, a reading, a change, or a waiter that stands in no line yet. */
export interface Single extends Ranked {
  readonly request: Request;
  /** What it asks of the server, as an `Allowance` counts. */
  readonly steps: number;
}

/** A waiter that can be asked for. */
type Askable<W extends Standing<W>> = Standing<W> & { readonly steps: number };

/** Notes the questions of a batch: each with what stands before it, behind a semicolon; empty if nothing does. */
type Note<S, W> = (asked: S | W, before: string) => void;

export class Asking<W extends Askable<W>> {
  readonly #lines: Lines<W>;
  readonly #definitions: Definitions;
  readonly #resources: readonly number[];
  /** What the waiters want that have been asked for: all, and nested ones. */
  readonly #asked: number[];
  readonly #askedNested: number[];

  /** `resources`: the indexes of the ResourceLimits. */
  constructor(lines: Lines<W>, definitions: Definitions, resources: readonly number[]) {
    this.#lines = lines;
    this.#definitions = definitions;
    this.#resources = resources;
    this.#asked = definitions.indexes.map(() => 0);
    this.#askedNested = [...this.#asked];
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
      if (!allowance.spend(waiter.steps)) return false;
      note(waiter, this.#before(waiter.request, waiter));
      const sums = waiter.request.covered ? [this.#asked, this.#askedNested] : [this.#asked];
      for (const sum of sums) for (const [i, count] of waiter.demand.entries()) sum[i]! += count;
      return true;
    };
    for (const [i, single] of singles.entries()) {
      walk.until(single, visit);
      if (allowance.isSpent || !allowance.spend(single.steps)) return singles.slice(i);
      note(single, this.#before(single.request, single));
    }
    walk.until(undefined, visit);
    return [];
  }

  #before(request: Request, ranked: Ranked): string {
    const lines = this.#lines;
    if (lines.size === 0) return "";
    const all = this.#without(this.#asked, request, lines.wantedBefore(request, ranked));
    const { covered, units } = request;
    const tangled = covered && lines.tangled(units);
    const overdrawn = this.#resources.filter((i) => tangled?.has(i) && lines.waitingFor(i) > 0);
    if (overdrawn.length === 0) return all && `;${all}`;
    const nested = this.#without(this.#askedNested, request, lines.wantedByNested(units, ranked));
    const totals = (isNested: boolean) => {
      const sums = units.map((_, i) => (overdrawn.includes(i) ? lines.total(i, isNested) : 0));
      return this.#definitions.encode(sums);
    };
    return `;${all};${nested};${totals(false)};${totals(true)}`;
  }

  /** What waiters want that are not among those asked for. */
  #without(asked: readonly number[], { units }: Request, wanted: readonly number[] | undefined): string {
    if (!wanted) return "";
    return this.#definitions.encode(units.map((n, i) => (n > 0 ? Math.max(0, wanted[i]! - asked[i]!) : 0)));
  }
}
