/**
 * This folder has the methods of a set that take nothing: they read its limits, or change them. They are a class of their own, which
 * `LimitSet` extends: they are rarely called, and the file of the set has the methods that every request runs through.
 */
import { INTERNALS, type Internals } from "../acquisition/internals.ts";
import type { LimitView } from "../contract.ts";
import type { RedefineOptions } from "../limits/era.ts";
import type { Limit, LimitLike } from "../limits/limits.ts";
import { describe, type LimitStats } from "../limits/stats.ts";
import { redefine } from "./redefine.ts";

export abstract class ChangeableSet<M extends string, K extends string> {
  /** @internal */
  abstract [INTERNALS](): Internals<M, K>;

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
    const readings = this[INTERNALS]().inspect();
    // Read afterwards: a clock may redefine the set.
    const { limits } = this[INTERNALS]();
    const entries = limits.map((limit, i) => {
      const { used, wait, waiting } = readings[i]!;
      return [limit.key, describe(limit, used, wait, waiting)];
    });
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
   * @param limits All limits that the set has from now on, or a function that makes them of the present ones.
   * @throws {InvalidLimitError} if a definition is out of bounds, or two limits have the same key.
   * @throws {InvalidRequestError} if an option makes no sense.
   * @throws {CannotShareError} if threads share the set.
   * @throws {LimitSetClosedError} if the set is closed.
   * @example
   * limits.redefine((current) => current.map((limit) => ({ ...limit, capacity: 2 * limit.capacity })));
   * limits.get("tokens").capacity; // 200
   */
  redefine(
    limits: readonly LimitLike[] | ((current: readonly Limit[]) => readonly LimitLike[]),
    options: RedefineOptions = {},
  ): void {
    redefine(() => this[INTERNALS]() as unknown as Internals<string>, limits, options);
  }
}
