/** A priority queue from which any entry can leave, and in which any can move, in O(log n). */

/** An entry: `place` is its index in the heap, -1 while it is in none. */
export interface Placed {
  place: number;
}

/** A binary heap whose entries know their place, so that they are found without a search. */
export class Heap<T extends Placed> {
  readonly #isBefore: (a: T, b: T) => boolean;
  readonly #heap: T[] = [];

  /** `isBefore`: whether `a` comes before `b`. */
  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#heap.length;
  }

  get first(): T | undefined {
    return this.#heap[0];
  }

  add(entry: T): void {
    this.#rise(entry, this.#heap.length);
  }

  remove(entry: T): void {
    const { place } = entry;
    if (place < 0) return;
    entry.place = -1;
    const last = this.#heap.pop()!;
    if (last !== entry) this.#settle(last, place);
  }

  /** Moves an entry to where it belongs, after its key has changed. */
  moved(entry: T): void {
    if (this.#heap.length > 1 && entry.place >= 0) this.#settle(entry, entry.place);
  }

  /** Brings an entry that may be put at `place` to where it belongs. */
  #settle(entry: T, place: number): void {
    if (place > 0 && this.#isBefore(entry, this.#heap[(place - 1) >> 1]!)) this.#rise(entry, place);
    else this.#sink(entry, place);
  }

  #rise(entry: T, place: number): void {
    let at = place;
    while (at > 0) {
      const parent = this.#heap[(at - 1) >> 1]!;
      if (!this.#isBefore(entry, parent)) break;
      this.#put(parent, at);
      at = (at - 1) >> 1;
    }
    this.#put(entry, at);
  }

  #sink(entry: T, place: number): void {
    let at = place;
    for (;;) {
      let child = 2 * at + 1;
      let next = this.#heap[child];
      const right = this.#heap[child + 1];
      if (right && this.#isBefore(right, next!)) {
        next = right;
        child++;
      }
      if (!next || !this.#isBefore(next, entry)) break;
      this.#put(next, at);
      at = child;
    }
    this.#put(entry, at);
  }

  #put(entry: T, place: number): void {
    this.#heap[place] = entry;
    entry.place = place;
  }
}
