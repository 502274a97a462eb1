/**
 * The whole core, for sets that threads share and for partitions as rows. A program has it only with the entries that need it: the core of
 * the arena is that for sets of one participant.
 */
import { type Heap, viewOf } from "./arena.ts";
import { moduleFor } from "./embedded-whole.ts";
import { type CoreExports, canShare, instantiate } from "./module.ts";

/** The exports of `assembly/index.ts`. */
export interface WholeCore extends CoreExports {
  leave(
    region: number,
    scratch: number,
    own: number,
    participant: number,
    life: number,
    since: number,
  ): number;
  passAmong(region: number, scratch: number, life: number, count: number): number;
  waitAmong(region: number, scratch: number, life: number, dimension: number, isWaitedFor: boolean): void;
  arriveAmong(region: number, scratch: number, life: number): void;
  ownIn(region: number, scratch: number, life: number, index: number): number;
  enter(seat: number, life: number): number;
  exit(seat: number): void;
  widenPer(old: number, from: number, scratch: number, per: number, to: number): void;
  wipeShared(per: number, region: number): void;
  rowAt(region: number, scratch: number): number;
  hasRow(per: number, index: number, row: number): number;
  writeRow(per: number, region: number, scratch: number, index: number, which: number, ms: number): number;
  readRow(
    per: number,
    region: number,
    scratch: number,
    index: number,
    isShared: boolean,
    bytes: number,
    ms: number,
  ): number;
}

/** A memory and an instance of the whole core on it. */
export interface WholeHeap extends Heap {
  readonly core: WholeCore;
}

const heaps = /* @__PURE__ */ new WeakMap<Heap, WholeHeap>();

/** The memory of an arena, with the whole core on it. */
export function wholeHeapOf(heap: Heap): WholeHeap {
  let whole = heaps.get(heap);
  if (!whole) {
    const { memory, shared } = heap;
    whole = {
      core: instantiate(memory, () => moduleFor(shared)),
      shared,
      memory,
      get f64() {
        return heap.f64;
      },
      refresh: () => heap.refresh(),
    };
    heaps.set(heap, whole);
  }
  return whole;
}

/** Another thread's memory with an instance of the core for this thread; undefined if it is no shared memory. */
export function openHeap(memory: unknown): WholeHeap | undefined {
  if (!(typeof WebAssembly !== "undefined" && memory instanceof WebAssembly.Memory && isShared(memory)))
    return undefined;
  const heap = {
    core: instantiate<WholeCore>(memory, () => moduleFor(true)),
    shared: true,
    memory,
    f64: new Float64Array<ArrayBufferLike>(memory.buffer),
    refresh: () => {
      heap.f64 = viewOf(memory);
    },
  };
  return heap;
}

function isShared({ buffer }: { buffer: ArrayBufferLike }): boolean {
  return canShare && buffer instanceof SharedArrayBuffer;
}
