/** A shared region as threads see it: its seats, its handles, and the entrance. */
import { PARTICIPANTS, SCRATCHES, SEAT, SERIAL } from "../../assembly/layout.ts";
import type { Arena } from "../core/arena.ts";
import { type WholeHeap, wholeHeapOf } from "../core/whole.ts";
import { Entrance } from "./entrance.ts";
import { Generations } from "./generations.ts";
import { Handles } from "./handles.ts";
import { Seats } from "./seats.ts";

export interface Place {
  readonly heap: WholeHeap;
  readonly start: number;
  readonly entrance: Entrance;
  readonly seats: Seats;
  readonly handles: Handles;
  readonly generations: Generations;
}

/** The place of a new region, whose entrance is at `at`. */
export function foundPlace(arena: Arena, start: number, at: number): Place {
  const { buffer } = arena.memory;
  const entrance = Entrance.found(buffer, at);
  new Int32Array(buffer, start)[SERIAL / 4] = entrance.serial;
  return placeAt(wholeHeapOf(arena), start, entrance);
}

/** The place of a region that another thread has made. The caller has to be in its entrance, or the region could be gone. */
export function placeAt(heap: WholeHeap, start: number, entrance: Entrance): Place {
  const { buffer } = heap.memory;
  const words = new Int32Array(buffer, start);
  const scratch = words[SCRATCHES / 4]!;
  const seats = new Seats(buffer, words[(scratch + SEAT) / 4]! >>> 0, words[PARTICIPANTS / 4]!);
  return {
    heap,
    start,
    entrance,
    seats,
    handles: new Handles(buffer, start),
    generations: new Generations(heap, start, seats),
  };
}
