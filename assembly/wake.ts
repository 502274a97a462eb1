/**
 * Wakes the threads that sleep until something comes back. A thread that goes to sleep reads WAKE, sets SLEEPERS, tries
 * once more, and then sleeps for as long as WAKE stays the same. So the try sees everything that came back before it, and
 * everything that comes back after it finds SLEEPERS set. All sleepers are woken together: one flag is enough for any
 * number of them, and a flag that a dead thread left behind costs one needless call.
 */
import { homeOf } from "./home";
import { SLEEPERS, WAKE } from "./layout";

/** Wakes the sleepers, if there are any. */
export function wake(region: usize): void {
  if (IS_ALONE) return;
  const home = homeOf(region);
  if (atomic.load<i32>(home + SLEEPERS) === 0) return;
  if (atomic.xchg<i32>(home + SLEEPERS, 0) !== 0) ring(region);
}

/** Wakes the sleepers, whatever the flag says: a thread may have died after it cleared the flag and before it woke them. */
export function ring(region: usize): void {
  if (IS_ALONE) return;
  const home = homeOf(region);
  atomic.add<i32>(home + WAKE, 1);
  atomic.notify(home + WAKE, -1);
}
