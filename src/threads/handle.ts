/** What one thread gives another to share a set: plain data, which structured cloning carries. */
import { FORMAT, LINE } from "../../assembly/layout.ts";
import { openHeap } from "../core/arena.ts";
import { canShare } from "../core/module.ts";
import { Region } from "../core/region.ts";
import { CannotShareError, InvalidHandleError, show } from "../errors.ts";
import type { LimitLike } from "../limits/limits.ts";
import type { Reading } from "../platform/clock.ts";
import { Participants, type Seat } from "./participants.ts";

/** For one thread, and for once: `LimitSet.attach(handle)` there. */
export interface LimitSetHandle<K extends string = string> {
  readonly format: number;
  /** A shared `WebAssembly.Memory`. */
  readonly memory: object;
  readonly start: number;
  readonly serial: number;
  readonly seat: Seat;
  readonly limits: readonly LimitLike<K>[];
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
  /** Missing where the set has a clock of its own. */
  readonly clock: Reading | undefined;
  /** The name of the lock that the thread is to hold until it ends, where that tells of its end. */
  readonly lock?: string;
}

/** What of a set a handle carries beside its place in memory. */
export type Terms<K extends string> = Pick<
  LimitSetHandle<K>,
  "limits" | "config" | "missingUpdate" | "clock"
>;

/** Makes the handle for `seat`. */
export function handleFor<K extends string>(region: Region, seat: Seat, terms: Terms<K>): LimitSetHandle<K> {
  const { memory, start } = region.address;
  return { format: FORMAT, memory, start, serial: region.membership!.participants.serial, seat, ...terms };
}

/** Takes the seat that a handle offers. */
export function enter(handle: LimitSetHandle): Region {
  check(handle);
  if (!canShare) throw new CannotShareError("this thread has no SharedArrayBuffer; see limitset/port");
  const { memory, start, serial } = handle;
  const heap = openHeap(memory);
  const isPlace = heap && start % LINE === 0 && start > 0 && start < heap.f64.byteLength;
  const participants = isPlace ? new Participants(heap.memory, start) : undefined;
  if (!heap || participants?.serial !== serial || handle.seat.participant >= participants.count) {
    throw new InvalidHandleError("the set of the handle is gone: all threads have closed it");
  }
  const seat = participants.take(handle.seat);
  if (!seat) throw new InvalidHandleError("the handle has been used or reclaimed: share() makes a new one");
  return Region.attach(heap, start, participants, seat);
}

/** The seat that a handle of this very region gave. */
export function seatOf(handle: LimitSetHandle, region: Region): Seat {
  const { participants } = region.membership ?? {};
  check(handle);
  if (participants?.serial !== handle.serial)
    throw new InvalidHandleError("the handle is that of another set");
  return handle.seat;
}

function check(handle: LimitSetHandle): void {
  const seat: Partial<Seat> | null | undefined = (handle as Partial<LimitSetHandle> | null | undefined)?.seat;
  if (!(Number.isInteger(seat?.participant) && Number.isInteger(seat?.life))) {
    throw new InvalidHandleError(`a handle, as share() makes them, was wanted, got ${show(handle)}`);
  }
  if (handle.format !== FORMAT) {
    throw new InvalidHandleError(
      "the handle was made by another version of limitset: use one in all threads",
    );
  }
}
