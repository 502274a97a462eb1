/**
 * Waking threads that sleep until something comes back. Who goes to sleep reads WAKE, sets SLEEPERS, tries once more, and
 * then sleeps for as long as WAKE stays what it was: whatever is given back before the try is seen by it, whatever is
 * given back after it finds SLEEPERS set. All are woken together, so one flag does for any number of them, and one
 * left behind by a thread that died costs one needless call.
 */
import { SLEEPERS, WAKE } from "./layout";

/** Wakes those who sleep, if anybody does. */
export function wake(region: usize): void {
  if (atomic.load<i32>(region + SLEEPERS) === 0) return;
  if (atomic.xchg<i32>(region + SLEEPERS, 0) !== 0) ring(region);
}

/** Wakes those who sleep, also where a thread has died after it cleared the flag and before it woke anybody. */
export function ring(region: usize): void {
  atomic.add<i32>(region + WAKE, 1);
  atomic.notify(region + WAKE, -1);
}
