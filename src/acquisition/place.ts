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
}

/** What all places have in common that name the same dimensions, and the same tier. */
export interface Shape<M extends string, K extends string> {
  /** The era of the set, with the limits as they are in the tier. */
  readonly era: Era<M, K>;
  /** For each limit, the number of its dimension; below 0 where none is named. */
  readonly dimensions: readonly number[];
  /** The number of the tier: 0 for none. */
  readonly tier: number;
}

export class Place<M extends string = string, K extends string = M> implements Granter<M, K>, Standing {
  readonly requests: Requests<M, K>;
  readonly names: Names;
  private readonly home: Home<M, K>;
  private readonly shape: Shape<M, K>;
  private readonly nested: Granter<M, K>["acquireNested"];
  /** The dimensions whose shared state is awaited, one bit each. */
  private readonly awaited: number;
  private called: readonly (string | undefined)[] | undefined = undefined;

  constructor(
    home: Home<M, K>,
    shape: Shape<M, K>,
    names: Names,
    nested: Granter<M, K>["acquireNested"],
    awaited = 0,
  ) {
    this.home = home;
    this.shape = shape;
    this.requests = shape.era.requests;
    this.names = names;
    this.nested = nested;
    this.awaited = awaited;
  }

  get era(): Era<M, K> {
    return this.shape.era;
  }

  /** Whether a tier is named. */
  get isTiered(): boolean {
    return this.shape.tier > 0;
  }

  get wards(): readonly (string | undefined)[] {
    // Most places have no waiters.
    this.called ??= this.shape.dimensions.map((dimension) => this.wardOf(dimension));
    return this.called;
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
    token: number,
  ): Promise<Acquisition<M, K>> {
    return this.nested(requested, options, covered, token);
  }

  /** The same, for a grant that was taken from the shared states of `dimensions`, one bit each. */
  sharing(dimensions: number): Place<M, K> {
    if (dimensions === 0) return this;
    return new Place(this.home, this.shape, this.names.sharing(dimensions), this.nested, this.awaited);
  }

  /** The same, for a waiter that awaits the shared states of `dimensions`: it stands where all stand who await these. */
  awaiting(dimensions: number): Place<M, K> {
    if (dimensions === this.awaited) return this;
    return new Place(this.home, this.shape, this.names, this.nested, dimensions);
  }

  private wardOf(dimension: number): string | undefined {
    if (dimension < 0) return undefined;
    const isShared = (this.awaited >> dimension) & 1;
    return String.fromCharCode(dimension) + (isShared ? "" : this.names.textOf(dimension));
  }

  present(units: readonly number[]): Held {
    const [requests, present] = this.home.present?.(units) ?? [this.requests, units];
    return [requests, present, this];
  }
}
