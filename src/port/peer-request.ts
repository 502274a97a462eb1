/** A request of a peer, as its host keeps it. */
import { type LeasedAcquisition, whyLost } from "../acquisition/leased.ts";
import type { Acquisition } from "../contract.ts";
import { BackendUnavailableError } from "../errors.ts";
import type { Era } from "../limits/era.ts";
import { whenAborted } from "../waiting/aborts.ts";
import type { Shared } from "./served.ts";
import { MOST_NAME_UNITS } from "./views.ts";

/** It waits until `held` is set. */
export interface PeerRequest<K extends string> {
  /** Its abort withdraws the request. */
  controller: AbortController | undefined;
  held: Acquisition<K> | undefined;
  /** The era under which it was made, and later that under which it was granted. */
  era: Era;
  /** Ends the watch over `held`. */
  unwatch: (() => void) | undefined;
  /** How long the names of its partitions are. */
  readonly units: number;
}

const MOST_SPARE = 16;

/** The requests of a peer, by number: those that wait, and those that are granted until their release. */
export class PeerRequests<K extends string> {
  readonly byNumber: Map<number, PeerRequest<K>> = new Map();
  readonly #shared: Shared;
  /** Tells whether there are any. */
  readonly #watch: (some: boolean) => void;
  /** Controllers that were never aborted and so can be used again: making one costs a tenth of a round trip. */
  readonly #spare: AbortController[] = [];

  constructor(shared: Shared, watch: (some: boolean) => void) {
    this.#shared = shared;
    this.#watch = watch;
  }

  /** Why the peer may have no further request, with names of so many units; undefined if it may. */
  whyFull(units: number): BackendUnavailableError | undefined {
    const { requests, bounds, nameUnits } = this.#shared;
    if (requests >= bounds.maxRequests) {
      return new BackendUnavailableError(
        `the host keeps no further request of this peer: ${requests} wait or are held, its maxRequests; release or abort some`,
      );
    }
    if (units === 0 || nameUnits + units <= MOST_NAME_UNITS) return undefined;
    return new BackendUnavailableError(
      `the host keeps no further names of this peer: those of requests that wait or are held have ${nameUnits + units} UTF-16 units, at most ${MOST_NAME_UNITS}; release or abort some`,
    );
  }

  controller(): AbortController {
    return this.#spare.pop() ?? new AbortController();
  }

  /** Keeps the controller of a request that does not wait any more, for the next request. */
  keepController(request: PeerRequest<K>): void {
    const { controller } = request;
    request.controller = undefined;
    if (controller && !controller.signal.aborted && this.#spare.length < MOST_SPARE) {
      this.#spare.push(controller);
    }
  }

  add(number: number, era: Era, units: number, controller?: AbortController): PeerRequest<K> {
    const request: PeerRequest<K> = { controller, held: undefined, era, unwatch: undefined, units };
    this.#shared.requests++;
    this.#shared.nameUnits += units;
    this.byNumber.set(number, request);
    this.#watch(true);
    return request;
  }

  /** False if the request was removed before. */
  remove(number: number, request: PeerRequest<K>): boolean {
    if (this.byNumber.get(number) !== request) return false;
    this.byNumber.delete(number);
    request.unwatch?.();
    this.#shared.requests--;
    this.#shared.nameUnits -= request.units;
    if (this.byNumber.size === 0) this.#watch(false);
    return true;
  }
}

/**
 * Calls `lost` with the reason when an acquisition loses what it holds: the host's own set may be elsewhere. Returns a function that
 * ends the watch; undefined where nothing can be lost.
 */
export function watchLoss<K extends string>(
  acquisition: Acquisition<K>,
  lost: (why: string) => void,
): (() => void) | undefined {
  const { signal } = acquisition as Partial<LeasedAcquisition<K>>;
  if (!signal) return undefined;
  const tell = () => lost(whyLost(signal.reason as Error));
  if (!signal.aborted) return whenAborted(signal, tell);
  tell();
  return undefined;
}
