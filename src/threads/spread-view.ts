/** Views of a spread set: each takes in the part that has the partition which it names. */
import type { LimitSet } from "../limit-set.ts";
import {
  type Naming,
  type PartitionNames,
  VIEWED,
  type Viewed,
  type ViewOptions,
} from "../limits/partition-names.ts";
import type { LimitStats } from "../limits/stats.ts";
import { LimitSetView } from "../views/limit-set-view.ts";
import type { ViewedSet } from "../views/placed-view.ts";

/** A spread set as its views see it. */
export interface SpreadSet<M extends string, K extends string, D extends string> {
  readonly config: Readonly<Record<string, unknown>>;
  readonly waiting: number;
  /** @internal */
  viewOf(
    naming: Naming,
    names: PartitionNames,
    options: ViewOptions,
  ): SpreadLimitSetView<M, K, D> | undefined;
  /** @internal The stats of a view, with the totals of all parts. */
  joined(own: Readonly<Record<K, LimitStats>>): Readonly<Record<K, LimitStats>>;
}

/**
 * A view of a `SpreadLimitSet`, made by its `for`. It does all that a view of a `LimitSet` does.
 *
 * @example
 * const limits = new SpreadLimitSet({ limits: [new CallLimit({ capacity: 2, windowMs: 1000, per: "user" })] });
 * limits.for({ user: "alice" }).tryAcquire().successful; // true
 */
export class SpreadLimitSetView<
  M extends string = string,
  K extends string = M,
  D extends string = string,
> extends LimitSetView<M, K, D> {
  private readonly spread: SpreadSet<M, K, D>;

  /** @internal */
  constructor(spread: SpreadSet<M, K, D>, part: LimitSet<M, K>, naming: Naming) {
    // Views see what is protected from programs.
    super(part as unknown as ViewedSet<M, K>, naming);
    this.spread = spread;
  }

  override get config(): Readonly<Record<string, unknown>> {
    return this.spread.config;
  }

  override get waiting(): number {
    return this.spread.waiting;
  }

  override for(names: PartitionNames<D>, options: ViewOptions = {}): SpreadLimitSetView<M, K, D> {
    return this.spread.viewOf(this.naming, names as PartitionNames, options) ?? this;
  }

  override stats(): Readonly<Record<K, LimitStats>> {
    return this.spread.joined(super.stats());
  }

  /** @internal */
  override [VIEWED](): Viewed<never> {
    return { set: this.spread as never, naming: this.naming };
  }
}
