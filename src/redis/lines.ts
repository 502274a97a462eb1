/**
 * The lines of one process in front of a server, whose answers come later than the questions: which waiters the next batch asks for.
 * The head of a line is asked for; while it is refused, the line is parked, and those behind it are asked for once that has gone.
 */

import { Crowd } from "../waiting/crowd.ts";
import { Heap, type Placed } from "../waiting/heap.ts";
import type { Judge } from "../waiting/judge.ts";
import { type Line, nameOf, type Standing as StandingIn } from "../waiting/line.ts";
import { isBefore, type Ranked, type Request } from "../waiting/standing.ts";
import { nestedBefore } from "../waiting/taint.ts";

export type Standing<W extends Standing<W>> = StandingIn<W>;

/** One line during a walk. */
interface Course<W extends Standing<W>> extends Placed {
  readonly line: Line<W>;
  readonly rest: Iterator<W>;
  /** The waiter that the walk comes to next. */
  next: W;
  /** How many waiters the walk may still pass. */
  left: number;
}

/** A judge who is never asked: the server knows what is in use. */
const NOBODY: Judge<never> = {
  judge: () => false,
  verdict: { at: -1, moment: 0, isBlocked: false, isPaused: false },
  pauseOf: () => undefined,
  isOverdrawn: () => false,
  roomAt: () => Number.POSITIVE_INFINITY,
};

export class Lines<W extends Standing<W>> extends Crowd<W> {
  readonly #parked = new Set<Line<W>>();
  /** How many waiters of a line one batch may ask for, where that is bounded. */
  readonly #quotas = new Map<Line<W>, number>();

  stand(waiter: W): void {
    this.add(waiter);
  }

  /** Takes a waiter out of its line, if it stands in one. Returns the line if others stand there. */
  leave(waiter: W): Line<W> | undefined {
    const { line } = waiter;
    if (!line) return undefined;
    this.remove(waiter, line);
    if (line.head) return line;
    this.#parked.delete(line);
    this.#quotas.delete(line);
    return undefined;
  }

  /** A waiter of the line has been refused. */
  park(line: Line<W>): void {
    this.#parked.add(line);
  }

  /** Whether the line of a request is parked, so that one who comes last is not asked for. */
  isParked(request: Request): boolean {
    const line = this.byName.get(nameOf(request));
    return line !== undefined && this.#parked.has(line);
  }

  /** A waiter of the line has been granted: the next batch may ask for twice as many. */
  granted(line: Line<W>): void {
    const quota = this.#quotas.get(line);
    if (quota !== undefined) this.#quotas.set(line, 2 * quota);
  }

  /** All lines may be asked for again. Of a line that has waited few will be granted: first one is asked for, then two, then four. */
  reopen(): void {
    // A nested request may pass those before it in its line.
    for (const line of this.#parked) if (!line.isNested) this.#quotas.set(line, 1);
    this.#parked.clear();
  }

  /** Begins a walk through all waiters in order, of lines that are not parked. */
  walk(): Walk<W> {
    const lines = [...this.byName.values()].filter((line) => !this.#parked.has(line));
    return new Walk(lines, (line) => this.#quotas.get(line) ?? Number.POSITIVE_INFINITY);
  }

  /** What the waiters before `ranked` want of a request's limits, nested or not; undefined if they want nothing. */
  wantedBefore({ units, place }: Request, ranked: Ranked): readonly number[] | undefined {
    return this.demandBefore({ units, place }, ranked, NOBODY as Judge<W>);
  }

  /** What the nested requests among them want. */
  wantedByNested(units: readonly number[], ranked: Ranked): readonly number[] {
    return units.map((count, i) => (count > 0 ? nestedBefore(this.byName, this.demands[i]!, ranked) : 0));
  }

  /** What all waiters want of limit `index`; with `isNested`, what nested ones want. */
  total(index: number, isNested: boolean): number {
    if (!isNested) return this.demands[index]!.total;
    const last = { key: Number.POSITIVE_INFINITY, turn: Number.POSITIVE_INFINITY };
    return nestedBefore(this.byName, this.demands[index]!, last);
  }

  /** The limits that a request wants, those that are wanted together with one of them, and so on. */
  tangled(units: readonly number[]): ReadonlySet<number> {
    const limits = new Set<number>();
    units.forEach((count, i) => {
      if (count > 0) limits.add(i);
    });
    for (let size = -1; size < limits.size; ) {
      size = limits.size;
      for (const { demands } of this.byName.values()) {
        if (demands.some(({ limit }) => limits.has(limit)))
          for (const { limit } of demands) limits.add(limit);
      }
    }
    return limits;
  }
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
