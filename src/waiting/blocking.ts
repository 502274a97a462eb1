/** Waiting that blocks the thread. */

import { TAKE } from "../../assembly/layout.ts";
import { type Answer, isGranted, isMoved, isReclaimed, REFUSED, waitOf } from "../core/answer.ts";
import type { Names } from "../core/names.ts";
import type { Region } from "../core/region.ts";
import { DeadlockError } from "../errors.ts";
import { toMicros } from "../limits/units.ts";
import type { Clock } from "../platform/clock.ts";
import { sleep } from "../platform/sleep.ts";

/** When a request came, and for how long it has waited, in milliseconds. */
export interface BlockingWait {
  readonly since: number;
  ms: number;
}

/**
 * Takes `units`, blocking this thread until it can: granted, refused after `timeoutMs`, or reclaimed. `keep` is told when the request begins to
 * wait.
 *
 * @throws {DeadlockError} if only this very thread could ever let it go.
 */
export function takeBlocking(
  region: Region,
  clock: Clock,
  units: readonly number[],
  timeoutMs: number,
  wait: BlockingWait,
  names?: Names,
  keep?: () => void,
): Answer {
  const came = wait.since;
  // Of a request that goes on by other limits, it is later.
  let now = came + wait.ms;
  const deadline = came + timeoutMs;
  const since = toMicros(came);
  for (;;) {
    region.sharing?.wakeWord.prepare();
    const answer = region.takeSince(units, now, since, false, undefined, TAKE, names);
    wait.ms = Math.max(0, now - came);
    if (isGranted(answer) || isReclaimed(answer) || isMoved(answer)) return answer;
    if (timeoutMs > 0 && waitOf(answer) === Number.POSITIVE_INFINITY) {
      if (region.hangsOnSelf(units)) {
        throw stuck("this thread, which would be blocked, holds what it waits for");
      }
      // No other thread has the set, so that only what this one does could help.
      if (!region.sharing) {
        const why = region.metFull ? "all partitions are in use" : "the pause lasts until resume()";
        throw stuck(`${why}, and this thread would be blocked`);
      }
    }
    if (now >= deadline) {
      region.sharing?.withdraw(since);
      return answer;
    }
    keep?.();
    now = sleepUntil(Math.min(now + waitOf(answer), deadline), region, clock, now);
    if (now > deadline) {
      region.sharing?.withdraw(since);
      return REFUSED;
    }
  }
}

// The coarsest clocks of platforms step by 100 ms, to keep pages from telling machines apart.
const MOST_STEP_MS = 250;
const FIRST_NAP_MS = 2;
const LONG_NAP_MS = 60_000;

/**
 * Sleeps until `due`, or until something comes back. The first naps are short: they show whether the clock moves meanwhile.
 *
 * @throws {DeadlockError} if the clock stands still for longer than the steps of any platform's clock.
 */
function sleepUntil(due: number, region: Region, clock: Clock, from: number): number {
  const wakeWord = region.sharing?.wakeWord;
  let now = from;
  let slept = 0;
  for (let nap = FIRST_NAP_MS; now < due; nap = now === from ? 2 * nap : LONG_NAP_MS) {
    const ms = due === Number.POSITIVE_INFINITY ? due : Math.min(due - now, nap);
    const woken = wakeWord ? wakeWord.sleep(ms) : sleep(ms);
    now = clock.now();
    if (woken) break;
    slept += ms;
    if (now === from && slept > MOST_STEP_MS) {
      throw stuck("its clock stands still while this thread is blocked");
    }
  }
  return now;
}

function stuck(why: string): DeadlockError {
  return new DeadlockError(`acquireSync would never return: ${why}; use acquire() or tryAcquire()`);
}
