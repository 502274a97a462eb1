/** Takes part in a set that another thread shares. */
import { INTERNALS, type OptionsWithRegion } from "../acquisition/internals.ts";
import { Region } from "../core/region.ts";
import { InvalidHandleError, TooManyThreadsError } from "../errors.ts";
import { LimitSet } from "../limit-set.ts";
import type { LimitSetOptions } from "../limits/options.ts";
import { agreeing, systemClock } from "../platform/clock.ts";
import { destinationOf, gone, type LimitSetHandle } from "./handle.ts";
import { Membership } from "./membership.ts";
import { ownThreadId } from "./thread-id.ts";

/** Options of `attachLimits`. */
export type AttachOptions = Pick<LimitSetOptions, "clock" | "onWarning">;

/**
 * The set of a handle, in this thread: the same limits, the same state. The clock is the platform's, in agreement with that
 * of the thread that shared the set, unless another is given. `close()` it when this thread is done with it.
 *
 * @throws {InvalidHandleError} if it is no handle, was voided by `reclaim`, or every thread has closed the set.
 * @throws {TooManyThreadsError} if `maxThreads` threads are attached already.
 * @throws {CannotShareError} if this thread has no shared memory.
 * @example
 * const limits = attachLimits(handle);
 * limits.tryAcquire({ tokens: 5 }).successful; // true
 */
export function attachLimits<K extends string>(
  handle: LimitSetHandle<K>,
  options: AttachOptions = {},
): LimitSet<K> {
  const { heap, start, entrance } = destinationOf(handle);
  const membership = Membership.join(heap, start, entrance, handle.number, ownThreadId());
  if (membership === "gone") throw gone();
  if (membership === "void") {
    throw new InvalidHandleError("the handle was voided by reclaim(): shareLimits() makes a new one");
  }
  if (!(membership instanceof Membership)) throw new TooManyThreadsError(membership.maxThreads);
  const { limits, config, missingUpdate, clock, lock, number } = handle;
  const region = Region.attach(heap, start, membership);
  try {
    const ownClock = options.clock ?? (clock ? agreeing(clock) : systemClock);
    const attached: OptionsWithRegion<K> = {
      ...options,
      limits,
      config,
      missingUpdate,
      clock: ownClock,
      [INTERNALS]: region,
    };
    const set = new LimitSet<K>(attached);
    if (lock !== undefined) membership.lock(lock, number);
    return set;
  } catch (error) {
    region.close();
    throw error;
  }
}
