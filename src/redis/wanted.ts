/** What the waiters of one process want, as the script is told. */
import type { Judge } from "../waiting/judge.ts";
import type { Demand, Standing } from "../waiting/line.ts";
import { Parking } from "../waiting/parking.ts";
import type { Ranked, Request } from "../waiting/standing.ts";
import { nestedBefore } from "../waiting/taint.ts";

/** A judge who is never asked: the server knows what is in use. */
const NOBODY: Judge<never> = {
  judge: () => false,
  verdict: { at: -1, moment: 0, isBlocked: false, isPaused: false },
  pauseOf: () => undefined,
  isOverdrawn: () => false,
  roomAt: () => Number.POSITIVE_INFINITY,
};

export abstract class Wanted<W extends Standing<W>> extends Parking<W> {
  /** What the waiters before `ranked` want of a request's limits, nested or not; undefined if they want nothing. */
  wantedBefore({ units, place }: Request, ranked: Ranked): readonly number[] | undefined {
    return this.demandBefore({ units, place }, ranked, NOBODY as Judge<W>);
  }

  /** What the nested requests among them want. */
  wantedByNested(request: Request, ranked: Ranked): readonly number[] {
    return request.units.map((count, i) => {
      const demand = count > 0 ? this.demandAt(request, i) : undefined;
      return demand ? nestedBefore(this.index.nested, demand, ranked) : 0;
    });
  }

  /** What the nested waiters want of a limit. */
  totalOfNested(demand: Demand<W>): number {
    const last = { key: Number.POSITIVE_INFINITY, turn: Number.POSITIVE_INFINITY };
    return nestedBefore(this.index.nested, demand, last);
  }

  /** The demand of limit `index`, in the partition of a request; undefined if no waiter wants it. */
  override demandAt(request: Request, index: number): Demand<W> | undefined {
    return super.demandAt(request, index);
  }

  /** The demands of the limits that a request wants, of those that are wanted together with one of them, and so on. */
  tangled(request: Request): ReadonlySet<Demand<W>> {
    const tangled = new Set<Demand<W>>();
    request.units.forEach((count, i) => {
      const demand = count > 0 ? this.demandAt(request, i) : undefined;
      if (demand) tangled.add(demand);
    });
    for (let size = -1; size < tangled.size; ) {
      size = tangled.size;
      for (const { demands } of this) {
        if (demands.some((demand) => tangled.has(demand))) for (const demand of demands) tangled.add(demand);
      }
    }
    return tangled;
  }
}
