/** The next region of a set that threads share, which is laid out while they go on in the present one. */
import { AHEAD, LIMITS, PARTICIPANTS, REPEATS, SEAT, SHIFT, UNITS } from "../../assembly/layout.ts";
import type { Heap } from "./arena.ts";
import { layAt, type Plan, shapeOf } from "./lay.ts";
import type { Room, Sharing } from "./sharing.ts";
import { carryCounts } from "./totals.ts";

/** Where the state of a new limit comes from. */
export interface Heir {
  /** The index of the old limit whose state it inherits; below 0 if there is none. */
  readonly from: number;
  /** How many of its units one of the old limit is. */
  readonly ratio: number;
  /** The units that are charged to it at once. Default: none. */
  readonly lost?: number;
}

/** The region in which this thread is. */
interface Own {
  readonly start: number;
  readonly number: number;
  /** The corrections of this thread's time there. */
  readonly shift: number;
  readonly ahead: number;
}

/** Lays out a region by `plan` in a room of its own, with the request for the core's `redefine`. This thread is inside. */
export function layNext(
  heap: Heap,
  sharing: Sharing,
  own: Own,
  plan: Omit<Plan, "participants">,
  heirs: readonly Heir[],
): Room {
  const { core, memory } = heap;
  const words = new Int32Array(memory.buffer, own.start);
  const seats = words[((core.scratchOf(own.start, 0) >>> 0) - own.start + SEAT) / 4]! >>> 0;
  const shape = shapeOf(core, { ...plan, participants: words[PARTICIPANTS / 4]! });
  const room = sharing.takeRoom(shape.bytes);
  try {
    layAt(heap, room.start, shape, seats, sharing.home, own.number + 1);
    carryAll(heap, own.start, room.start, shape.participants, heirs);
    const scratch = core.scratchOf(room.start, sharing.participant) >>> 0;
    writeTime(heap, scratch, own.shift, own.ahead);
    writeHeirs(heap, scratch, heirs);
  } catch (error) {
    room.done();
    throw error;
  }
  return room;
}

/** Writes the plan of a redefinition into a scratch area of the new region. */
function writeHeirs({ memory }: Heap, scratch: number, heirs: readonly Heir[]): void {
  const arrays = new Float64Array(memory.buffer, scratch + UNITS, 3 * heirs.length);
  heirs.forEach(({ from, ratio, lost = 0 }, i) => {
    arrays[i] = from;
    arrays[heirs.length + i] = ratio;
    arrays[2 * heirs.length + i] = lost;
  });
}

/** Carries over what is counted for each participant. What another thread counts from here on in the old region is lost. */
function carryAll(
  { core, memory, f64 }: Heap,
  from: number,
  to: number,
  participants: number,
  heirs: readonly Heir[],
): void {
  const limits = new Int32Array(memory.buffer, from)[LIMITS / 4]!;
  for (let participant = 0; participant < participants; participant++) {
    const [old, next] = [from, to].map((region) => core.scratchOf(region, participant) >>> 0);
    f64[(next! + REPEATS) / 8] = f64[(old! + REPEATS) / 8]!;
    carryCounts(memory.buffer, old!, limits, next!, heirs);
  }
}

/** Writes the corrections of this thread's time into its scratch area, in microseconds. */
export function writeTime({ memory }: Heap, scratch: number, shift: number, ahead: number): void {
  const view = new DataView(memory.buffer);
  view.setBigInt64(scratch + SHIFT, BigInt(shift), true);
  view.setBigInt64(scratch + AHEAD, BigInt(ahead), true);
}
