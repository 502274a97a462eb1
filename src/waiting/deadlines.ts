/** Entries that have deadlines, the earliest first. */
import { Heap, type Placed } from "./heap.ts";

/** An entry of `Deadlines`. */
export interface Due extends Placed {
  readonly deadline: number;
}

export class Deadlines<T extends Due> extends Heap<T> {
  constructor() {
    super((a, b) => a.deadline < b.deadline);
  }
}
