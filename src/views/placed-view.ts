/** The part of a view that has to do with the place of its partitions in the era of the set. */
import type { Internals } from "../acquisition/internals.ts";
import { INTERNALS } from "../acquisition/internals.ts";
import type { LocalGranter } from "../acquisition/local-granter.ts";
import type { LocalSet } from "../acquisition/local-set.ts";
import type { Place } from "../acquisition/place.ts";
import { ChangeableSet } from "../changes/changeable-set.ts";
import { closed } from "../changes/living-set.ts";
import type { AcquireOptions, Acquisition, Amounts } from "../contract.ts";
import { type Answer, FORGOTTEN, isGranted, isPreliminary } from "../core/answer.ts";
import type { Region } from "../core/region.ts";
import type { Naming } from "../limits/partition-names.ts";
import type { Requests } from "../limits/requests.ts";
import type { SetClock } from "../platform/set-clock.ts";
import type { Queue, Waiters } from "../waiting/gate.ts";
import { placeOf, type Shapes, shapesOf } from "./shape.ts";

/** A set as its views see it. */
export interface ViewedSet<M extends string, K extends string>
  extends Pick<LocalSet<M, K>, "config" | "missingUpdate" | "lines"> {
  readonly region: Region | undefined;
  readonly clock: SetClock;
  readonly granter: LocalGranter<M, K>;
  readonly waiters: Pick<Waiters, "size">;
  needQueue(): Queue<Acquisition<M, K>>;
  shapes(): Shapes;
  [INTERNALS](): Internals<M, K>;
}

export abstract class PlacedView<M extends string, K extends string> extends ChangeableSet<M, K> {
  /** @internal */
  protected readonly set: ViewedSet<M, K>;
  /** @internal */
  protected readonly naming: Naming;
  /** @internal */
  protected place: Place<M, K> | undefined = undefined;
  // What a take from a known partition needs, in this object itself: among a million partitions each other object is as far as the
  // memory. It is of the era of `home`; undefined until the node of the partition is known.
  /** @internal */
  protected home: LocalGranter<M, K> | undefined = undefined;
  /** @internal */
  protected requests: Requests<M, K> | undefined = undefined;
  /** @internal */
  node = 0;
  /** @internal */
  third = 0;
  /** @internal */
  fourth = 0;

  /** @internal */
  constructor(set: ViewedSet<M, K>, naming: Naming) {
    super();
    this.set = set;
    this.naming = naming;
  }

  /** @internal */
  abstract acquireNested(
    requested: Amounts<M> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[],
  ): Promise<Acquisition<M, K>>;

  /** @internal The place of the view in the present era of its set. */
  protected open(): Place<M, K> {
    const place = this.place;
    const set = this.set;
    if (set.region === undefined) closed();
    return place?.isOf(set.granter) ? place : this.settleIn();
  }

  /** @internal */
  latest(): Place<M, K> {
    return this.open();
  }

  private settleIn(): Place<M, K> {
    this.place = this.placeIn(this.set.granter);
    return this.place;
  }

  /** @internal The place of the view in the era of a granter. */
  placeIn(granter: LocalGranter<M, K>): Place<M, K> {
    const { region } = this.set;
    const shapes = granter === this.set.granter ? this.set.shapes() : shapesOf(granter.era);
    return placeOf(granter, shapes, region!.partitions, this.naming, this);
  }

  /** @internal Takes `units` in the partitions of its place, where no request waits. The answer is the last one. */
  protected take(place: Place<M, K>, units: readonly number[], now: number, action: number): Answer {
    const { set } = this;
    const region = set.region!;
    const { first, end } = place.requests;
    if (this.home === set.granter) {
      const answer = region.takeKnown(this, units, first, end, now, action);
      if (answer !== FORGOTTEN && !isPreliminary(answer)) return answer;
    }
    const answer = region.takeIn(place.names, units, first, end, now, action);
    if (isGranted(answer) && place.names.node > 0) this.remember(place);
    return answer;
  }

  private remember(place: Place<M, K>): void {
    const { node, third, fourth } = place.names;
    this.node = node;
    this.third = third;
    this.fourth = fourth;
    this.requests = place.requests;
    this.home = this.set.granter;
  }
}
