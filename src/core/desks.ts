/** The partitions of a set that threads share, as one participant has them at its desk. */
import { COMMONS, DESK_BYTES, DESKS, NUMBER, PER, REGION } from "../../assembly/layout.ts";
import { COMMON_TABLE_BYTES, COMMON_TABLES, DIMENSIONS } from "../../assembly/partitions/layout.ts";
import type { Arena, Heap } from "./arena.ts";
import { blockOf, headOf } from "./block.ts";
import { type DesksInit, DesksPlan, keyOf } from "./desks-plan.ts";
import { NamedPartitions, type NameHash } from "./named-partitions.ts";
import { allocate } from "./partitions.ts";
import { type WholeHeap, wholeHeapOf } from "./whole.ts";

/** A name in a thread that was reclaimed, or is to follow the set: nothing is done for it. */
const NO_HASH: NameHash = [0, 0, 0, 0];

/** The thread that has a desk: see `Sharing`. */
interface Owner {
  readonly participant: number;
  readonly home: number;
  enter(): boolean;
  exit(): void;
  isPresent(number: number): boolean;
}

/** The desks of a set, as a thread uses them. */
export interface SharedDesks {
  /** This thread's desk in a region; undefined if its limits have no partitions. */
  at(region: number): Desk | undefined;
  /** Lets so many partitions go over to a region from the one before. This thread has entered. */
  pass(region: number, scratch: number, life: number, count: number): void;
  /**
   * Notes whether requests of this thread wait for the partition of a dimension which its desk has been told: it keeps its place then. This
   * thread has entered.
   */
  wait(region: number, scratch: number, life: number, dimension: number, isWaitedFor: boolean): void;
  /** This thread has followed to a region, and waits for no others than it has said since. It has entered. */
  arrive(region: number, scratch: number, life: number): void;
  /** The units of a resource that this thread holds in the partition which its last request has named. This thread has entered. */
  held(region: number, scratch: number, life: number, index: number): number;
  /** Plans the desks of a region that is to be laid out. */
  plan(init: DesksInit): PlannedDesks;
}

/** The desks of a region that is to be laid out: none, where its limits have no partitions. */
export interface PlannedDesks {
  /** Their size; and how much of it has to be 0. */
  readonly bytes: number;
  readonly cleared: number;
  /** Writes them to `at`, for the region at `region`. `per` is where the partitions are whose names have gone by their key until now. */
  write(at: number, region: number, per: number | undefined): void;
}

/** The partitions as the participant of this thread sees them. */
export class Desk extends NamedPartitions {
  /** The address of the desk: in place of that of the region, for the core. */
  readonly region: number;
  readonly #heap: Heap;
  readonly #sharing: Owner;
  /** The address of the region. */
  readonly #of: number;
  readonly #number: number;
  #taken = 0;
  #full = 0;

  /** That of the thread which has this part in the set, in the region at `start`. */
  constructor(heap: Heap, sharing: Owner, start: number) {
    const words = new Int32Array(heap.memory.buffer);
    const desk = (words[(start + DESKS) / 4]! >>> 0) + sharing.participant * words[(start + DESK_BYTES) / 4]!;
    const per = words[(desk + PER) / 4]! >>> 0;
    super(heap, per, words[(per + DIMENSIONS) / 4]!);
    this.region = desk;
    this.#heap = heap;
    this.#sharing = sharing;
    this.#of = start;
    this.#number = words[(start + NUMBER) / 4]!;
  }

  /** Whether a region has partitions that threads share. */
  static isIn(heap: Heap, start: number): boolean {
    return new Int32Array(heap.memory.buffer)[(start + COMMONS) / 4] !== 0;
  }

  override hash(name: string): NameHash {
    const sharing = this.#sharing;
    if (!sharing.enter()) return NO_HASH;
    try {
      // Once the set has been redefined, the memory may be another region's.
      return sharing.isPresent(this.#number) ? super.hash(name) : NO_HASH;
    } finally {
      sharing.exit();
    }
  }

  /** That of the last request, since the desk may be another thread's by now. */
  override get sharedTaken(): number {
    return this.#taken;
  }

  override set sharedTaken(dimensions: number) {
    super.sharedTaken = dimensions;
  }

  override get metFull(): number {
    return this.#full;
  }

  /** Keeps what a request has just been answered. This thread has entered. */
  keep(): void {
    this.#taken = super.sharedTaken;
    this.#full = super.metFull;
  }

  count(dimension: number): number {
    // Those that have not come from the table before count too.
    return this.#common(dimension, 4) + this.#common(dimension, 12);
  }

  isShared(dimension: number): boolean {
    return this.#common(dimension, 8) !== 0;
  }

  /** A word of what the present block says of a table. 0 if the set has been redefined meanwhile. */
  #common(dimension: number, word: number): number {
    const { buffer } = this.#heap.memory;
    const sharing = this.#sharing;
    const address = { buffer, start: sharing.home };
    const words = new Int32Array(buffer);
    if (!sharing.enter()) return 0;
    try {
      for (;;) {
        const head = headOf(address);
        const block = blockOf(head);
        const isHere = words[(block + REGION) / 4]! >>> 0 === this.#of;
        const commons = block + words[(this.#of + COMMONS) / 4]!;
        const common = words[(commons + COMMON_TABLES + dimension * COMMON_TABLE_BYTES + word) / 4]!;
        if (headOf(address) === head) return isHere ? common : 0;
      }
    } finally {
      sharing.exit();
    }
  }
}

/** The memory of all desks of a region that is its own home. */
export interface Desks {
  /** Gives the memory back, once no thread uses the set any more. */
  free(): void;
}

/** The parts of a set whose partitions go over to desks. */
export interface Before {
  readonly partitions: NamedPartitions;
  readonly start: number;
}

/**
 * Makes the desks of a region at `start`, of which no other thread knows yet, and passes on to it what the partitions of a set have that one
 * thread had to itself.
 */
export function layDesks(arena: Arena, start: number, init: DesksInit, before: Before): Desks {
  const { core } = wholeHeapOf(arena);
  const plan = new DesksPlan(arena, init);
  const { bytes, own } = plan;
  const at = allocate(arena, bytes, plan.tables);
  plan.write(arena, at, start, keyOf(arena, before.partitions.start));
  const per = plan.perOf(at);
  core.widenPer(before.partitions.start, before.start, core.scratchOf(before.start, 0), per, start);
  return {
    free: () => {
      core.wipeShared(per, start);
      arena.refresh();
      arena.f64.fill(0, at / 8, (at + own) / 8);
      arena.free(at, bytes, true);
    },
  };
}

const NONE: PlannedDesks = { bytes: 0, cleared: 0, write() {} };

/** The desks of a set for one of its threads. */
export function desksFor(heap: WholeHeap, sharing: Owner): SharedDesks {
  return {
    pass: (region, scratch, life, count) => void heap.core.passAmong(region, scratch, life, count),
    wait: (region, scratch, life, dimension, isWaitedFor) =>
      heap.core.waitAmong(region, scratch, life, dimension, isWaitedFor),
    arrive: (region, scratch, life) => heap.core.arriveAmong(region, scratch, life),
    held: (region, scratch, life, index) => heap.core.ownIn(region, scratch, life, index),
    at: (region) => (Desk.isIn(heap, region) ? new Desk(heap, sharing, region) : undefined),
    plan(init) {
      if (init.dimensions.length === 0) return NONE;
      const plan = new DesksPlan(heap, init);
      const { bytes, cleared } = plan;
      return { bytes, cleared, write: (at, region, per) => plan.write(heap, at, region, keyOf(heap, per)) };
    },
  };
}
