/** The partitions from which the requests of a view take, as a set on a server names them. */
import type { Definition } from "../core/kinds.ts";
import { definitionOf } from "../limits/definition.ts";
import type { Era } from "../limits/era.ts";
import type { Naming } from "../limits/partition-names.ts";
import { shapeOf } from "../views/shape.ts";
import type { Request as Requested, Place as Standing } from "../waiting/standing.ts";
import type { Definitions } from "./definitions.ts";
import { digestOf } from "./name-digest.ts";

/** The places of one view, in one era after another. */
export class Places {
  readonly naming: Naming;
  /** The digests of the names, by dimension. */
  readonly #digests = new Map<string, string>();
  #of: unknown;
  #last: Place | undefined;

  constructor(naming: Naming) {
    this.naming = naming;
  }

  /** The place of the view in this era of its set. */
  in(era: Era): Place {
    if (this.#of !== era) this.#last = new Place(this, era, (dimension) => this.#digestOf(dimension));
    this.#of = era;
    return this.#last!;
  }

  #digestOf(dimension: string): string | undefined {
    const name = this.naming.names.get(dimension);
    if (typeof name !== "string") return undefined;
    let digest = this.#digests.get(dimension);
    if (digest === undefined) {
      digest = digestOf(dimension, name);
      this.#digests.set(dimension, digest);
    }
    return digest;
  }
}

export class Place implements Standing {
  /** No core is asked about it. */
  declare readonly names: never;
  readonly places: Places;
  /** The era of the set, with the limits as they are in the tier. */
  readonly era: Era;
  readonly setEra: Era;
  /** For each limit, the digest that its partition has; undefined where the limit has one state for all, or its dimension is not named. */
  readonly wards: readonly (string | undefined)[];
  /** Each of the digests once. */
  readonly digests: readonly string[];
  /** The name of the tier as the script reads it; empty for none. */
  readonly tier: string;
  #shapes: readonly Definition[] | undefined;

  constructor(places: Places, setEra: Era, digestOfDimension: (dimension: string) => string | undefined) {
    const { naming } = places;
    const { era, dimensions, known } = shapeOf(setEra, naming);
    this.places = places;
    this.era = era;
    this.setEra = setEra;
    this.wards = dimensions.map((dimension) =>
      dimension < 0 ? undefined : digestOfDimension(known[dimension]!),
    );
    this.digests = [...new Set(this.wards)].filter((digest) => digest !== undefined);
    this.tier = naming.tier === undefined ? "" : JSON.stringify(naming.tier);
  }

  wardOf(index: number): string | undefined {
    return this.wards[index];
  }

  keyOf(index: number): string | undefined {
    return this.wards[index];
  }

  /** No two partitions have the same digest. */
  isIn(): true {
    return true;
  }

  /** For each limit, its definition in the tier, in units. */
  get shapes(): readonly Definition[] {
    this.#shapes ??= this.era.limits.map(definitionOf);
    return this.#shapes;
  }
}

/** A request of the set, or of a view. */
export interface Request extends Requested {
  readonly place?: Place | undefined;
}

/** What a waiter of the set or of a view adds to the demand of each limit. */
export function demandOf({ units, place }: Request, definitions: Definitions): readonly number[] {
  return definitions.demandOf(units, place?.shapes);
}
