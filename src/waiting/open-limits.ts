/** Finds the waiter that goes next while a queue serves: at the limits at which a waiter may still go. */
import { Heap, type Placed } from "./heap.ts";
import type { Line, Spot, Standing } from "./line.ts";

/** A limit that is waited for, among those at which a waiter may still go. */
interface OpenLimit<W> extends Placed {
  readonly lines: Heap<Spot<W>>;
  /** The turn of the waiter that came first, when the limit was put in its place. */
  turn: number;
}

/** The limits at which a waiter may still go, by the turn of the waiter that came first. */
export class OpenLimits<W extends Standing<W>> {
  readonly #limits: readonly OpenLimit<W>[];
  readonly #heap = new Heap<OpenLimit<W>>(({ turn }) => turn);

  /** `atLimit` has for each limit the lines that want it. */
  constructor(atLimit: readonly Heap<Spot<W>>[]) {
    this.#limits = atLimit.map((lines) => ({ lines, turn: 0, place: -1 }));
  }

  /** Opens all limits that are waited for. All limits must be closed before. */
  open(): void {
    for (const limit of this.#limits) {
      if (limit.lines.size === 0) continue;
      limit.turn = turnOf(limit.lines);
      this.#heap.add(limit);
    }
  }

  /** The line whose turn is next, of those that want one of these limits. */
  get first(): Line<W> | undefined {
    return this.#heap.first?.lines.first?.line;
  }

  /** Closes a limit: no waiter can go there any more. */
  close(index: number): void {
    this.#heap.remove(this.#limits[index]!);
  }

  /** Notes that a waiter which wanted the limit has left. */
  left(index: number): void {
    const limit = this.#limits[index]!;
    if (limit.lines.size === 0) {
      this.#heap.remove(limit);
    } else {
      limit.turn = turnOf(limit.lines);
      this.#heap.moved(limit);
    }
  }
}

function turnOf<W extends Standing<W>>(lines: Heap<Spot<W>>): number {
  return lines.first?.line.head?.turn ?? Number.POSITIVE_INFINITY;
}
