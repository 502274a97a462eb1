/**
 * The way into a shared region for a thread that knows only its address. Once no thread takes part in a region, another set
 * gets its memory, and a thread that attaches late must not write there. So each region has a word outside of itself, in
 * memory that is used again only for such words. The word has a number that was drawn for the region, and counts the threads
 * that are just entering.
 *
 * A thread enters only while the number is still that of the region. The region's memory is given back only when no thread is
 * entering, and the step that finds this out also shuts the entrance. A thread that dies while it enters keeps the memory for
 * ever, and does no other harm.
 */

// The lower half of the word is the count, the upper half the number.
const UPPER = 32n;
const ONE = 1n;

export class Entrance {
  /** The address of the word. */
  readonly at: number;
  /** The number drawn for the region, which tells it from regions before and after it at the same address. */
  readonly serial: number;
  private readonly words: BigInt64Array;

  constructor(buffer: ArrayBufferLike, at: number, serial: number) {
    this.words = new BigInt64Array(buffer);
    this.at = at;
    this.serial = serial;
  }

  /** The entrance of a new region. */
  static found(buffer: ArrayBufferLike, at: number): Entrance {
    // The number is drawn, not counted, since handles of earlier sets may still name earlier numbers.
    const serial = 1 + Math.floor(Math.random() * (2 ** 31 - 2));
    const entrance = new Entrance(buffer, at, serial);
    Atomics.store(entrance.words, at / 8, entrance.idle);
    return entrance;
  }

  /** Keeps the region's memory from being given back until `exit`. Returns false if that has happened already. */
  enter(): boolean {
    for (;;) {
      const now = Atomics.load(this.words, this.at / 8);
      if (now >> UPPER !== BigInt(this.serial)) return false;
      if (this.change(now, now + ONE)) return true;
    }
  }

  exit(): void {
    Atomics.sub(this.words, this.at / 8, ONE);
  }

  /** Lets no thread in any more. Returns false, and does nothing, if a thread is just entering. */
  shut(): boolean {
    return this.change(this.idle, 0n);
  }

  reopen(): void {
    Atomics.store(this.words, this.at / 8, this.idle);
  }

  private get idle(): bigint {
    return BigInt(this.serial) << UPPER;
  }

  private change(from: bigint, to: bigint): boolean {
    return Atomics.compareExchange(this.words, this.at / 8, from, to) === from;
  }
}
