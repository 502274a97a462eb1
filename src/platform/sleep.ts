/** Blocks this thread, where the platform lets it. */

import { canShare } from "../core/module.ts";
import { CannotBlockError } from "../errors.ts";

let cell: Int32Array | undefined;

/** Sleeps for `ms` milliseconds. */
export function sleep(ms: number): void {
  if (!canShare) throw new CannotBlockError();
  cell ??= new Int32Array(new SharedArrayBuffer(4));
  sleepOn(cell, 0, 0, ms);
}

/** Sleeps while a word of shared memory is `value`, until somebody notifies of it. False if that took longer than `ms`. */
export function sleepOn(words: Int32Array, at: number, value: number, ms: number): boolean {
  try {
    return Atomics.wait(words, at, value, ms) !== "timed-out";
  } catch {
    throw new CannotBlockError();
  }
}
