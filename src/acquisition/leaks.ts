/**
 * Finds acquisitions that were dropped without a release. Each acquisition has a marker that nothing else refers to: when the
 * engine collects the marker, the acquisition is gone. A released acquisition hands its marker on to a later one, so that the
 * engine never has more markers registered than there were acquisitions held at once.
 */
import { type LimitError, UnreleasedAcquisitionWarning } from "../errors.ts";
import type { Requests } from "../limits/requests.ts";
import { type GarbageWatch, watchGarbage } from "../platform/garbage.ts";

interface Settling {
  settle(token: number, taken: readonly number[], used: undefined): unknown;
}

/** The acquisition of a marker; without units, the marker has none. */
interface Holding {
  units: readonly number[] | undefined;
  token: number;
  /** It settles for the acquisition. */
  granter: Settling | undefined;
  readonly watch: LeakWatch;
}

export class Marker {
  /** An object of its own, since the registry keeps it alive, but must not keep the marker alive. */
  readonly holding: Holding;

  constructor(watch: LeakWatch) {
    this.holding = { units: undefined, token: 0.5, granter: undefined, watch };
  }
}

// The most markers that are kept for later acquisitions.
const MOST_SPARE = 1024;

export class LeakWatch {
  /** One for all eras of a set, since it calls back only while it is in use itself. It is made for the first marker. */
  private readonly registry: { watch: GarbageWatch<Holding> | undefined };
  private readonly leaked: (units: readonly number[], token: number, granter: Settling) => void;
  /** The marker that was given back last. Most often the next acquisition takes it. */
  private last: Marker | undefined = undefined;
  private readonly spare: Marker[] = [];

  /**
   * `leaked` is called with the units, the token and the granter of each acquisition that was dropped. `before` is the watch of the era
   * before.
   */
  constructor(
    leaked: (units: readonly number[], token: number, granter: Settling) => void,
    before?: LeakWatch,
  ) {
    this.leaked = leaked;
    this.registry = before?.registry ?? { watch: undefined };
    before?.rest();
  }

  /** No later acquisition needs a marker: those that are left over are let go. */
  rest(): void {
    this.last = undefined;
    this.spare.length = 0;
  }

  /** Returns a marker, which the acquisition keeps until its release. */
  mark(units: readonly number[], token: number, granter: Settling): Marker {
    const marker = this.last ?? this.another();
    this.last = undefined;
    const holding = marker.holding;
    holding.units = units;
    holding.token = token;
    holding.granter = granter;
    return marker;
  }

  /** Takes back the marker of an acquisition that is released. */
  unmark(marker: Marker): void {
    marker.holding.units = undefined;
    if (this.last !== undefined) this.lay(this.last);
    this.last = marker;
  }

  private another(): Marker {
    return this.spare.pop() ?? this.register();
  }

  private lay(marker: Marker): void {
    if (this.spare.length < MOST_SPARE) this.spare.push(marker);
  }

  private register(): Marker {
    const marker = new Marker(this);
    this.registry.watch ??= watchGarbage(({ units, token, granter, watch }) => {
      if (units) watch.leaked(units, token, granter!);
    });
    this.registry.watch.register(marker, marker.holding);
    return marker;
  }
}

/** A granter as its watch sees it. */
interface Watched {
  readonly requests: Pick<Requests<string>, "takesResources" | "amounts">;
  readonly closed: boolean;
}

/**
 * Watches the acquisitions of `granter`. One that is dropped gives back its resources, and is reported. Its rates are charged in
 * full, since its usage is not known.
 */
export function watchLeaks(
  granter: Watched,
  onWarning: (warning: LimitError) => void,
  before?: LeakWatch,
): LeakWatch {
  return new LeakWatch((units, token, owner) => {
    if (granter.closed) return;
    owner.settle(token, units, undefined);
    const { requests } = granter;
    if (requests.takesResources(units)) onWarning(new UnreleasedAcquisitionWarning(requests.amounts(units)));
  }, before);
}
