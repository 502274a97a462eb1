/** Blocks this thread, where the platform allows that. */
import { CannotBlockError } from "../errors.ts";

let cell: Int32Array | undefined;

/**
 * Sleeps for `ms` milliseconds.
 *
 * @throws {CannotBlockError} if this thread must not block.
 */
export function sleep(ms: number): void {
  if (typeof SharedArrayBuffer !== "function") throw new CannotBlockError();
  cell ??= new Int32Array(new SharedArrayBuffer(4));
  sleepOn(cell, 0, 0, ms);
}

/**
 * Sleeps while a word of shared memory is `value`, until another thread wakes this one. Returns false after `ms` milliseconds.
 *
 * @throws {CannotBlockError} if this thread must not block.
 */
export function sleepOn(words: Int32Array, at: number, value: number, ms: number): boolean {
  try {
    return Atomics.wait(words, at, value, ms) !== "timed-out";
  } catch {
    throw new CannotBlockError();
  }
}
