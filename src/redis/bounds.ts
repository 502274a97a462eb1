/** The place of a request in the order of waiting, and what bounds its wait. */
import type { AcquireOptions } from "../contract.ts";
import type { Limit } from "../limits/limits.ts";
import { fairAtOf } from "../limits/partition-options.ts";
import type { Clock } from "../platform/clock.ts";
import type { Outlook } from "../waiting/gate.ts";
import { Rounds } from "../waiting/rounds.ts";
import type { Ranked } from "../waiting/standing.ts";
import type { Place, Request } from "./place.ts";
import type { Asked, Waiter } from "./waiter.ts";

/** The requests that wait. */
interface Waiting {
  readonly size: number;
  readonly nested: number;
}

interface Terms {
  readonly limits: readonly Limit[];
  readonly fairBy?: string | undefined;
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
  readonly #rounds: Rounds | undefined;
  #turns = 0;

  constructor(settings: Terms, lines: () => Waiting) {
    this.#settings = settings;
    this.#lines = lines;
    if (settings.fairBy !== undefined) this.#rounds = new Rounds();
  }

  /** A request that comes now. `askedAt` is the moment by the conversation's clock. */
  asked(
    request: Request,
    isOnce: boolean,
    options: AcquireOptions | undefined,
    askedAt: number,
    resolve: Asked["resolve"],
    reject: Asked["reject"],
  ): Asked {
    const ranked = this.rank(options?.priority, request.place);
    return { request, isOnce, options, ranked, askedAt, now: this.#settings.clock.now(), resolve, reject };
  }

  /** The place of a request that comes now. */
  rank(priority = 0, place?: Place): Ranked {
    const { agingMs, clock } = this.#settings;
    const turn = this.#turns++;
    if (this.#rounds) {
      if (this.#lines().size === 0) this.#rounds.clear();
      return { key: this.#rounds.keyOf(this.partitionOf(place), priority), turn };
    }
    return { key: agingMs === undefined ? 0 - priority : clock.now() - priority * agingMs, turn };
  }

  /** The partition that counts for the turn of a request: one of all that name none. */
  partitionOf(place: Place | undefined): string {
    const { limits, fairBy } = this.#settings;
    if (!place || fairBy === undefined) return "";
    return place.wards[fairAtOf(limits, fairBy)!] ?? "";
  }

  /** A request waits. */
  begin({ partition, key, priority }: Waiter): void {
    this.#rounds?.begin(partition, key, priority, this.#lines().size);
  }

  /** A request waits no more. */
  left({ partition, key, priority }: Waiter, isGranted: boolean): void {
    if (isGranted) this.#rounds?.granted(key, priority);
    else this.#rounds?.gone(partition, key, priority);
  }

  /** Whether a request may wait only once it is known for how long, or that it has to; or may pass those before it in its line. */
  areOn({ request, maxWaitMs }: Pick<Waiter, "request" | "maxWaitMs">): boolean {
    return request.covered !== undefined || this.#isFull || maxWaitMs !== Number.POSITIVE_INFINITY;
  }

  /** The error for a request that was refused and must not wait; undefined if it may, or waits already. */
  errorFor(waiter: Waiter, outlookOf: () => Outlook, gate: Gate): Error | undefined {
    if (waiter.line) return undefined;
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
