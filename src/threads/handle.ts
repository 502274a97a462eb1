/** Handles: plain data, which structured cloning carries, by which threads attach to a set. */
import { LINE, SERIAL, SHARED_FORMAT } from "../../assembly/layout.ts";
import type { Heap } from "../core/arena.ts";
import { canShare } from "../core/module.ts";
import { openHeap, type WholeHeap } from "../core/whole.ts";
import { CannotShareError, InvalidHandleError, show } from "../errors.ts";
import type { LimitLike } from "../limits/limits.ts";
import type { PartitionOptions } from "../limits/partition-options.ts";
import type { Reading } from "../platform/set-clock.ts";
import type { ChoiceKey } from "../spread/choice.ts";
import { Entrance } from "./entrance.ts";

/**
 * Plain data by which threads attach to a set. `shareLimits` makes it, a message or `workerData` carries it, `attachLimits` takes
 * it. One handle serves as many threads as there are free seats.
 */
export interface LimitSetHandle<M extends string = string, K extends string = M> {
  /** @internal */
  readonly format: number;
  /** @internal A shared `WebAssembly.Memory`. */
  readonly memory: object;
  /** @internal The address of the region in the memory. */
  readonly start: number;
  /** @internal The address of the word by which threads enter the region. */
  readonly entrance: number;
  /** @internal The number that tells the region from others at the same address. */
  readonly serial: number;
  /** @internal The number that tells the handle from others of the region. */
  readonly number: number;
  /** The limits of the set. */
  readonly limits: readonly LimitLike<K, M>[];
  /** The option `config` of the set. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The option `missingUpdate` of the set. */
  readonly missingUpdate: "throw" | "charge";
  /** The option `maxWaiting` of the set: each thread has a queue of its own. */
  readonly maxWaiting?: number;
  /** The option `agingMs` of the set. */
  readonly agingMs?: number;
  /** The option `partitions` of the set. */
  readonly partitions?: Readonly<Record<string, PartitionOptions>>;
  /** The option `fairBy` of the set. */
  readonly fairBy?: string;
  /** @internal A reading of the clocks of the thread that made the handle; undefined where the set has a clock of its own. */
  readonly clock: Reading | undefined;
  /** @internal The name of the lock that the attached thread holds until it ends, where only a lock shows its end. */
  readonly lock?: string;
  /** Only the handle of a `SpreadLimitSet` has parts. */
  readonly parts?: undefined;
}

/** Plain data by which threads attach to a `SpreadLimitSet`. To an earlier version of the library it is a handle of another version. */
export interface SpreadLimitSetHandle<M extends string = string, K extends string = M>
  extends Omit<LimitSetHandle<M, K>, "parts"> {
  /** The handles of its parts. */
  readonly parts: readonly LimitSetHandle<M, K>[];
  /** @internal By which names choose their part. */
  readonly key: ChoiceKey;
}

/** A handle of either kind. */
export type AnyHandle<M extends string, K extends string> = LimitSetHandle<M, K> | SpreadLimitSetHandle<M, K>;

/** Raised when handles of spread sets change in another way than those of their parts. */
const SPREAD = 1;
/** Below 0, as no format of a set by itself. */
const SPREAD_FORMAT = -(SHARED_FORMAT * 100 + SPREAD);

/** The handle of a spread set whose parts have these. Its other fields are those of the first part. */
export function spreadHandleOf<M extends string, K extends string>(
  parts: readonly LimitSetHandle<M, K>[],
  key: ChoiceKey,
): SpreadLimitSetHandle<M, K> {
  return { ...parts[0]!, format: SPREAD_FORMAT, parts, key };
}

/**
 * Whether a handle is that of a spread set.
 *
 * @throws {InvalidHandleError} if it is one of another version.
 */
export function isOfSpread<M extends string, K extends string>(
  handle: AnyHandle<M, K>,
): handle is SpreadLimitSetHandle<M, K> {
  const { parts, key, format } = (handle ?? {}) as Partial<SpreadLimitSetHandle<M, K>>;
  if (parts === undefined) return false;
  if (format !== SPREAD_FORMAT) throw otherVersion();
  if (!Array.isArray(parts) || parts.length === 0 || !Array.isArray(key) || key.length !== 2)
    throw noHandle(handle);
  return true;
}

/** The region of a handle. */
export interface Destination {
  readonly heap: WholeHeap;
  readonly start: number;
  readonly entrance: Entrance;
}

/**
 * Finds the region of a handle in this thread.
 *
 * @throws {InvalidHandleError} if the value is no handle, or its region is gone.
 * @throws {CannotShareError} if this thread has no shared memory.
 */
export function destinationOf(handle: LimitSetHandle): Destination {
  check(handle);
  if (!canShare)
    throw new CannotShareError(
      "this thread has no SharedArrayBuffer; limitset/port serves a set without one",
    );
  const { memory, start, entrance, serial } = handle;
  const heap = openHeap(memory);
  if (!heap || !isPlace(heap, start, LINE) || !isPlace(heap, entrance, 8)) throw gone();
  // Another set may have the memory by now: the word that is read here is only compared.
  if (new Int32Array(heap.memory.buffer, start)[SERIAL / 4] !== serial) throw gone();
  return { heap, start, entrance: new Entrance(heap.memory.buffer, entrance, serial) };
}

export function gone(): InvalidHandleError {
  return new InvalidHandleError("the set of the handle is gone: every thread has closed it");
}

function isPlace(heap: Heap, at: number, size: number): boolean {
  return at > 0 && at % size === 0 && at < heap.memory.buffer.byteLength;
}

function check(handle: Partial<LimitSetHandle> | null | undefined): void {
  const { format, start, entrance, serial, number } = handle ?? {};
  const words = [format, start, entrance, serial, number];
  if (!words.every(Number.isSafeInteger) || !Array.isArray(handle?.limits)) {
    throw noHandle(handle);
  }
  if (format !== SHARED_FORMAT) throw otherVersion();
}

function noHandle(value: unknown): InvalidHandleError {
  return new InvalidHandleError(`expected the \`handle\` that shareLimits() returns, got ${show(value)}`);
}

function otherVersion(): InvalidHandleError {
  return new InvalidHandleError(
    "the handle was made by another version of limitset: use one version in all threads",
  );
}
