/** A walk through the waiters of some lines, in order. */
import { Heap, type Placed } from "../waiting/heap.ts";
import type { Line, Standing } from "../waiting/line.ts";
import { isBefore, type Ranked } from "../waiting/standing.ts";

/** One line during a walk. */
interface Course<W extends Standing<W>> extends Placed {
  readonly line: Line<W>;
  readonly rest: Iterator<W>;
  /** The waiter that the walk comes to next. */
  next: W;
  /** How many waiters the walk may still pass. */
  left: number;
}

export class Walk<W extends Standing<W>> {
  readonly #ahead = new Heap<Course<W>>((a, b) => isBefore(a.next, b.next));

  constructor(lines: readonly Line<W>[], quotaOf: (line: Line<W>) => number) {
    for (const line of lines) {
      const rest = line[Symbol.iterator]();
      const first = rest.next();
      if (!first.done) this.#ahead.add({ line, rest, next: first.value, left: quotaOf(line), place: -1 });
    }
  }

  /** Visits the waiters that go before `ranked`, in order; all, without one. Ends when `visit` answers that there is no room. */
  until(ranked: Ranked | undefined, visit: (waiter: W) => boolean): void {
    for (let course = this.#ahead.first; course; course = this.#ahead.first) {
      if (ranked && !isBefore(course.next, ranked)) return;
      if (!visit(course.next)) return;
      const next = --course.left > 0 ? course.rest.next() : undefined;
      if (!next || next.done) this.#ahead.remove(course);
      else {
        course.next = next.value;
        this.#ahead.moved(course);
      }
    }
  }
}
