/** A request that blocks its thread while it waits, of a set or of a view. */
import type { Acquisition } from "../contract.ts";
import { type Answer, isGranted, tokenOf } from "../core/answer.ts";
import type { Region } from "../core/region.ts";
import type { Clock } from "../platform/clock.ts";
import { takeBlocking } from "../waiting/blocking.ts";
import type { LocalGranter } from "./local-granter.ts";
import type { Place } from "./place.ts";

/** The request, by the limits that there are by now. */
interface Asked<M extends string, K extends string> {
  readonly region: Region;
  readonly granter: LocalGranter<M, K>;
  readonly units: readonly number[];
  readonly place?: Place<M, K>;
}

/** `ask` is called again if another thread has redefined the set: `hasMoved` tells from the answer, and follows. */
export function acquireBlocking<M extends string, K extends string>(
  clock: Clock,
  timeoutMs: number,
  ask: () => Asked<M, K>,
  hasMoved: (answer: Answer) => boolean,
): Acquisition<M, K> {
  const wait = { since: clock.now(), ms: 0 };
  for (;;) {
    const { region, granter, units, place } = ask();
    let isKept = false;
    const keep = () => {
      if (!isKept && region.sharing) granter.keepPlaces(units, place, true);
      isKept = true;
    };
    let answer: Answer;
    try {
      answer = takeBlocking(region, clock, units, timeoutMs, wait, place?.names, keep);
    } finally {
      if (isKept && region.sharing) granter.keepPlaces(units, place, false);
    }
    if (isGranted(answer)) return granter.grant({ units, place }, tokenOf(answer), wait.ms);
    if (!hasMoved(answer)) throw granter.blockedTimeout(units, timeoutMs, place);
  }
}
