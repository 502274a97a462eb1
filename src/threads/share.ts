/** Gives a set to other threads. */
import { SHARED_FORMAT } from "../../assembly/layout.ts";
import { INTERNALS, type Internals } from "../acquisition/internals.ts";
import { CannotShareError, InvalidRequestError, show, TooManyThreadsError } from "../errors.ts";
import type { LimitSet } from "../limit-set.ts";
import { definitionOf } from "../limits/definition.ts";
import type { LimitLike } from "../limits/limits.ts";
import { readBoth, systemClock } from "../platform/clock.ts";
import { sendableConfig } from "../remote/sendable.ts";
import type { LimitSetHandle } from "./handle.ts";
import { Membership } from "./membership.ts";
import { needsLock, type ThreadLike, whenEnded } from "./thread-end.ts";
import { ownThreadId, threadIdOf } from "./thread-id.ts";

/** What `shareLimits` returns. */
export interface SharedLimits<K extends string = string> {
  /** What threads attach by: as many as there are free seats, each once. Send it as a message, or as a pool's `workerData`. */
  readonly handle: LimitSetHandle<K>;
  /**
   * Gives back all that threads hold which have attached by the handle, takes their waiters out of the line, and voids the
   * handle: for threads that have ended. A thread that still lives finds its set closed. With a `threadId` (of
   * `node:worker_threads`) it concerns that thread alone, and the handle stays good. Again, and after the set was closed: does
   * no harm.
   */
  reclaim(threadId?: number): void;
}

/**
 * Shares a set with threads: from then on it lies in memory that all of them take from, with no message passing. Given a
 * worker, posts it the handle, and gives back what the worker holds when it ends. Where a runtime does not tell of that
 * (no `exit` or `close` event, no Web Locks), call `reclaim`.
 *
 * @throws {CannotShareError} if the set was made with `shared: false`, the runtime has no shared memory here, or `config`
 * holds what cannot be sent. `limitset/port` serves a set without shared memory.
 * @throws {TooManyThreadsError} if more handles are out than four for each thread.
 * @throws {LimitSetClosedError} if the set is closed.
 * @throws {InvalidRequestError} if `worker` is none.
 * @example
 * const { handle } = shareLimits(limits);
 * // in each thread that gets the handle
 * attachLimits(handle).tryAcquire({ tokens: 5 }).successful; // true
 */
export function shareLimits<K extends string>(limits: LimitSet<K>, worker?: ThreadLike): SharedLimits<K> {
  const set = internalsOf(limits);
  if (worker !== undefined && typeof (worker as Partial<ThreadLike> | null)?.postMessage !== "function") {
    throw new InvalidRequestError(`worker must have a method postMessage, got ${show(worker)}`);
  }
  const config = sendableConfig(limits.config);
  const membership = membershipOf(set);
  const number = membership.issue(worker !== undefined);
  if (number === undefined) throw new TooManyThreadsError(membership.maxThreads, "handles");
  const reclaim = (threadId?: number) => {
    if (threadId === undefined) membership.reclaim(number);
    else membership.reclaimThread(threadId);
    set.serve();
  };
  const lock = worker && needsLock(worker) ? `limitset ${crypto.randomUUID()}` : undefined;
  const handle = handleOf(set, limits, config, membership, number, lock);
  if (worker) {
    try {
      worker.postMessage(handle);
    } catch (error) {
      reclaim();
      throw error;
    }
    const threadId = threadIdOf(worker);
    whenEnded(worker, lock, membership.handles, number, () => {
      membership.reclaim(number, threadId);
      set.serve();
    });
  }
  return { handle, reclaim };
}

function internalsOf<K extends string>(limits: LimitSet<K>): Internals<K> {
  const open = (limits as Partial<LimitSet<K>> | null | undefined)?.[INTERNALS];
  if (open) return open.call(limits);
  throw new CannotShareError(
    `only a LimitSet of this thread can be, got ${show(limits)}; limitset/port serves sets of every kind`,
  );
}

/** This thread's part in the set's region, which the first share makes wide enough for all threads. */
function membershipOf<K extends string>({
  region,
  shared,
  limits,
  maxThreads,
  serve,
}: Internals<K>): Membership {
  if (region.sharing) return region.sharing as Membership;
  if (!shared) throw new CannotShareError("it was made with shared: false; or serve it by limitset/port");
  if (!region.isSharable) {
    throw new CannotShareError("there is no SharedArrayBuffer here; limitset/port serves it without");
  }
  region.widen(limits.map(definitionOf), maxThreads + 1, (arena, start) =>
    Membership.found(arena, start, ownThreadId()),
  );
  // Waiters sleep by the wake word from now on.
  serve();
  return region.sharing as unknown as Membership;
}

function handleOf<K extends string>(
  { region, limits, clock }: Internals<K>,
  { missingUpdate }: LimitSet<K>,
  config: Record<string, unknown>,
  { entrance }: Membership,
  number: number,
  lock: string | undefined,
): LimitSetHandle<K> {
  return {
    format: SHARED_FORMAT,
    memory: region.memory,
    start: region.address.start,
    entrance: entrance.at,
    serial: entrance.serial,
    number,
    limits: limits as readonly LimitLike<K>[],
    config,
    missingUpdate,
    clock: clock === systemClock ? readBoth() : undefined,
    ...(lock !== undefined && { lock }),
  };
}
