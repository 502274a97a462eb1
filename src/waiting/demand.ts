/** The demand of one limit: how many waiters want it, and the lines that wait for it. */
import { Heap } from "./heap.ts";
import type { Line, Standing } from "./line.ts";
import { isBefore } from "./standing.ts";

export class Demand<W extends Standing<W>> {
  /** How many waiters want the limit. */
  count = 0;
  /** How many lines they stand in. */
  lines = 0;
  /** The lines whose heads this limit refuses, or refused last; the line whose head goes first is on top. */
  readonly parked = new Heap<Line<W>>((a, b) => isBefore(a.head!, b.head!));
  /** Whether the line on top has to be judged anew. */
  isStale = false;

  /** When the line on top could go, in milliseconds since the epoch: Infinity if time does not help. */
  get moment(): number {
    return this.parked.first?.moment ?? Number.POSITIVE_INFINITY;
  }
}
