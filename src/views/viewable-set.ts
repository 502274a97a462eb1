/** The part of a set that has to do with its views. */
import { INTERNALS } from "../acquisition/internals.ts";
import { LivingSet } from "../changes/living-set.ts";
import type { Era } from "../limits/era.ts";
import { GLANCE, type Glance } from "../limits/living.ts";
import {
  NAMELESS,
  type Naming,
  nameOne,
  type PartitionNames,
  type ViewOptions,
} from "../limits/partition-names.ts";
import { LimitSetView } from "./limit-set-view.ts";
import type { ViewedSet } from "./placed-view.ts";
import { countsOf, nameIn, type PartitionCounts, type Shapes, shapesOf } from "./shape.ts";

export abstract class ViewableSet<M extends string, K extends string, D extends string> extends LivingSet<
  M,
  K
> {
  private latestShapes: Shapes | undefined = undefined;

  /** Of each dimension, how many partitions have a state to themselves, how many may, and whether others share one now. */
  get partitions(): PartitionCounts<D> {
    // Follows the set, where threads share it.
    const { dimensions, region } = this[INTERNALS]();
    return countsOf(dimensions, region.partitions, (i) => region.areSharing(i, this.clock.now()));
  }

  /** @internal */
  [GLANCE](isBrief = false): Glance {
    for (;;) {
      this.open();
      // Read first: a clock may redefine the set.
      const now = this.clock.now();
      const { granter } = this;
      const numbers = granter.glance(now, undefined, isBrief);
      if (numbers) return { limits: granter.era.limits, numbers };
      this.follow();
    }
  }

  /**
   * A view of the set, which takes from the limits of all, and from those of the partitions that it names. Without names it is the set. A name that is
   * `null` leaves the limits of its dimension out.
   *
   * @throws {InvalidRequestError} for a dimension or a tier that no limit has, and for a name that is no string.
   * @example
   * const limits = new LimitSet({ limits: [new CallLimit({ capacity: 2, windowMs: 1000, per: "user" })] });
   * limits.for({ user: "alice" }).tryAcquire().successful; // true
   */
  for(names: PartitionNames<D>, options?: ViewOptions): LimitSetView<M, K, D> {
    const naming =
      (options === undefined && nameOne(names as PartitionNames, this.shapes())) || this.name(names, options);
    // The set has all that a view has.
    return naming === NAMELESS ? (this as unknown as LimitSetView<M, K, D>) : this.viewBy(naming);
  }

  /** @internal The shapes of views in the present era. */
  protected shapes(): Shapes {
    const { era } = this.granter;
    let known = this.latestShapes;
    if (known?.era !== era) {
      known = shapesOf(era as unknown as Era);
      this.latestShapes = known;
    }
    return known!;
  }

  private name(names: PartitionNames<D>, options: ViewOptions = {}): Naming {
    const latest = () => this[INTERNALS]().era;
    return nameIn(this.granter.era, latest, NAMELESS, names as PartitionNames, options);
  }

  /** @internal */
  protected viewBy(naming: Naming): LimitSetView<M, K, D> {
    // Views see what is protected from programs.
    return new LimitSetView(this as unknown as ViewedSet<M, K>, naming);
  }
}
