/** Why a request is refused, as far as its process knows: counted behind the waiters before it. */
import type { Prospect } from "../contract.ts";
import { inFixedWindows, inSlidingWindow } from "../core/windows.ts";
import type { Outlook } from "../waiting/gate.ts";
import type { Ranked, Request as Requested } from "../waiting/standing.ts";
import type { Definitions } from "./definitions.ts";
import type { Refusal } from "./lines.ts";
import type { Request } from "./place.ts";
import type { Refused, Refuser } from "./wire.ts";

export interface Asked extends Ranked {
  readonly request: Request;
}

/** The waiters of the process. */
export interface Before {
  countBefore(index: number, ranked: Ranked, request: Requested): number;
  demandsBefore(index: number, ranked: Ranked, request: Requested): Iterable<number>;
}

/** Up to so many waiters are gone through one by one: where no request is split over windows, that is exact. */
const MOST_COUNTED = 1000;

export function outlookOf(before: Before, asked: Asked, { refusers }: Refused, set: Definitions): Outlook {
  let [retryAfterMs, knownMs, ahead] = [0, 0, 0];
  for (const refuser of refusers) {
    const count = before.countBefore(refuser.index, asked, asked.request);
    const waitMs = count > 0 && count <= MOST_COUNTED ? inLine(before, asked, refuser, set) : refuser.waitMs;
    retryAfterMs = Math.max(retryAfterMs, waitMs);
    if (waitMs !== Number.POSITIVE_INFINITY || refuser.pausedMs === Number.POSITIVE_INFINITY)
      knownMs = Math.max(knownMs, waitMs);
    ahead = Math.max(ahead, count);
  }
  const named = (isKept: boolean) => refusers.flatMap((each) => (each.isKept === isKept ? [each.index] : []));
  return { limitedBy: [...named(false), ...named(true)], retryAfterMs, knownMs, ahead };
}

/** Where the line of a request is parked that was refused at the moment `now`, in milliseconds since the epoch. */
export function refusalOf({ refusers }: Refused, { request }: Asked, set: Definitions, now: number): Refusal {
  const { units, covered, place } = request;
  let [longest, paused] = [refusers[0]!, refusers[0]!];
  for (const each of refusers) {
    const { waitMs, isKept, pausedMs } = each;
    // A claim is made at a limit that refuses the request even if no other stands before it.
    if (waitMs > longest.waitMs || (waitMs === longest.waitMs && longest.isKept && !isKept)) longest = each;
    if (pausedMs > paused.pausedMs) paused = each;
  }
  // A nested request stands as it is: its caller holds something.
  const isPaused = !covered && paused.pausedMs > 0;
  const { index, waitMs } = isPaused ? { ...paused, waitMs: paused.pausedMs } : longest;
  const { kind, ceiling } = (place?.shapes ?? set.shapes)[index]!;
  return {
    at: index,
    moment: now + waitMs,
    // A leaky bucket grants one request after the other.
    room: kind === "leaky-bucket" ? 0 : ceiling - units[index]!,
    isPaused,
  };
}

/** The same outlook so many milliseconds later, if any have passed. */
export function laterBy(ms: number, outlook: Outlook): Outlook {
  if (!(ms > 0)) return outlook;
  const { retryAfterMs, knownMs } = outlook;
  return { ...outlook, retryAfterMs: Math.max(0, retryAfterMs - ms), knownMs: Math.max(0, knownMs - ms) };
}

/** For how long a window refuses, where each waiter before is counted by itself. */
function inLine(before: Before, asked: Asked, { index, waitMs, facts }: Refuser, set: Definitions): number {
  if (facts === undefined) return waitMs;
  const { ceiling, windowMicros } = (asked.request.place?.shapes ?? set.shapes)[index]!;
  const demands = before.demandsBefore(index, asked, asked.request);
  const units = asked.request.units[index]!;
  if (facts.startsWith("f")) {
    const [used, end] = facts.slice(1).split(";").map(Number);
    const windows = inFixedWindows(Math.min(used!, ceiling), demands, units, ceiling);
    return (end! + (windows - 1) * windowMicros) / 1000;
  }
  const [now, ...entries] = facts.slice(1, -1).split(";");
  const grants = entries.map((entry) => {
    const [time, amount] = entry.split(":").map(Number);
    return [time!, amount!] as const;
  });
  return inSlidingWindow(grants, demands, units, ceiling, windowMicros, Number(now)) / 1000;
}

/** What a peek tells of a request with this outlook. */
export function prospectOf<K extends string>(
  { limitedBy, retryAfterMs, ahead }: Outlook,
  keys: readonly K[],
): Prospect<K> {
  const successful = limitedBy.length === 0;
  return { successful, retryAfterMs, limitedBy: limitedBy.map((index) => keys[index]!), ahead };
}
