/**
 * Acquisitions that were dropped without a release. Each is tied to a marker that nothing else refers to; when the engine
 * collects the marker, the acquisition is gone. A marker goes from one acquisition to the next, so that the engine never has
 * more of them registered than acquisitions are held at once.
 */
import { type LimitError, UnreleasedAcquisitionWarning } from "../errors.ts";
import type { Requests } from "../limits/requests.ts";

/** What a marker stands for; without units it stands for nothing. */
interface Holding {
  units: readonly number[] | undefined;
  token: number;
}

export class Marker {
  /** The registry keeps this, and must not keep the marker itself alive. */
  readonly holding: Holding = { units: undefined, token: 0.5 };
}

// Markers that are kept for later acquisitions, at most.
const MOST_SPARE = 1024;

export class LeakWatch {
  private readonly registry: FinalizationRegistry<Holding>;
  /** The marker that was given back last: mostly the next acquisition takes it. */
  private last: Marker | undefined = undefined;
  private readonly spare: Marker[] = [];

  /** `leaked` is told what was taken, and when. */
  constructor(leaked: (units: readonly number[], token: number) => void) {
    this.registry = new FinalizationRegistry(({ units, token }) => {
      if (units) leaked(units, token);
    });
  }

  /** A marker for an acquisition to keep until its release. */
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

/** What watching needs of a granter. */
interface Watched {
  readonly requests: Pick<Requests<string>, "takesResources" | "amounts">;
  readonly closed: boolean;
  settle(token: number, taken: readonly number[], used: undefined): unknown;
}

/**
 * Watches the acquisitions of `granter`. One that is lost gives back its resources, and is reported. Its rates are charged in
 * full, since what was used is not known.
 */
export function watchLeaks(granter: Watched, onWarning: (warning: LimitError) => void): LeakWatch {
  return new LeakWatch((units, token) => {
    if (granter.closed) return;
    granter.settle(token, units, undefined);
    const { requests } = granter;
    if (requests.takesResources(units)) onWarning(new UnreleasedAcquisitionWarning(requests.amounts(units)));
  });
}
