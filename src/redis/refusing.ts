/** Why a request is refused, as far as its process knows. */
import type { Prospect } from "../contract.ts";
import { limitsOf, type Ranked, type Request } from "../waiting/standing.ts";

export interface Refusing {
  /** The limits that refuse, by their index in the set: first those that the server has named. */
  readonly limitedBy: readonly number[];
  readonly retryAfterMs: number;
  /** How many waiters of this process stand before it, at that of these limits at which most do. */
  readonly ahead: number;
}

/** The answer of the server to a request: the limits that refuse it, and for how long. */
export interface Refusal {
  readonly by: readonly number[];
  readonly waitMs: number;
}

export interface Asked extends Ranked {
  readonly request: Request;
}

/** The waiters of the process. */
interface Before {
  countBefore(index: number, ranked: Ranked): number;
}

/** Whether some waiter that wants one of the same limits stands before `asked`. */
export function isBehindSome(waiters: Before, asked: Asked): boolean {
  return limitsOf(asked.request.units).some((index) => waiters.countBefore(index, asked) > 0);
}

/** What a peek tells of a request that `refusing` keeps back, or nothing. */
export function prospectOf<K extends string>(
  { limitedBy, retryAfterMs, ahead }: Refusing,
  keys: readonly K[],
): Prospect<K> {
  const successful = limitedBy.length === 0;
  return { successful, retryAfterMs, limitedBy: limitedBy.map((index) => keys[index]!), ahead };
}

/** Why `asked` is refused. `isBehind`: the waiters before it keep it back too. */
export function refusingOf(
  waiters: Before,
  asked: Asked,
  { by, waitMs }: Refusal,
  isBehind: boolean,
): Refusing {
  const wanted = limitsOf(asked.request.units);
  const refusers = wanted.filter((index) => by.includes(index));
  const kept = isBehind ? wanted.filter((index) => waiters.countBefore(index, asked) > 0) : [];
  const limitedBy = [...new Set([...refusers, ...kept])];
  const ahead = Math.max(0, ...limitedBy.map((index) => waiters.countBefore(index, asked)));
  return { limitedBy, retryAfterMs: waitMs, ahead };
}
