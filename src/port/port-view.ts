/** Views of a peer's set: the names of partitions travel with each request, and the host takes from those. */
import type { Era } from "../limits/era.ts";
import {
  checkNaming,
  type Naming,
  nameMore,
  type PartitionNames,
  VIEWED,
  type Viewed,
  type ViewOptions,
} from "../limits/partition-names.ts";
import { noClose, noRedefine } from "../views/of-sets-alone.ts";
import { knownOf, shapeOf } from "../views/shape.ts";
import type { Known } from "./asking-set.ts";
import type { ConnectedView } from "./connected-limits.ts";
import { TakingSet, type Wire } from "./taking-set.ts";

export class PortView<M extends string, K extends string = M>
  extends TakingSet<M, K>
  implements ConnectedView<M, K>
{
  protected readonly wire: Wire<M, K>;
  protected override readonly naming: Naming;
  /** The facts of the set from which those of the view were made last; and these. */
  #of: Known<M, K> | undefined;
  #seen: Known<M, K> | undefined;

  constructor(wire: Wire<M, K>, naming: Naming) {
    super();
    this.wire = wire;
    this.naming = naming;
  }

  [VIEWED](): Viewed<object> {
    return { set: this.wire.set, naming: this.naming };
  }

  for(names: PartitionNames, options: ViewOptions = {}): this {
    return viewOf(this, this.wire, this.naming, names, options);
  }

  override async redefine(): Promise<void> {
    throw noRedefine();
  }

  close(): void {
    throw noClose();
  }

  protected seen(known: Known<M, K>): Known<M, K> {
    if (this.#of === known) return this.#seen!;
    const { naming } = this;
    // A name may have come before the limits were known.
    if (this.#of === undefined) checkNaming(naming, knownOf(known.era as unknown as Era));
    const { era, dimensions } = shapeOf(known.era, naming);
    const wards = era.limits.map(({ per }, i) =>
      dimensions[i]! < 0 ? undefined : `${per} ${naming.names.get(per!)}`,
    );
    const place = { wardOf: (index: number) => wards[index] };
    const granter = known.granter.ofView({
      era,
      place,
      present: () => this.description().era,
      acquire: (...args) => this.take(...args),
    });
    this.#of = known;
    this.#seen = { ...known, era, granter };
    return this.#seen;
  }
}

/** A view of `set` with more names, or the set itself if there are none. */
export function viewOf<S, M extends string, K extends string>(
  set: S,
  wire: Wire<M, K>,
  before: Naming,
  names: PartitionNames,
  options: ViewOptions,
): S {
  const { facts } = wire;
  const naming = nameMore(before, names, options, facts && knownOf(facts.era as unknown as Era));
  return naming === before ? set : (new PortView(wire, naming) as unknown as S);
}
