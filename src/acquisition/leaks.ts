/**
 * Acquisitions that were dropped without a release. Each is tied to a marker that nothing else refers to; when the engine
 * collects the marker, the acquisition is gone. A marker goes from one acquisition to the next, so that only as many are
 * ever registered with the engine as acquisitions are held at once.
 */

/** What a marker stands for: without units, nothing. */
interface Holding {
  units: readonly number[] | undefined;
  takenAt: number;
}

export class Marker {
  /** Not the marker itself, which must not be kept alive. */
  readonly holding: Holding = { units: undefined, takenAt: 0.5 };
}

// So many markers wait for the next acquisition.
const MOST_SPARE = 1024;

export class LeakWatch {
  private readonly registry: FinalizationRegistry<Holding>;
  /** The marker that was given back last: mostly it is the one taken next. */
  private last: Marker | undefined = undefined;
  private readonly spare: Marker[] = [];

  /** `leaked` is told what was taken, and when. */
  constructor(leaked: (units: readonly number[], takenAt: number) => void) {
    this.registry = new FinalizationRegistry(({ units, takenAt }) => {
      if (units) leaked(units, takenAt);
    });
  }

  /** A marker for an acquisition to keep until its release. */
  mark(units: readonly number[], takenAt: number): Marker {
    const marker = this.last ?? this.another();
    this.last = undefined;
    const holding = marker.holding;
    holding.units = units;
    holding.takenAt = takenAt;
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
