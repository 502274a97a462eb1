/**
 * The way into a shared region for threads that hold no more than its address. The region's memory is given to another set
 * once no thread takes part, and a thread that attaches late must not write there. So each region has a word outside of
 * itself, in memory that is never used for anything else: a number drawn for the region, and a count of the threads that
 * are just entering.
 *
 * A thread enters only while the number is still the region's. The region is given back only when no thread is entering,
 * and is shut by that very step.
 */

// The lower half of the word is the count, the upper half the number.
const UPPER = 32n;
const ONE = 1n;

export class Entrance {
  /** Where the word is. */
  readonly at: number;
  /** Tells the region from others before and after it. */
  readonly serial: number;
  private readonly words: BigInt64Array;

  constructor(buffer: ArrayBufferLike, at: number, serial: number) {
    this.words = new BigInt64Array(buffer);
    this.at = at;
    this.serial = serial;
  }

  /** The entrance of a new region. */
  static found(buffer: ArrayBufferLike, at: number): Entrance {
    // Drawn and not counted: the words of threads and sets that have gone may still name earlier numbers.
    const serial = 1 + Math.floor(Math.random() * (2 ** 31 - 2));
    const entrance = new Entrance(buffer, at, serial);
    Atomics.store(entrance.words, at / 8, entrance.idle);
    return entrance;
  }

  /** Keeps the region from being given back until `exit`. False if it has been. */
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

  /** Lets no thread in any more; false if one is just entering. */
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
