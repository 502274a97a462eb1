/** Waiting that blocks the thread. */

import { type Region, TAKE } from "../core/region.ts";
import { DeadlockError } from "../errors.ts";
import { toMicros } from "../limits/units.ts";
import type { Clock } from "../platform/clock.ts";
import { sleep } from "../platform/sleep.ts";

/**
 * Takes `units`, blocking this thread until it can, and returns the time of the grant; below 0 if that takes more than
 * `timeoutMs`, NaN if another thread has reclaimed this one's participant.
 *
 * @throws {DeadlockError} if only this very thread could ever let it go.
 */
export function takeBlocking(
  region: Region,
  clock: Clock,
  units: readonly number[],
  timeoutMs: number,
): number {
  let now = clock.now();
  const deadline = now + timeoutMs;
  const since = toMicros(now);
  for (;;) {
    region.membership?.wakeWord.prepare();
    const answer = region.transact(TAKE, units, now, since);
    if (!(answer < 0)) return answer;
    if (timeoutMs > 0 && answer === Number.NEGATIVE_INFINITY && region.hangsOnSelf(units)) {
      throw new DeadlockError("what it waits for is held in this thread, which would be blocked");
    }
    if (now >= deadline) {
      region.membership?.withdraw(since);
      return answer;
    }
    now = sleepUntil(Math.min(now - answer, deadline), region, clock, now);
  }
}

/** Sleeps until `due` or until a release. The first sleep is short, to find out soon whether the clock moves meanwhile. */
function sleepUntil(due: number, region: Region, clock: Clock, from: number): number {
  const wakeWord = region.membership?.wakeWord;
  let now = from;
  for (let nap = 2; now < due; nap = 60_000) {
    const ms = due === Number.POSITIVE_INFINITY ? due : Math.min(due - now, nap);
    const woken = wakeWord ? wakeWord.sleep(ms) : sleep(ms);
    now = clock.now();
    if (woken) break;
    if (now === from) throw new DeadlockError("its clock stands still while this thread is blocked");
  }
  return now;
}
