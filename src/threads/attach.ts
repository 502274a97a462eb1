/** Attaches this thread to a set that another thread shares. */
import { INTERNALS, type OptionsWithRegion } from "../acquisition/internals.ts";
import { Region } from "../core/region.ts";
import { InvalidHandleError, TooManyThreadsError } from "../errors.ts";
import { LimitSet } from "../limit-set.ts";
import { checkOptions } from "../limits/known-options.ts";
import type { LimitSetOptions } from "../limits/options.ts";
import { SetClock } from "../platform/set-clock.ts";
import { warnOnce } from "../platform/warning.ts";
import { warningOf } from "../spread/warnings.ts";
import {
  type AnyHandle,
  destinationOf,
  gone,
  isOfSpread,
  type LimitSetHandle,
  type SpreadLimitSetHandle,
} from "./handle.ts";
import { Membership } from "./membership.ts";
import { SpreadLimitSet } from "./spread-limit-set.ts";
import type { OptionsWithParts, SpreadLimitSetOptions } from "./spread-options.ts";
import { openParts, PARTS } from "./spread-parts.ts";
import { ownThreadId } from "./thread-id.ts";

/** The options of `attachLimits`: `clock` and `onWarning`, as of a `LimitSet`, for this thread alone. */
export type AttachOptions = Pick<LimitSetOptions, "clock" | "onWarning">;

/**
 * Attaches this thread to the set of a handle: it has the same limits and the same state. Each thread attaches once with a
 * handle, and calls `close()` when it is done. The handle of a `SpreadLimitSet` gives such a set.
 *
 * The default clock is the platform's, corrected so that it agrees with that of the thread which shared the set.
 *
 * @throws {InvalidHandleError} if the value is no handle, `reclaim` has voided it, every thread has closed the set, or another
 * version of limitset made it.
 * @throws {TooManyThreadsError} if `maxThreads` threads are attached already.
 * @throws {CannotShareError} if this thread has no shared memory.
 * @throws {InvalidLimitError} if an option is not known.
 * @example
 * const limits = attachLimits(handle);
 * limits.tryAcquire({ tokens: 5 }).successful; // true
 */
export function attachLimits<M extends string, K extends string = M>(
  handle: LimitSetHandle<M, K>,
  options?: AttachOptions,
): LimitSet<M, K>;
export function attachLimits<M extends string, K extends string = M>(
  handle: SpreadLimitSetHandle<M, K>,
  options?: AttachOptions,
): SpreadLimitSet<M, K>;
export function attachLimits<M extends string, K extends string = M>(
  handle: AnyHandle<M, K>,
  options: AttachOptions = {},
): LimitSet<M, K> | SpreadLimitSet<M, K> {
  checkOptions("attachLimits", options, ["clock", "onWarning"]);
  return isOfSpread(handle) ? attachParts(handle, options) : attach(handle, options);
}

function attachParts<M extends string, K extends string>(
  { parts, key }: SpreadLimitSetHandle<M, K>,
  options: AttachOptions,
): SpreadLimitSet<M, K> {
  const onWarning = options.onWarning ?? warnOnce();
  const open = (i: number) => attach(parts[i]!, { ...options, onWarning: warningOf(i, onWarning) });
  const attached: OptionsWithParts<M, K> = { [PARTS]: openParts(parts.length, key, open) };
  return new SpreadLimitSet<M, K>(attached as SpreadLimitSetOptions<M, K>);
}

function attach<M extends string, K extends string>(
  handle: LimitSetHandle<M, K>,
  options: AttachOptions,
): LimitSet<M, K> {
  const { heap, start, entrance } = destinationOf(handle);
  const membership = Membership.join(heap, start, entrance, handle.number, ownThreadId());
  if (membership === "gone") throw gone();
  if (membership === "void") {
    throw new InvalidHandleError("the handle was voided by reclaim(): shareLimits() makes a new one");
  }
  if (!(membership instanceof Membership)) throw new TooManyThreadsError(membership.maxThreads);
  const { limits, config, missingUpdate, maxWaiting, agingMs, partitions, fairBy } = handle;
  const { clock, lock, number } = handle;
  const region = Region.attach(heap, start, membership);
  try {
    const ownClock = options.clock ?? (clock ? SetClock.agreeing(clock) : new SetClock());
    const attached: OptionsWithRegion<M, K> = {
      ...options,
      limits,
      config,
      missingUpdate,
      ...(maxWaiting !== undefined && { maxWaiting }),
      ...(agingMs !== undefined && { agingMs }),
      ...(partitions && { partitions }),
      ...(fairBy !== undefined && { fairBy }),
      clock: ownClock,
      [INTERNALS]: region,
    };
    const set = new LimitSet<M, K>(attached);
    if (lock !== undefined) membership.lock(lock, number);
    return set;
  } catch (error) {
    region.close();
    throw error;
  }
}
