/** The methods that change limits, of sets that hand them on: their names travel with their arguments. */
import type { Amounts, Awaitable, Limits, OrMore } from "../contract.ts";
import { InvalidRequestError } from "../errors.ts";
import { chargeOf, lowerOf, pauseOf, resetOf, resumeOf } from "../limits/changes.ts";
import type { Limit } from "../limits/limits.ts";
import { SHOWN, type ShownWith, shownSet } from "../limits/shown.ts";

/** In the order of their numbers in the protocol of ports. */
export const VERBS = ["pause", "resume", "charge", "lower", "reset"] as const;

export type Verb = (typeof VERBS)[number];

/** A method that changes limits, with its arguments. */
export type SentChange = { [V in Verb]: readonly [V, ...Parameters<Limits[V]>] }[Verb];

/** Why a host cannot do it that knows no such methods. */
export function olderThan(verb: Verb | "redefine"): string {
  return `the host is older than ${verb}(): use one version of limitset on both sides`;
}

/**
 * Checks the arguments against the limits of the set.
 *
 * @throws {InvalidRequestError} as the set itself does.
 */
export function checkChange(limits: readonly Limit[], change: SentChange): void {
  if (change[0] === "pause") pauseOf(limits, change[1], change[2]);
  else if (change[0] === "resume") resumeOf(limits, change[1]);
  else if (change[0] === "charge") chargeOf(limits, change[1]);
  else if (change[0] === "lower") lowerOf(limits, change[1]);
  else resetOf(limits, change[1]);
}

/** Does to `limits` what another side has asked for. */
export function performChange(limits: Limits, change: SentChange): Awaitable<void> {
  const [verb, ...args] = change;
  if (!VERBS.includes(verb)) throw new InvalidRequestError("the host cannot read the request");
  return (limits[verb] as (...args: unknown[]) => Awaitable<void>).apply(limits, args);
}

/** The methods, each of which hands itself on. */
export abstract class HandingOn<M extends string, K extends string, R extends Awaitable<void>> {
  protected abstract handOn(change: SentChange): R;

  /** @internal */
  [SHOWN](...args: ShownWith): unknown {
    return shownSet(this, args);
  }

  pause(ms: number, keys?: readonly OrMore<K>[]): R {
    return this.handOn(["pause", ms, keys]);
  }

  resume(keys?: readonly OrMore<K>[]): R {
    return this.handOn(["resume", keys]);
  }

  charge(amounts: Amounts<M>): R {
    return this.handOn(["charge", amounts]);
  }

  lower(available: Amounts<OrMore<K>>): R {
    return this.handOn(["lower", available]);
  }

  reset(keys?: readonly OrMore<K>[]): R {
    return this.handOn(["reset", keys]);
  }
}
