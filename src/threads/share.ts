/** Shares a set with other threads. */
import { SHARED_FORMAT } from "../../assembly/layout.ts";
import { INTERNALS, type Internals } from "../acquisition/internals.ts";
import { layDesks } from "../core/desks.ts";
import {
  CannotShareError,
  InvalidRequestError,
  LimitSetClosedError,
  show,
  TooManyThreadsError,
} from "../errors.ts";
import type { LimitSet } from "../limit-set.ts";
import { definitionsOf } from "../limits/definition.ts";
import { textOf } from "../limits/era.ts";
import type { LimitLike } from "../limits/limits.ts";
import { viewedOf } from "../limits/partition-names.ts";
import { optionsOf } from "../limits/partition-options.ts";
import { sendableConfig } from "../remote/sendable.ts";
import { type AnyHandle, type LimitSetHandle, type SpreadLimitSetHandle, spreadHandleOf } from "./handle.ts";
import { Membership } from "./membership.ts";
import type { SpreadLimitSet } from "./spread-limit-set.ts";
import { PARTS, type PartedSet } from "./spread-parts.ts";
import { needsLock, type ThreadLike, whenEnded } from "./thread-end.ts";
import { ownThreadId, threadIdOf } from "./thread-id.ts";

/** A handle of a shared set, and the way to reclaim the threads that attached by it. */
export interface SharedLimits<M extends string = string, K extends string = M, H = LimitSetHandle<M, K>> {
  /**
   * The data by which threads attach: as many threads as there are free seats, each once. Send it as a message, or as the
   * `workerData` of a pool.
   */
  readonly handle: H;
  /**
   * Reclaims threads that have ended: gives back all that the threads hold which attached by the handle, takes their waiters out
   * of the order, and voids the handle. A thread that is still alive finds its set closed. With a `threadId` (of
   * `node:worker_threads`) it reclaims that thread alone, by whatever handle it attached, also if it made the set; the handle
   * stays good. A second call does nothing; it also works after this thread has closed the set.
   */
  reclaim(threadId?: number): void;
}

/**
 * Shares a set with threads: from then on it lies in memory from which all of them take, without messages. If `worker` is given,
 * posts it the handle, and gives back what the worker holds when it ends. The handle is for that worker alone. Where the runtime
 * does not show the end of a worker (no `exit` or `close` event, no Web Locks), call `reclaim`.
 *
 * @throws {CannotShareError} if `limits` is no `LimitSet` or `SpreadLimitSet`, or a view of one, it was made with `shared: false`, there is no
 * shared memory here, or its `config` cannot be sent. `limitset/port` serves a set without shared memory.
 * @throws {TooManyThreadsError} if too many handles are out: four for each thread of `maxThreads`.
 * @throws {LimitSetClosedError} if the set is closed.
 * @throws {InvalidRequestError} if `worker` has no method `postMessage`.
 * @example
 * const { handle } = shareLimits(limits);
 * // In each thread that gets the handle:
 * attachLimits(handle).tryAcquire({ tokens: 5 }).successful; // true
 */
export function shareLimits<M extends string, K extends string = M>(
  limits: LimitSet<M, K>,
  worker?: ThreadLike,
): SharedLimits<M, K>;
export function shareLimits<M extends string, K extends string = M>(
  limits: SpreadLimitSet<M, K>,
  worker?: ThreadLike,
): SharedLimits<M, K, SpreadLimitSetHandle<M, K>>;
export function shareLimits<M extends string, K extends string = M>(
  limits: LimitSet<M, K> | SpreadLimitSet<M, K>,
  worker?: ThreadLike,
): SharedLimits<M, K, AnyHandle<M, K>> {
  const parts = (limits as Partial<PartedSet<M, K>> | null | undefined)?.[PARTS];
  const sets = parts?.sets ?? [limits as LimitSet<M, K>];
  const lock = isThread(worker) && needsLock(worker) ? `limitset ${crypto.randomUUID()}` : undefined;
  const issued: Issued<M, K>[] = [];
  const reclaimAll = (reclaim: (each: Issued<M, K>) => void) => {
    for (const each of issued) {
      reclaim(each);
      each.serve();
    }
    // A thread may have ended while it redefined the set.
    parts?.mend();
  };
  const reclaim = (threadId?: number) =>
    reclaimAll(({ membership, number }) => {
      if (threadId === undefined) membership.reclaim(number);
      else membership.reclaimThread(threadId);
    });
  let handle: AnyHandle<M, K>;
  try {
    // One lock shows the end of the thread to all parts.
    for (const set of sets) issued.push(issue(set, worker, issued.length === 0 ? lock : undefined));
    const handles = issued.map((each) => each.handle);
    handle = parts ? spreadHandleOf(handles, parts.key) : handles[0]!;
    worker?.postMessage(handle);
  } catch (error) {
    reclaim();
    throw error;
  }
  if (worker) {
    const [{ membership, number }] = issued as [Issued<M, K>];
    whenEnded(worker, lock, membership.handles, number, (isSure) =>
      reclaimAll((each) => each.membership.reclaim(each.number, isSure)),
    );
  }
  return { handle, reclaim };
}

function isThread(worker: unknown): worker is ThreadLike {
  return typeof (worker as Partial<ThreadLike> | null | undefined)?.postMessage === "function";
}

/** A handle of one set, with its place in the set's region. */
interface Issued<M extends string, K extends string> {
  readonly handle: LimitSetHandle<M, K>;
  readonly number: number;
  readonly membership: Membership;
  readonly serve: () => void;
}

function issue<M extends string, K extends string>(
  limits: LimitSet<M, K>,
  worker: ThreadLike | undefined,
  lock: string | undefined,
): Issued<M, K> {
  const set = internalsOf(limits);
  if (worker !== undefined && !isThread(worker)) {
    throw new InvalidRequestError(`worker must have a method postMessage, got ${show(worker)}`);
  }
  const config = sendableConfig(limits.config);
  const membership = membershipOf(set);
  const number = membership.issue(worker && threadIdOf(worker));
  if (number === "reclaimed") throw new LimitSetClosedError("reclaimed");
  if (number === undefined) throw new TooManyThreadsError(membership.maxThreads, "handles");
  const handle = handleOf(set, limits, config, membership, number, lock);
  return { handle, number, membership, serve: set.serve };
}

function internalsOf<M extends string, K extends string = M>(limits: LimitSet<M, K>): Internals<M, K> {
  const open = (limits as Partial<LimitSet<M, K>> | null | undefined)?.[INTERNALS];
  if (open && viewedOf(limits)) {
    throw new CannotShareError(
      "a view cannot be shared: share its set, and name partitions by for() of the attached set",
    );
  }
  if (open) return open.call(limits);
  throw new CannotShareError(
    `only a LimitSet of this thread can be shared, got ${show(limits)}; limitset/port serves sets of every kind`,
  );
}

/** This thread's part in the set's region. The first share moves the set to a region with room for all threads. */
function membershipOf<M extends string, K extends string = M>({
  region,
  shared,
  limits,
  era,
  dimensions,
  maxThreads,
  serve,
}: Internals<M, K>): Membership {
  if (region.sharing) return region.sharing as Membership;
  if (!shared) {
    throw new CannotShareError(
      "it was made with shared: false; make it with true, or serve it by limitset/port",
    );
  }
  if (!region.isSharable) {
    throw new CannotShareError("there is no SharedArrayBuffer here; limitset/port serves a set without one");
  }
  const plan = {
    definitions: definitionsOf(limits),
    participants: maxThreads + 1,
    text: textOf(era),
    dimensions: dimensions.length,
  };
  const { definitions, participants } = plan;
  region.widen(
    plan,
    (arena, start, entrance) => Membership.found(arena, start, entrance, ownThreadId()),
    (arena, start, { states, logs }, before) =>
      layDesks(arena, start, { definitions, dimensions, participants, states, logs }, before),
  );
  // From now on the waiters sleep on the wake word.
  serve();
  return region.sharing as unknown as Membership;
}

function handleOf<M extends string, K extends string = M>(
  { region, limits, dimensions, clock, queueOptions: { maxWaiting, agingMs, fairAt } }: Internals<M, K>,
  { missingUpdate }: LimitSet<M, K>,
  config: Record<string, unknown>,
  { entrance }: Membership,
  number: number,
  lock: string | undefined,
): LimitSetHandle<M, K> {
  return {
    format: SHARED_FORMAT,
    memory: region.memory,
    start: region.home,
    entrance: entrance.at,
    serial: entrance.serial,
    number,
    limits: limits as readonly LimitLike<K, M>[],
    config,
    missingUpdate,
    clock: clock.isPlatform ? clock.read() : undefined,
    ...(maxWaiting !== undefined && { maxWaiting }),
    ...(agingMs !== undefined && { agingMs }),
    ...(dimensions.length > 0 && { partitions: optionsOf(dimensions) }),
    ...(fairAt !== undefined && fairAt >= 0 && { fairBy: limits[fairAt]!.per! }),
    ...(lock !== undefined && { lock }),
  };
}
