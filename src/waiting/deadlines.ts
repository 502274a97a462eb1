/** A priority queue by time, which any entry can leave in O(log n). */

/** An entry: `place` is its index in the heap, -1 while it is in none. */
export interface Due {
  readonly deadline: number;
  place: number;
}

/** A binary heap whose entries know their place, so that they are found without a search. */
export class Deadlines<T extends Due> {
  readonly #heap: T[] = [];

  /** The entry that is due first. */
  get first(): T | undefined {
    return this.#heap[0];
  }

  add(entry: T): void {
    this.#rise(entry, this.#heap.length);
  }

  remove(entry: T): void {
    const place = entry.place;
    if (place < 0) return;
    entry.place = -1;
    const last = this.#heap.pop()!;
    if (last === entry) return;
    if (place > 0 && last.deadline < this.#heap[(place - 1) >> 1]!.deadline) this.#rise(last, place);
    else this.#sink(last, place);
  }

  #rise(entry: T, place: number): void {
    let at = place;
    while (at > 0) {
      const parent = this.#heap[(at - 1) >> 1]!;
      if (parent.deadline <= entry.deadline) break;
      this.#put(parent, at);
      at = (at - 1) >> 1;
    }
    this.#put(entry, at);
  }

  #sink(entry: T, place: number): void {
    let at = place;
    for (;;) {
      let child = 2 * at + 1;
      const right = this.#heap[child + 1];
      if (right && right.deadline < this.#heap[child]!.deadline) child++;
      const next = this.#heap[child];
      if (!next || next.deadline >= entry.deadline) break;
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
