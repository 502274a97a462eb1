/** The next region of a set that threads share, which is laid out while they go on in the present one. */
import { AHEAD, LIMITS, LINE, PARTICIPANTS, REPEATS, SEAT, SHIFT, UNITS } from "../../assembly/layout.ts";
import type { Heap } from "./arena.ts";
import type { Heir } from "./heir.ts";
import { layAt, shapeOf } from "./lay.ts";
import type { Room, Sharing } from "./sharing.ts";
import type { NextPlan } from "./succession.ts";
import { carryCounts } from "./totals.ts";

/** All that a set which threads share has from its redefinition on. */
export interface SharedPlan extends NextPlan {
  /** The text of the definitions. */
  readonly text: string;
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
  { followers, mode, heirs, ...plan }: SharedPlan,
): Room {
  const { core, memory } = heap;
  const { definitions, dimensions } = plan;
  const words = new Int32Array(memory.buffer, own.start);
  const seats = words[((core.scratchOf(own.start, 0) >>> 0) - own.start + SEAT) / 4]! >>> 0;
  const participants = words[PARTICIPANTS / 4]!;
  const shape = shapeOf(core, { ...plan, participants, dimensions: dimensions.length });
  const { states, logs } = shape;
  const per = sharing.desks.at(own.start)?.start;
  const before = per === undefined ? undefined : { region: own.start, per, followers, heirs, mode };
  const desks = sharing.desks.plan({ definitions, dimensions, participants, states, logs, before });
  const regionBytes = Math.ceil(shape.bytes / LINE) * LINE;
  const room = sharing.takeRoom(regionBytes + desks.bytes, regionBytes + desks.cleared);
  try {
    layAt(heap, room.start, shape, seats, sharing.home, own.number + 1);
    desks.write(room.start + regionBytes, room.start, per);
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
