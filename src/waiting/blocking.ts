/** Waiting that blocks the thread. */

import { type Answer, isGranted, isReclaimed, waitOf } from "../core/answer.ts";
import type { Region } from "../core/region.ts";
import { DeadlockError } from "../errors.ts";
import { toMicros } from "../limits/units.ts";
import type { Clock } from "../platform/clock.ts";
import { sleep } from "../platform/sleep.ts";

/**
 * Takes `units`, blocking this thread until it can: granted, refused after `timeoutMs`, or reclaimed.
 *
 * @throws {DeadlockError} if nothing but this thread could ever let it pass.
 */
export function takeBlocking(
  region: Region,
  clock: Clock,
  units: readonly number[],
  timeoutMs: number,
): Answer {
  let now = clock.now();
  const deadline = now + timeoutMs;
  const since = toMicros(now);
  for (;;) {
    region.sharing?.wakeWord.prepare();
    const answer = region.takeSince(units, now, since, false);
    if (isGranted(answer) || isReclaimed(answer)) return answer;
    if (timeoutMs > 0 && waitOf(answer) === Number.POSITIVE_INFINITY && region.hangsOnSelf(units)) {
      throw new DeadlockError("this thread, which would be blocked, holds what it waits for");
    }
    if (now >= deadline) {
      region.sharing?.withdraw(since);
      return answer;
    }
    now = sleepUntil(Math.min(now + waitOf(answer), deadline), region, clock, now);
  }
}

/** Sleeps until `due`, or until something comes back. The first nap is short: it shows whether the clock moves meanwhile. */
function sleepUntil(due: number, region: Region, clock: Clock, from: number): number {
  const wakeWord = region.sharing?.wakeWord;
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
