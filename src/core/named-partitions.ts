/** The names by which a request means partitions, as a participant lays them down for the core. */
import {
  ASKED_BYTES,
  ASKED_HASH,
  BEGINS,
  ENDS,
  FLOATED,
  MET_FULL,
  NAME,
  NAME_UNITS,
  REQUEST,
  SHARED_TAKEN,
  TAKEN_NODE,
} from "../../assembly/partitions/layout.ts";
import type { Heap } from "./arena.ts";

/** The hash of a name, as the core takes it. */
export type NameHash = readonly [number, number, number, number];

export abstract class NamedPartitions {
  /** The address of the partitions, for the core. */
  readonly start: number;
  /** How many dimensions there are. */
  readonly dimensions: number;
  private readonly heap: Heap;
  private units = new Uint16Array(0);

  constructor(heap: Heap, start: number, dimensions: number) {
    this.heap = heap;
    this.start = start;
    this.dimensions = dimensions;
  }

  /** How many names of a dimension have a state of their own. */
  abstract count(dimension: number): number;

  /** Whether names of a dimension share a state, as far as that has been looked at. */
  abstract isShared(dimension: number): boolean;

  /** The hash of a name under the key of the set: the name counts as its UTF-16 units. */
  hash(name: string): NameHash {
    const { core } = this.heap;
    const units = this.room();
    let at = 0;
    let flags = BEGINS;
    do {
      const end = Math.min(at + NAME_UNITS, name.length);
      for (let i = at; i < end; i++) units[i - at] = name.charCodeAt(i);
      core.hashName(this.start, end - at, end === name.length ? flags | ENDS : flags);
      at = end;
      flags = 0;
    } while (at < name.length);
    const { f64 } = this.heap;
    const first = (this.start + NAME) / 8;
    return [f64[first]!, f64[first + 1]!, f64[first + 2]!, f64[first + 3]!];
  }

  /** Where a name is laid down. */
  private room(): Uint16Array {
    // Memory that has grown has another buffer, and the one before is empty then, unless threads can share it.
    if (this.units.length === 0)
      this.units = new Uint16Array(this.heap.memory.buffer, this.start + NAME, NAME_UNITS);
    return this.units;
  }

  /** Names the partition of a dimension that the next calls mean: none, without a hash. */
  name(dimension: number, hash: NameHash | undefined, tier = 0): void {
    const { f64 } = this.heap;
    const asked = (this.start + REQUEST + dimension * ASKED_BYTES) / 8;
    if (hash === undefined) {
      f64[asked] = 0;
      return;
    }
    f64[asked] = FLOATED + tier + 1;
    f64[asked + ASKED_HASH / 8] = hash[0];
    f64[asked + ASKED_HASH / 8 + 1] = hash[1];
    f64[asked + ASKED_HASH / 8 + 2] = hash[2];
    f64[asked + ASKED_HASH / 8 + 3] = hash[3];
  }

  /** Of which dimensions the last request has met the shared state, one bit each. To be set again before the grant is settled. */
  get sharedTaken(): number {
    return this.heap.f64[(this.start + SHARED_TAKEN) / 8]!;
  }

  set sharedTaken(dimensions: number) {
    this.heap.f64[(this.start + SHARED_TAKEN) / 8] = dimensions;
  }

  /** The number of the node from which the last take has taken; 0 if the name has none of its own. */
  get takenNode(): number {
    return this.heap.f64[(this.start + TAKEN_NODE) / 8]!;
  }

  /** Of which dimensions a name of the last request found no room, one bit each. */
  get metFull(): number {
    return this.heap.f64[(this.start + MET_FULL) / 8]!;
  }
}
