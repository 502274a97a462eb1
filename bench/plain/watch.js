/** Notices acquisitions that were dropped without a release, as `src/acquisition/leaks.ts` does: markers are used again. */

/** @typedef {{ units: readonly number[] | undefined }} Holding */

class Marker {
  /** @type {Holding} */
  holding = { units: undefined };
}

export class Watch {
  /** @type {Marker | undefined} */
  last = undefined;
  /** @type {Marker[]} */
  spare = [];

  /** @param {(units: readonly number[]) => void} lost */
  constructor(lost) {
    this.registry = new FinalizationRegistry((/** @type {Holding} */ { units }) => {
      if (units) lost(units);
    });
  }

  /** @param {readonly number[]} units */
  mark(units) {
    const marker = this.last ?? this.spare.pop() ?? this.register();
    this.last = undefined;
    marker.holding.units = units;
    return marker;
  }

  /** @param {Marker} marker */
  unmark(marker) {
    marker.holding.units = undefined;
    if (this.last !== undefined) this.spare.push(this.last);
    this.last = marker;
  }

  register() {
    const marker = new Marker();
    this.registry.register(marker, marker.holding);
    return marker;
  }
}
