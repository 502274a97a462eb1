/** The partitions from which the requests of a view take, as their grants and their waiters see them. */
import type { AcquireOptions, Acquisition, Amounts } from "../contract.ts";
import type { Names } from "../core/names.ts";
import type { Era } from "../limits/era.ts";
import type { Requests } from "../limits/requests.ts";
import type { Place as Standing } from "../waiting/standing.ts";
import type { Granter } from "./acquisition.ts";
import type { Held } from "./bodies.ts";
import type { LeakWatch } from "./leaks.ts";

/** The granter of the set, as its places see it. */
interface Home<M extends string, K extends string> extends Omit<Granter<M, K>, "settle" | "acquireNested"> {
  settle(
    token: number,
    taken: readonly number[],
    used: readonly number[] | undefined,
    place: Place<M, K>,
  ): boolean;
  /** The limits of the present era that are among the `covered` ones of its own. */
  coveredNow(covered: readonly boolean[]): readonly boolean[];
}

/** The view whose requests take from a place. */
export interface Viewing<M extends string, K extends string = M> {
  /** The place of the view in the present era. The set must be open. */
  latest(): Place<M, K>;
  /** Acquires with `covered` limits of the present era. */
  acquireNested(
    requested: Amounts<M> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[],
  ): Promise<Acquisition<M, K>>;
}

/** What all places have in common that name the same dimensions, and the same tier. */
export interface Shape<M extends string, K extends string> {
  /** The era of the set, with the limits as they are in the tier. */
  readonly era: Era<M, K>;
  /** For each limit, the number of its dimension; below 0 where none is named. */
  readonly dimensions: readonly number[];
  /** The dimensions of the set, by their numbers. */
  readonly known: readonly string[];
  /** The number of the tier: 0 for none. */
  readonly tier: number;
}

export class Place<M extends string = string, K extends string = M> implements Granter<M, K>, Standing {
  readonly requests: Requests<M, K>;
  readonly names: Names;
  private readonly home: Home<M, K>;
  private readonly shape: Shape<M, K>;
  private readonly view: Viewing<M, K>;
  /** The dimensions whose shared state is awaited, one bit each. */
  private readonly awaited: number;

  constructor(home: Home<M, K>, shape: Shape<M, K>, names: Names, view: Viewing<M, K>, awaited = 0) {
    this.home = home;
    this.shape = shape;
    this.requests = shape.era.requests;
    this.names = names;
    this.view = view;
    this.awaited = awaited;
  }

  get era(): Era<M, K> {
    return this.shape.era;
  }

  get setEra(): Era<M, K> | undefined {
    return this.home.era;
  }

  /** Whether a tier is named. */
  get isTiered(): boolean {
    return this.shape.tier > 0;
  }

  wardOf(index: number): string | undefined {
    const dimension = this.shape.dimensions[index]!;
    if (dimension < 0) return undefined;
    return String.fromCharCode(dimension) + (this.awaits(dimension) ? "*" : this.names.hashes[dimension]);
  }

  keyOf(index: number): number | undefined {
    const dimension = this.shape.dimensions[index]!;
    if (dimension < 0) return undefined;
    return this.awaits(dimension) ? dimension : this.names.keyOf(dimension);
  }

  isIn(index: number, place: Standing, at: number): boolean {
    const other = place as Place;
    const dimension = this.shape.dimensions[index]!;
    const isShared = this.awaits(dimension);
    if (dimension !== other.shape.dimensions[at] || isShared !== other.awaits(dimension)) return false;
    return isShared || this.names.isSame(dimension, other.names);
  }

  /** Whether it is a place of the set in the era of a granter. */
  isOf(home: object): boolean {
    return this.home === home;
  }

  get config(): Readonly<Record<string, unknown>> {
    return this.home.config;
  }

  get missingUpdate(): "throw" | "charge" {
    return this.home.missingUpdate;
  }

  get leaks(): LeakWatch | undefined {
    return this.home.leaks;
  }

  get closed(): boolean {
    return this.home.closed;
  }

  settle(token: number, taken: readonly number[], used: readonly number[] | undefined): boolean {
    return this.home.settle(token, taken, used, this);
  }

  acquireNested(
    requested: Amounts<M> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[],
  ): Promise<Acquisition<M, K>> {
    return this.view.acquireNested(requested, options, this.home.coveredNow(covered));
  }

  /** The same in the present era of the set, which must be open. */
  get latest(): Place<M, K> {
    const place = this.view.latest();
    if (place.home === this.home) return this;
    const pass = (dimensions: number) => passBits(dimensions, this.shape.known, place.shape.known);
    return place.awaiting(pass(this.awaited)).sharing(pass(this.names.shared));
  }

  /** The same, for a grant that was taken from the shared states of `dimensions`, one bit each. */
  sharing(dimensions: number): Place<M, K> {
    if (dimensions === 0) return this;
    // What it gives back is awaited by all who await the shared states.
    return new Place(this.home, this.shape, this.names.sharing(dimensions), this.view, dimensions);
  }

  /** The same, for a waiter that awaits the shared states of `dimensions`: it stands where all stand who await these. */
  awaiting(dimensions: number): Place<M, K> {
    if (dimensions === this.awaited) return this;
    return new Place(this.home, this.shape, this.names, this.view, dimensions);
  }

  /** The dimension of a limit, of which a state of the name's own is awaited; below 0 if none is. */
  ownDimension(index: number): number {
    const dimension = this.shape.dimensions[index]!;
    return dimension >= 0 && this.awaits(dimension) ? -1 : dimension;
  }

  /** The dimension of a limit, if it is one of `dimensions`, one bit each. */
  dimensionAmong(index: number, dimensions: number): string | undefined {
    const dimension = this.shape.dimensions[index]!;
    return dimension >= 0 && (dimensions >> dimension) & 1 ? this.shape.known[dimension] : undefined;
  }

  /** Whether it awaits the shared state of a dimension. */
  private awaits(dimension: number): boolean {
    return ((this.awaited >> dimension) & 1) === 1;
  }

  present(units: readonly number[]): Held {
    const [requests, present] = this.home.present?.(units) ?? [this.requests, units];
    return [requests, present, this.closed ? this : this.latest];
  }
}

/** Dimensions, one bit each, by their numbers among others. */
function passBits(dimensions: number, from: readonly string[], to: readonly string[]): number {
  let passed = 0;
  if (dimensions === 0) return passed;
  from.forEach((name, i) => {
    if ((dimensions >> i) & 1 && to.includes(name)) passed |= 1 << to.indexOf(name);
  });
  return passed;
}
