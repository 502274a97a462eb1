/**
 * Finds acquisitions that were dropped without a release. Each acquisition has a marker that nothing else refers to: when the
 * engine collects the marker, the acquisition is gone. A released acquisition hands its marker on to a later one, so that the
 * engine never has more markers registered than there were acquisitions held at once.
 */
import { type LimitError, UnreleasedAcquisitionWarning } from "../errors.ts";
import type { Requests } from "../limits/requests.ts";
import { type GarbageWatch, watchGarbage } from "../platform/garbage.ts";

/** The acquisition of a marker; without units, the marker has none. */
interface Holding {
  units: readonly number[] | undefined;
  token: number;
}

export class Marker {
  /** An object of its own, since the registry keeps it alive, but must not keep the marker alive. */
  readonly holding: Holding = { units: undefined, token: 0.5 };
}

// The most markers that are kept for later acquisitions.
const MOST_SPARE = 1024;

export class LeakWatch {
  private readonly registry: GarbageWatch<Holding>;
  /** The marker that was given back last. Most often the next acquisition takes it. */
  private last: Marker | undefined = undefined;
  private readonly spare: Marker[] = [];

  /** `leaked` is called with the units and the token of each acquisition that was dropped. */
  constructor(leaked: (units: readonly number[], token: number) => void) {
    this.registry = watchGarbage(({ units, token }) => {
      if (units) leaked(units, token);
    });
  }

  /** Returns a marker, which the acquisition keeps until its release. */
  mark(units: readonly number[], token: number): Marker {
    const marker = this.last ?? this.another();
    this.last = undefined;
    const holding = marker.holding;
    holding.units = units;
    holding.token = token;
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
    const marker = new Marker();
    this.registry.register(marker, marker.holding);
    return marker;
  }
}

/** A granter as its watch sees it. */
interface Watched {
  readonly requests: Pick<Requests<string>, "takesResources" | "amounts">;
  readonly closed: boolean;
  settle(token: number, taken: readonly number[], used: undefined): unknown;
}

/**
 * Watches the acquisitions of `granter`. One that is dropped gives back its resources, and is reported. Its rates are charged in
 * full, since its usage is not known.
 */
export function watchLeaks(granter: Watched, onWarning: (warning: LimitError) => void): LeakWatch {
  return new LeakWatch((units, token) => {
    if (granter.closed) return;
    granter.settle(token, units, undefined);
    const { requests } = granter;
    if (requests.takesResources(units)) onWarning(new UnreleasedAcquisitionWarning(requests.amounts(units)));
  });
}
