/**
 * A priority queue from which any entry can leave, and in which any can move, in O(log n). Those that come in their order, as most do, cost
 * O(1).
 */

/** An entry: `place` tells where in the heap it is, -1 while it is in none. */
export interface Placed {
  place: number;
}

/** From this place on it is in the row. */
const ROW = 2 ** 29;
/** Of the entries of the row half may have left, and so many more. */
const MOST_LEFT = 16;

/** A binary heap, and a row of entries that came in order. The entries know their place, so that they are found without a search. */
export class Heap<T extends Placed> {
  /** The entry that comes before all others. It is asked for much more often than it changes. */
  first: T | undefined = undefined;
  readonly #isBefore: (a: T, b: T) => boolean;
  readonly #heap: T[] = [];
  /** Undefined where an entry has left: the last one has not, and the first of the others is at `#from`. */
  #row: (T | undefined)[] = [];
  #from = 0;
  /** How many have left the row. */
  #left = 0;

  /** `isBefore`: whether `a` comes before `b`. */
  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#heap.length + this.#row.length - this.#left;
  }

  add(entry: T): void {
    const row = this.#row;
    const last = row[row.length - 1];
    if (last && this.#isBefore(entry, last)) this.#rise(entry, this.#heap.length);
    else entry.place = ROW - 1 + row.push(entry);
    this.#crown();
  }

  remove(entry: T): void {
    const { place } = entry;
    if (place < 0) return;
    entry.place = -1;
    if (place >= ROW) this.#leaveRow(place - ROW);
    else {
      const last = this.#heap.pop()!;
      if (last !== entry) this.#settle(last, place);
    }
    this.#crown();
  }

  /** Moves an entry to where it belongs, after its key has changed. */
  moved(entry: T): void {
    const { place } = entry;
    if (place < 0 || this.size === 1) return;
    if (place < ROW) {
      this.#settle(entry, place);
      this.#crown();
    } else {
      this.remove(entry);
      this.add(entry);
    }
  }

  #crown(): void {
    const top = this.#heap[0];
    const next = this.#row[this.#from];
    this.first = top && !(next && this.#isBefore(next, top)) ? top : next;
  }

  #leaveRow(at: number): void {
    const row = this.#row;
    row[at] = undefined;
    this.#left++;
    for (; row.length > 0 && !row[row.length - 1]; this.#left--) row.pop();
    if (row.length > 0 && this.#left <= row.length / 2 + MOST_LEFT) {
      while (!row[this.#from]) this.#from++;
      return;
    }
    this.#row = [];
    this.#from = this.#left = 0;
    for (const each of row) if (each) each.place = ROW - 1 + this.#row.push(each);
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
