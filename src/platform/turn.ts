/** The next turn of the event loop. */
import { systemClock } from "./clock.ts";

/** Calls back after all input that has arrived by now has been read. */
export function afterInput(callback: () => void): void {
  const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown };
  if (setImmediate) setImmediate(callback);
  // Timers that are due together may fire before anything is read: one that is set by another is due later.
  else systemClock.setTimeout(() => systemClock.setTimeout(callback, 1), 1);
}
