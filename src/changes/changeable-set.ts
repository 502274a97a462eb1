/**
 * This folder has the methods of a set that take nothing: they read its limits, or change them. They are a class of their own, which
 * `LimitSet` extends: they are rarely called, and the file of the set has the methods that every request runs through.
 */
import { INTERNALS, type Internals } from "../acquisition/internals.ts";
import type { LimitView } from "../contract.ts";
import type { Change } from "../core/changing.ts";
import type { Amounts } from "../limits/amounts.ts";
import { chargeOf, lowerOf, pauseOf, resetOf, resumeOf } from "../limits/changes.ts";
import type { Era, RedefineOptions, Redefinition } from "../limits/era.ts";
import type { Limit } from "../limits/limits.ts";
import { PRESENT, type Present } from "../limits/living.ts";
import { chargeable, checkChange } from "../limits/named-requests.ts";
import type { Requests } from "../limits/requests.ts";
import { SHOWN, type ShownWith, shownSet } from "../limits/shown.ts";
import { describe, type LimitStats } from "../limits/stats.ts";
import { redefine } from "./redefine.ts";

export abstract class ChangeableSet<M extends string, K extends string> {
  /** @internal */
  abstract [INTERNALS](): Internals<M, K>;

  /** @internal */
  [PRESENT](): Present {
    const { era, granter } = this[INTERNALS]();
    return { era: era as unknown as Era, whenEnds: (listener) => granter.ending.when(listener) };
  }

  /** @internal */
  [SHOWN](...args: ShownWith): unknown {
    return shownSet(this, args);
  }

  /** The keys of the limits, in the order of their definition. */
  get keys(): readonly K[] {
    return this[INTERNALS]().era.requests.keys;
  }

  /**
   * The state of all limits at one moment, by key. Reading changes nothing.
   *
   * @throws {LimitSetClosedError} if the set is closed.
   * @example
   * limits.stats().tokens.available; // 60
   */
  stats(): Readonly<Record<K, LimitStats>> {
    const entries = this.untilDone(({ granter, limits, now }) =>
      granter.inspect(now)?.map((reading, i) => [limits[i]!.key, describe(limits[i]!, reading)]),
    );
    return Object.freeze(Object.fromEntries(entries));
  }

  /**
   * The definition of one limit, and its `stats()`.
   *
   * @throws {InvalidRequestError} for an unknown key.
   * @example
   * limits.get("tokens").capacity; // 100
   */
  get(key: K): LimitView<LimitStats> {
    const { limits, requests } = this[INTERNALS]().era;
    const limit = limits[requests.indexOf(key)]!;
    return Object.freeze({ ...limit, stats: () => this.stats()[key] });
  }

  /**
   * Gives the set other limits. What is used of a limit stays used under its new definition, whatever its algorithm is then. Open
   * acquisitions go on; resources in use are never taken away. Waiters wait for the new limits: those that can go now go at once, and
   * those that could never pass reject with `InvalidRequestError`. A limit that is left out ends, and one that is added begins. A bad
   * definition changes nothing.
   *
   * Where threads share the set, it has the new limits in all of them at once.
   *
   * @param limits All limits that the set has from now on, or a function that makes them of the present ones. The function is called
   * again if another thread redefines the set in between.
   * @throws {InvalidLimitError} if a definition is out of bounds, or two limits have the same key.
   * @throws {InvalidRequestError} if an option makes no sense.
   * @throws {LimitSetClosedError} if the set is closed.
   * @example
   * limits.redefine((current) => current.map((limit) => ({ ...limit, capacity: 2 * limit.capacity })));
   * limits.get("tokens").capacity; // 200
   */
  redefine(limits: Redefinition, options: RedefineOptions = {}): void {
    redefine(() => this[INTERNALS]() as unknown as Internals<string>, limits, options);
  }

  /**
   * Pauses the limits of these keys, or all limits: nothing that takes of them passes for so many milliseconds. Requests wait meanwhile.
   * A later pause never shortens one; `Infinity` is a pause until `resume`.
   *
   * @throws {InvalidRequestError} for an unknown key, or milliseconds below 0.
   * @throws {LimitSetClosedError} if the set is closed.
   * @example
   * limits.pause(1000, ["tokens"]);
   * limits.peek({ tokens: 1 }).retryAfterMs; // 1000
   */
  pause(ms: number, keys?: readonly K[]): void {
    this.change("pause", (limits) => pauseOf(limits, ms, keys));
  }

  /**
   * Ends the pause of the limits of these keys, or of all limits.
   *
   * @throws all that `pause` throws.
   * @example
   * limits.resume(["tokens"]);
   * limits.tryAcquire({ tokens: 1 }).successful; // true
   */
  resume(keys?: readonly K[]): void {
    this.change("resume", (limits) => resumeOf(limits, keys));
  }

  /**
   * Charges amounts that were used without a request, elsewhere for example: they count at once, and what is available may fall below 0.
   *
   * @throws {InvalidRequestError} for an unknown key, a ResourceLimit, or a value that is no amount. Then nothing is charged.
   * @throws {LimitSetClosedError} if the set is closed.
   * @example
   * limits.charge({ tokens: 500 });
   * limits.stats().tokens.used; // 500
   */
  charge(amounts: Amounts<M>): void {
    this.untilDone(({ limits, era, granter, now }) =>
      granter.chargeUnits(chargeable(era.requests as Requests<string>, chargeOf(limits, amounts)), now),
    );
  }

  /**
   * Leaves at most these amounts, by the keys of limits: for a server that says how much is left. It never raises what is available.
   *
   * @throws {InvalidRequestError} for an unknown key, a ResourceLimit, or a value that is no amount. Then nothing is lowered.
   * @throws {LimitSetClosedError} if the set is closed.
   * @example
   * limits.lower({ tokens: 30 });
   * limits.stats().tokens.available; // 30
   */
  lower(available: Amounts<K>): void {
    this.change("lower", (limits) => lowerOf(limits, available));
  }

  /**
   * Makes the limits of these keys, or all limits, as if they had never been used. Resources in use stay in use, a pause goes on, and
   * acquisitions from before give nothing back.
   *
   * @throws all that `pause` throws.
   * @example
   * limits.reset(["tokens"]);
   * limits.stats().tokens.used; // 0
   */
  reset(keys?: readonly K[]): void {
    this.change("reset", (limits) => resetOf(limits, keys));
  }

  private change(change: Change, unitsOf: (limits: readonly Limit[]) => readonly number[]): void {
    this.untilDone(({ limits, era, granter, now }) => {
      const units = unitsOf(limits);
      checkChange(era.requests as Requests<string>, units, change !== "lower");
      return granter.change(change, units, now);
    });
  }

  /** Does something with the set at a reading of its clock: again, as long as another thread has redefined the set just before. */
  private untilDone<T>(
    action: (set: Internals<M, K> & { readonly now: number }) => T | undefined | false,
  ): T {
    for (;;) {
      const now = this[INTERNALS]().clock.now();
      // Opened anew: a clock may redefine the set.
      const result = action(Object.assign(this[INTERNALS](), { now }));
      if (result !== undefined && result !== false) return result;
    }
  }
}
