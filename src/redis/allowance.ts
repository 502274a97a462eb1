/**
 * How much one batch may ask of the server. All other clients of the server wait while the script runs, so that a batch has a
 * bound, which counts requests and settlements alike: so many steps, where an operation takes one, and one more for each limit
 * that it names. A step takes the server about 2 microseconds.
 */

import type { Place } from "./place.ts";
import { Roster } from "./roster.ts";

/** The most steps of a batch. An operation that takes more by itself still goes, with no other of its kind. */
export const MOST_STEPS = 1024;

/** How many steps a partition takes more. */
const STEPS_OF_PARTITION = 4;

export class Allowance {
  /** The partitions that the batch names. */
  readonly roster: Roster;
  readonly #steps: number;
  readonly #operations: number;
  #usedSteps = 0;
  #usedOperations = 0;
  #isSpent = false;

  constructor(steps: number, operations: number = Number.POSITIVE_INFINITY, roster: Roster = new Roster()) {
    this.roster = roster;
    this.#steps = steps;
    this.#operations = operations;
  }

  get used(): number {
    return this.#usedSteps;
  }

  /** Whether an operation has found no room. No later one has any then, however small, so that they keep their order. */
  get isSpent(): boolean {
    return this.#isSpent;
  }

  /**
   * Makes room for an operation of so many steps, on the partitions of a place; false if there is none. The first operation always has
   * room.
   */
  spend(steps: number, place?: Place, keepsTier = false): boolean {
    const isFirst = this.#usedOperations === 0;
    this.#isSpent ||=
      !isFirst && (this.#usedSteps + steps > this.#steps || this.#usedOperations >= this.#operations);
    this.#isSpent ||= !this.roster.admit(place, keepsTier);
    if (this.#isSpent) return false;
    this.#usedSteps += steps;
    this.#usedOperations++;
    return true;
  }
}

/** The steps of an operation that names the limits of `units`, in the partitions of a place. */
export function stepsOf(units: readonly number[], place?: Place): number {
  let steps = 1 + STEPS_OF_PARTITION * (place?.digests.length ?? 0);
  for (const count of units) if (count !== 0) steps++;
  return steps;
}
