/** The place of a request in the order of waiting, and what bounds its wait. */
import type { Clock } from "../platform/clock.ts";
import type { Outlook } from "../waiting/gate.ts";
import type { Ranked } from "../waiting/standing.ts";
import type { Waiter } from "./waiter.ts";

/** The requests that wait. */
interface Waiting {
  readonly size: number;
  readonly nested: number;
}

interface Terms {
  readonly agingMs?: number | undefined;
  readonly maxWaiting?: number | undefined;
  readonly clock: Pick<Clock, "now">;
}

/** It makes the error for a request that must not wait. */
interface Gate {
  turnedAway(outlook: Outlook, maxWaitMs: number, isFull: boolean): Error | undefined;
}

export class Bounds {
  readonly #settings: Terms;
  readonly #lines: () => Waiting;
  #turns = 0;

  constructor(settings: Terms, lines: () => Waiting) {
    this.#settings = settings;
    this.#lines = lines;
  }

  /** The place of a request that comes now. */
  rank(priority = 0): Ranked {
    const { agingMs, clock } = this.#settings;
    const key = agingMs === undefined ? 0 - priority : clock.now() - priority * agingMs;
    return { key, turn: this.#turns++ };
  }

  /** Whether a request may wait only once it is known for how long, or that it has to; or may pass those before it in its line. */
  areOn({ request, maxWaitMs }: Pick<Waiter, "request" | "maxWaitMs">): boolean {
    return request.covered !== undefined || this.#isFull || maxWaitMs !== Number.POSITIVE_INFINITY;
  }

  /** The error for a request that was refused and must not wait; undefined if it may. */
  errorFor(waiter: Waiter, outlookOf: () => Outlook, gate: Gate): Error | undefined {
    const isFull = this.#isFull && !waiter.request.covered;
    if (!isFull && waiter.maxWaitMs === Number.POSITIVE_INFINITY) return undefined;
    return gate.turnedAway(outlookOf(), waiter.maxWaitMs, isFull);
  }

  get #isFull(): boolean {
    // Nested requests do not count: their acquisition is in already.
    const { maxWaiting = Number.POSITIVE_INFINITY } = this.#settings;
    const { size, nested } = this.#lines();
    return size - nested >= maxWaiting;
  }
}
