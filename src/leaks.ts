/**
 * Acquisitions that were dropped without a release. Each that holds a resource is tied to a marker that nothing else
 * refers to; when the engine collects the marker, the acquisition is gone. A marker goes from one acquisition to the next,
 * so that only as many are ever registered with the engine as acquisitions are held at once.
 */

/** What a marker stands for: without units, nothing. */
interface Holding {
  units: readonly number[] | undefined;
  takenAt: number;
}

export class Marker {
  /** Not the marker itself, which must not be kept alive. */
  readonly holding: Holding = { units: undefined, takenAt: 0 };
}

// So many markers wait for the next acquisition.
const MOST_SPARE = 1024;

export class LeakWatch {
  private readonly resources: readonly number[];
  private readonly registry: FinalizationRegistry<Holding>;
  private readonly spare: Marker[] = [];

  /** `leaked` is told what the units of resources, and of the rest, were, and when they were taken. */
  constructor(resources: readonly number[], leaked: (units: readonly number[], takenAt: number) => void) {
    this.resources = resources;
    this.registry = new FinalizationRegistry(({ units, takenAt }) => {
      if (units) leaked(units, takenAt);
    });
  }

  /** A marker for an acquisition to keep until its release; undefined if it holds no resource. */
  mark(units: readonly number[], takenAt: number): Marker | undefined {
    const resources = this.resources;
    for (let i = 0; i < resources.length; i++) {
      if (units[resources[i]!]! > 0) {
        const marker = this.spare.pop() ?? this.register();
        marker.holding.units = units;
        marker.holding.takenAt = takenAt;
        return marker;
      }
    }
    return undefined;
  }

  /** Takes back the marker of an acquisition that is released. */
  unmark(marker: Marker): void {
    marker.holding.units = undefined;
    if (this.spare.length < MOST_SPARE) this.spare.push(marker);
  }

  private register(): Marker {
    const marker = new Marker();
    this.registry.register(marker, marker.holding);
    return marker;
  }
}
