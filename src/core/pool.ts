/**
 * The pool of a memory that threads share: pages that threads have added to it for sets which are gone since. Only the thread that has
 * the arena can allocate there; the others take pages from the pool, and let the memory grow where that has none that fit. Each entry
 * is one word, which changes by compare-and-swap: the first page, and below it how many pages there are; 0 is no entry.
 */
import { LINE } from "../../assembly/layout.ts";

export const PAGE = 65_536;
const START = LINE;
const ENTRIES = 32;
/** The pool ends here, and the arena begins. */
export const POOL_END = START + 4 * ENTRIES;
const COUNT_BITS = 16;
const MOST_PAGES = 2 ** COUNT_BITS - 1;

export interface Pages {
  readonly start: number;
  readonly bytes: number;
}

/** Takes at least `bytes` bytes in pages of the caller's own. */
export function takePages(memory: WebAssembly.Memory, bytes: number): Pages {
  const words = new Int32Array(memory.buffer, START, ENTRIES);
  const needed = Math.ceil(bytes / PAGE);
  for (const at of words.keys()) {
    const entry = Atomics.load(words, at);
    if (pagesOf(entry) < needed || Atomics.compareExchange(words, at, entry, 0) !== entry) continue;
    return pagesIn(entry);
  }
  // A growth makes new pages, which are the caller's, whichever threads let the memory grow.
  return { start: memory.grow(needed) * PAGE, bytes: needed * PAGE };
}

/** Gives pages to the pool. Returns the memory for which it has no place: that of the smallest entry, where there is none left. */
export function givePages(memory: WebAssembly.Memory, pages: Pages): Pages | undefined {
  const count = pages.bytes / PAGE;
  if (pages.start % PAGE !== 0 || !Number.isInteger(count) || count > MOST_PAGES) return pages;
  const given = ((pages.start / PAGE) << COUNT_BITS) | count;
  const words = new Int32Array(memory.buffer, START, ENTRIES);
  for (;;) {
    const entries = Array.from(words.keys(), (at) => ({ at, entry: Atomics.load(words, at) }));
    const least = entries.reduce((one, other) => (pagesOf(other.entry) < pagesOf(one.entry) ? other : one));
    if (pagesOf(least.entry) >= count) return pages;
    if (Atomics.compareExchange(words, least.at, least.entry, given) !== least.entry) continue;
    return least.entry === 0 ? undefined : pagesIn(least.entry);
  }
}

function pagesIn(entry: number): Pages {
  return { start: (entry >>> COUNT_BITS) * PAGE, bytes: pagesOf(entry) * PAGE };
}

function pagesOf(entry: number): number {
  return entry & MOST_PAGES;
}
