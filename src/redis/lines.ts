/**
 * The lines of one process in front of a server, whose answers come later than the questions: which waiters the next batch asks for.
 * The head of a line is asked for; while it is refused, the line is parked, and those behind it are asked for once that has gone.
 */

import { Crowd } from "../waiting/crowd.ts";
import { Heap, type Placed } from "../waiting/heap.ts";
import type { Judge } from "../waiting/judge.ts";
import { type Demand, type Line, nameOf, type Standing as StandingIn } from "../waiting/line.ts";
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
  wantedByNested(request: Request, ranked: Ranked): readonly number[] {
    return request.units.map((count, i) => {
      const demand = count > 0 ? this.demandAt(request, i) : undefined;
      return demand ? nestedBefore(this.byName, demand, ranked) : 0;
    });
  }

  /** What the nested waiters want of a limit. */
  totalOfNested(demand: Demand<W>): number {
    const last = { key: Number.POSITIVE_INFINITY, turn: Number.POSITIVE_INFINITY };
    return nestedBefore(this.byName, demand, last);
  }

  /** The demand of limit `index`, in the partition of a request; undefined if no waiter wants it. */
  override demandAt(request: Request, index: number): Demand<W> | undefined {
    return super.demandAt(request, index);
  }

  /** The demands of the limits that a request wants, of those that are wanted together with one of them, and so on. */
  tangled(request: Request): ReadonlySet<Demand<W>> {
    const tangled = new Set<Demand<W>>();
    request.units.forEach((count, i) => {
      const demand = count > 0 ? this.demandAt(request, i) : undefined;
      if (demand) tangled.add(demand);
    });
    for (let size = -1; size < tangled.size; ) {
      size = tangled.size;
      for (const { demands } of this.byName.values()) {
        if (demands.some((demand) => tangled.has(demand))) for (const demand of demands) tangled.add(demand);
      }
    }
    return tangled;
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
