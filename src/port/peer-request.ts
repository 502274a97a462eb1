/** A request of a peer, as its host keeps it. */
import { type LeasedAcquisition, whyLost } from "../acquisition/leased.ts";
import type { Acquisition } from "../contract.ts";
import type { Era } from "../limits/era.ts";
import { whenAborted } from "../waiting/aborts.ts";

/** It waits until `held` is set. */
export interface PeerRequest<K extends string> {
  /** Its abort withdraws the request. */
  controller: AbortController | undefined;
  held: Acquisition<K> | undefined;
  /** The era under which it was made, and later that under which it was granted. */
  era: Era;
  /** Ends the watch over `held`. */
  unwatch: (() => void) | undefined;
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
