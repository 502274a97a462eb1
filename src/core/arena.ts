/**
 * One memory for all sets of an isolate, and one instance of the core on it: engines reserve gigabytes of address
 * space for each memory, and programs make thousands of sets. Only where these reserve so much for partitions that the addresses of a
 * memory end, there is another one. The arena allocates a region for each set that is made,
 * and gets it back when the set is closed.
 */
import { LINE } from "../../assembly/layout.ts";
import { moduleFor } from "./embedded.ts";
import { type CoreExports, createMemory, instantiate } from "./module.ts";
import { givePages, PAGE, type Pages, POOL_END } from "./pool.ts";

const MOST_PAGES = 65_536;
// An empty arena of more pages than this is dropped, so that the memory of a peak of many sets is not kept for ever.
const KEPT_PAGES = 16;
// How many retired regions are looked at each time: few, so that a set costs the same however many there are.
const FEW = 2;

interface Span {
  start: number;
  end: number;
}

/** A memory and an instance of the core on it. */
export interface Heap {
  readonly core: CoreExports;
  readonly shared: boolean;
  readonly memory: WebAssembly.Memory;
  /** A view of the whole memory. Growth replaces it, so that no caller may keep it across calls. */
  readonly f64: Float64Array;
  /** Renews the view, since another thread may have made the memory grow. */
  refresh(): void;
}

/** A region that its set has left, though other threads may still use it. */
interface Retired {
  readonly start: number;
  readonly bytes: number;
  /** Whether no thread uses it any more. The arena calls it until it returns true, and then never again. */
  isFree(): boolean;
}

export class Arena implements Heap {
  readonly core: CoreExports;
  readonly shared: boolean;
  readonly memory: WebAssembly.Memory;
  f64: Float64Array;
  #free: Span[] = []; // In order of address; no two of them touch.
  #regions = 0;
  /** By address, in the order in which they are looked at. */
  #retired = new Map<number, Retired>();
  /** The spare memory of `takeLasting`, by its size. */
  #lasting = new Map<number, number[]>();

  constructor(shared: boolean) {
    this.shared = shared;
    this.memory = createMemory(1, MOST_PAGES, shared);
    this.core = instantiate(this.memory, () => moduleFor(shared));
    this.f64 = new Float64Array(this.memory.buffer);
    // Nothing lies at address zero.
    this.#free.push({ start: shared ? POOL_END : LINE, end: this.memory.buffer.byteLength });
  }

  get byteLength(): number {
    return this.f64.byteLength;
  }

  /** Whether the arena is to be dropped, rather than kept for the next set. */
  get spent(): boolean {
    return this.#regions === 0 && this.byteLength > KEPT_PAGES * PAGE;
  }

  /** Whether less than a quarter of its addresses are left. */
  get isCrowded(): boolean {
    let left = MOST_PAGES * PAGE - this.byteLength;
    for (const { start, end } of this.#free) left += end - start;
    return left < (MOST_PAGES * PAGE) / 4;
  }

  /** Returns the address of a new region of `bytes` bytes, all of them 0. */
  allocate(bytes: number): number {
    const size = Math.ceil(bytes / LINE) * LINE;
    this.#sweep(FEW);
    let span = this.#find(size);
    if (!span && this.#retired.size > 0) {
      this.#sweep(this.#retired.size);
      span = this.#find(size);
    }
    if (!span) {
      this.#grow(size);
      span = this.#free.at(-1)!;
    }
    const start = span.start;
    span.start += size;
    if (span.start === span.end) this.#free.splice(this.#free.indexOf(span), 1);
    this.#regions++;
    return start;
  }

  #find(size: number): Span | undefined {
    return this.#free.find((each) => each.end - each.start >= size);
  }

  /** Gives back a region. With `isClean` all of it is 0 already, and is not touched. */
  free(start: number, bytes: number, isClean = false): void {
    const end = start + Math.ceil(bytes / LINE) * LINE;
    if (!isClean) this.f64.fill(0, start / 8, end / 8);
    const next = this.#firstAfter(start);
    const before = this.#free[next - 1];
    const after = this.#free[next];
    const span: Span = { start, end };
    let from = next;
    let replaced = 0;
    if (before && before.end === start) {
      span.start = before.start;
      from--;
      replaced++;
    }
    if (after && after.start === end) {
      span.end = after.end;
      replaced++;
    }
    this.#free.splice(from, replaced, span);
    this.#regions--;
  }

  /**
   * Returns the address of `bytes` bytes that no region ever lies over, since a thread that comes too late may still write to
   * them. They are 0, or as the last use of them has left them.
   */
  takeLasting(bytes: number): number {
    const spare = this.#lasting.get(bytes)?.pop();
    if (spare !== undefined) return spare;
    const start = this.allocate(bytes);
    this.#regions--;
    return start;
  }

  giveLasting(start: number, bytes: number): void {
    const spare = this.#lasting.get(bytes);
    if (spare) spare.push(start);
    else this.#lasting.set(bytes, [start]);
  }

  /** Makes a room for threads that share a region: memory that is given back by `giveRoom`, by any arena or none. */
  takeRoom(bytes: number): Pages {
    const start = this.allocate(bytes);
    this.#regions--;
    return { start, bytes };
  }

  giveRoom(start: number, bytes: number): void {
    // Another thread may have added it to the memory.
    const rest = givePages(this.memory, { start, bytes });
    if (!rest) return;
    this.refresh();
    this.#regions++;
    this.free(rest.start, rest.bytes);
  }

  refresh(): void {
    this.f64 = viewOf(this.memory);
  }

  /** Frees a region once no thread uses it: now, or when more memory is needed. */
  retire(region: Retired): void {
    this.#look(region);
    this.#sweep(FEW);
    dropIfSpent(this);
  }

  /** Frees the retired region at `start`, if no thread uses it any more. */
  review(start: number): void {
    const region = this.#retired.get(start);
    if (!region) return;
    this.#look(region);
    dropIfSpent(this);
  }

  /** Looks at the next `count` retired regions in turn, and frees those that no thread uses any more. */
  #sweep(count: number): void {
    let looks = Math.min(count, this.#retired.size);
    for (const region of this.#retired.values()) {
      if (looks-- === 0) return;
      this.#look(region);
    }
  }

  #look(region: Retired): void {
    // Those that are not free yet go to the end.
    this.#retired.delete(region.start);
    if (region.isFree()) this.free(region.start, region.bytes);
    else this.#retired.set(region.start, region);
  }

  /** Makes the last free span at least `size` bytes long. */
  #grow(size: number): void {
    for (let room = 0; room < size; ) {
      const end = this.byteLength;
      const last = this.#free.at(-1);
      room = last && last.end === end ? end - last.start : 0;
      const needed = Math.ceil((size - room) / PAGE);
      // Doubling keeps the cost of growing in proportion to the memory in use.
      const grown = this.#growBy(Math.max(needed, Math.min(end / PAGE, MOST_PAGES - end / PAGE)), needed);
      // Another thread may have made the memory grow in between: those pages are its own.
      if (last?.end === grown.start) last.end = grown.end;
      else this.#free.push(grown);
      this.f64 = new Float64Array(this.memory.buffer);
      room = grown.end - this.#free.at(-1)!.start;
    }
  }

  /** Grows by `pages`, or by `least` where the memory has no room for so many. */
  #growBy(pages: number, least: number): Span {
    const grow = (count: number) => {
      const start = this.memory.grow(count) * PAGE;
      return { start, end: start + count * PAGE };
    };
    try {
      return grow(pages);
    } catch {
      return grow(least);
    }
  }

  #firstAfter(start: number): number {
    let low = 0;
    let high = this.#free.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#free[middle]!.start < start) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const arenas: { readonly private: Arena[]; readonly shared: Arena[] } = { private: [], shared: [] };

/** The arena of this isolate for a new set, made when first needed. */
export function arenaFor(shared: boolean): Arena {
  const all = arenas[shared ? "shared" : "private"];
  if (!all[0]) all.push(new Arena(shared));
  return all[0]!;
}

/**
 * Makes a set in an arena that has room for it: in another one, if so many sets reserve memory for partitions that an arena has no addresses left.
 * `make` throws an error with a cause where there is no room.
 */
export function inArena<T>(shared: boolean, make: (arena: Arena) => T): T {
  const first = arenaFor(shared);
  const all = arenas[shared ? "shared" : "private"];
  for (const arena of [...all]) {
    // What is left is for sets that are redefined, or shared with threads: these stay in their arena.
    if (arena.isCrowded) continue;
    const made = tryIn(arena, make);
    if (!made) continue;
    // The next set is tried there first.
    if (arena !== all[0]) all.unshift(...all.splice(all.indexOf(arena), 1));
    return made.value;
  }
  const another = newArena(shared);
  const made = another && tryIn(another, make);
  if (!made) return make(first);
  all.unshift(another!);
  return made.value;
}

function tryIn<T>(arena: Arena, make: (arena: Arena) => T): { readonly value: T } | undefined {
  try {
    return { value: make(arena) };
  } catch (error) {
    if ((error as Error).cause === undefined) throw error;
    return undefined;
  }
}

/** Undefined if the platform has no addresses for another one. */
function newArena(shared: boolean): Arena | undefined {
  try {
    return new Arena(shared);
  } catch {
    return undefined;
  }
}

/** A view of all of a memory. What another thread has added to it shows only after a growth, if only by nothing. */
export function viewOf(memory: WebAssembly.Memory): Float64Array {
  memory.grow(0);
  return new Float64Array(memory.buffer);
}

/** Lets the engine collect the memory of an arena that is empty and large. */
function dropIfSpent(arena: Arena): void {
  if (!arena.spent) return;
  const all = arenas[arena.shared ? "shared" : "private"];
  const index = all.indexOf(arena);
  if (index >= 0) all.splice(index, 1);
}
