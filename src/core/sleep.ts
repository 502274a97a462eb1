/** Blocks this thread, where the platform lets it. */
import { CannotBlockError } from "../errors.ts";
import { canShare } from "./arena.ts";

let cell: Int32Array | undefined;

/** Sleeps for `ms` milliseconds. */
export function sleep(ms: number): void {
  if (!canShare) throw new CannotBlockError();
  cell ??= new Int32Array(new SharedArrayBuffer(4));
  try {
    Atomics.wait(cell, 0, 0, ms);
  } catch {
    throw new CannotBlockError();
  }
}
