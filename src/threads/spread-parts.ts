/**
 * The parts of a spread set, and the era that they have in common. Each part is a whole set with a head of its own. The limits of the first
 * count for all: a redefinition brings the others to its era one by one, each in one step that one participant alone can do. The eras of
 * the others are never ahead of the first's, and one behind at most. A thread that dies on the way leaves the rest to the next
 * that notices: at a call of the set, in a part that goes on to another era, or where a thread is reclaimed.
 */
import { INTERNALS } from "../acquisition/internals.ts";
import { LimitSetClosedError } from "../errors.ts";
import type { LimitSet } from "../limit-set.ts";
import type { Era } from "../limits/era.ts";
import { follow } from "../limits/living.ts";
import type { ChoiceKey } from "../spread/choice.ts";
import type { ViewedSet } from "../views/placed-view.ts";

/** Of a spread set: its parts. The symbol is registered, so that two copies of the package can share each other's sets. */
export const PARTS: unique symbol = Symbol.for("limitset.parts") as never;

/** Of a spread set, for those who share it. */
export interface PartedSet<M extends string, K extends string> {
  readonly [PARTS]: SpreadParts<M, K>;
}

export class SpreadParts<M extends string, K extends string> {
  readonly sets: readonly LimitSet<M, K>[];
  /** By which names choose their part. */
  readonly key: ChoiceKey;
  private readonly first: ViewedSet<M, K>;
  private readonly forgets: readonly (() => void)[];
  private isDue = false;
  private isClosed = false;

  constructor(sets: readonly LimitSet<M, K>[], key: ChoiceKey) {
    this.sets = sets;
    this.key = key;
    // Seen as a view sees it: to open it takes as long as several takes.
    this.first = sets[0] as unknown as ViewedSet<M, K>;
    this.forgets = sets.map((set) => follow(set, () => this.noticed()));
  }

  /** The present era of the first part, which is that of all. */
  get era(): Era<M, K> {
    const { first } = this;
    if (first.region?.isPast) first[INTERNALS]();
    return first.granter.era;
  }

  /** Brings all parts to the era of the first, if they are not there. */
  even(): Era<M, K> {
    for (;;) {
      const { era } = this;
      if (this.isClosed) return era;
      this.isDue = false;
      for (const set of this.sets) bring(set, era);
      if (era === this.era) return era;
    }
  }

  /** Does the same if another thread may have redefined the set. */
  look(): Era<M, K> {
    const { era } = this;
    return this.isDue ? this.even() : era;
  }

  /** Does the same after a thread has been reclaimed. If that was this one, its next call tells of it. */
  mend(): void {
    try {
      this.even();
    } catch (error) {
      if (!(error instanceof LimitSetClosedError)) throw error;
    }
  }

  /** Begins the next era of all parts. Returns false, and changes nothing, if they have another than `before` by now. */
  begin(
    before: Era<M, K>,
    ...next: Parameters<ReturnType<LimitSet<M, K>[typeof INTERNALS]>["begin"]>
  ): boolean {
    const { era, begin } = this.first[INTERNALS]();
    if (era !== before || !begin(...next)) return false;
    this.even();
    return true;
  }

  close(): void {
    this.isClosed = true;
    for (const forget of this.forgets) forget();
    for (const set of this.sets) set.close();
  }

  /** A part has gone on to another era. */
  private noticed(): void {
    // The first goes on at once, so that it is never behind a part in this thread.
    const { era: _ } = this;
    if (this.isDue) return;
    this.isDue = true;
    // Later, since the part is in the middle of a call.
    Promise.resolve().then(() => {
      if (this.isDue) this.mend();
    });
  }
}

/** Brings a part to an era of the first one. */
function bring<M extends string, K extends string>(set: LimitSet<M, K>, era: Era<M, K>): void {
  for (;;) {
    const { era: own, begin } = set[INTERNALS]();
    if (own.number >= era.number) return;
    begin(era.limits, era.inherit ?? "used", era.version);
  }
}

/** Opens so many parts, or none: those before one that fails are closed again. */
export function openParts<M extends string, K extends string>(
  count: number,
  key: ChoiceKey,
  open: (part: number) => LimitSet<M, K>,
): SpreadParts<M, K> {
  const sets: LimitSet<M, K>[] = [];
  try {
    for (let i = 0; i < count; i++) sets.push(open(i));
  } catch (error) {
    for (const set of sets) set.close();
    throw error;
  }
  return new SpreadParts(sets, key);
}
