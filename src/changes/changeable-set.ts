/**
 * This folder has the methods of a set that take nothing: they read its limits, or change them. They are a class of their own, which
 * `LimitSet` extends: they are rarely called, and the file of the set has the methods that every request runs through.
 */
import { INTERNALS, type Internals } from "../acquisition/internals.ts";
import { describe, type LimitStats } from "../limits/stats.ts";

export abstract class ChangeableSet<M extends string, K extends string> {
  /**
   * @internal
   * @throws {LimitSetClosedError}
   */
  abstract [INTERNALS](): Internals<M, K>;

  /**
   * The state of all limits at one moment, by key. Reading changes nothing.
   *
   * @throws {LimitSetClosedError} if the set is closed.
   * @example
   * limits.stats().tokens.available; // 60
   */
  stats(): Readonly<Record<K, LimitStats>> {
    const { limits, inspect } = this[INTERNALS]();
    const readings = inspect();
    const entries = limits.map((limit, i) => {
      const { used, wait, waiting } = readings[i]!;
      return [limit.key, describe(limit, used, wait, waiting)];
    });
    return Object.freeze(Object.fromEntries(entries));
  }
}
