/** Views of a peer's set: the names of partitions travel with each request, and the host takes from those. */
import { InvalidRequestError } from "../errors.ts";
import type { Era } from "../limits/era.ts";
import {
  NAMELESS,
  type Naming,
  nameMore,
  type PartitionNames,
  type ViewOptions,
} from "../limits/partition-names.ts";
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

  override for(names: PartitionNames, options: ViewOptions = {}): this {
    return viewOf(this, this.wire, this.naming, names, options);
  }

  override async redefine(): Promise<void> {
    throw new InvalidRequestError("a view cannot redefine limits: redefine() those of the set");
  }

  close(): void {
    throw new InvalidRequestError("a view cannot be closed: close() the set");
  }

  protected seen(known: Known<M, K>): Known<M, K> {
    if (this.#of === known) return this.#seen!;
    const { naming } = this;
    // A name may have come before the limits were known.
    if (this.#of === undefined) checkNaming(naming, known.era as unknown as Era);
    const { era, dimensions } = shapeOf(known.era, naming);
    const place = {
      wards: era.limits.map(({ per }, i) =>
        dimensions[i]! < 0 ? undefined : `${per} ${naming.names.get(per!)}`,
      ),
    };
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
  const known = facts
    ? knownOf(facts.era as unknown as Era)
    : { dimensions: Object.keys(names ?? {}), tiers: [options.tier!] };
  const naming = nameMore(before, names, options, known);
  return naming === before ? set : (new PortView(wire, naming) as unknown as S);
}

/** @throws {InvalidRequestError} for a dimension or a tier that no limit has. */
function checkNaming({ names, tier }: Naming, era: Era): void {
  const given = [...names].map(([dimension, name]) => [dimension, { value: name, enumerable: true }]);
  nameMore(
    NAMELESS,
    Object.create(null, Object.fromEntries(given)),
    tier === undefined ? {} : { tier },
    knownOf(era),
  );
}
