/**
 * The one door into a set. It is for `threads/`, which shares the region, and for `cloudflare/`, which keeps the region's
 * state and the grants in storage. All other code uses the contract. The symbol is registered, so that two copies of the
 * package can open each other's sets.
 */
import type { Acquisition, Limits } from "../contract.ts";
import type { Change } from "../core/changing.ts";
import type { Region } from "../core/region.ts";
import type { Era, Inherit } from "../limits/era.ts";
import type { Limit } from "../limits/limits.ts";
import type { Ending } from "../limits/living.ts";
import type { LimitSetOptions } from "../limits/options.ts";
import type { Naming } from "../limits/partition-names.ts";
import type { DimensionOptions } from "../limits/partition-options.ts";
import type { Reading } from "../limits/stats.ts";
import type { SetClock } from "../platform/set-clock.ts";
import type { QueueOptions } from "../waiting/gate.ts";
import type { GrantRecord } from "./acquisition.ts";

export const INTERNALS: unique symbol = Symbol.for("limitset.internals") as never;

/** The granter of a set, as the methods see it that take nothing. */
export interface Changeable {
  /** Its listeners are told when the set goes on to another era. */
  readonly ending: Ending;
  /** For each limit, at one moment: its state. Undefined if another thread has redefined the set meanwhile. */
  inspect(now: number): Reading[] | undefined;
  /** Changes the limits whose `units` are not below 0. Returns false, and does nothing, if another thread has redefined the set. */
  change(change: Change, units: readonly number[], now: number): boolean;
  /** Charges units that no request has taken. Returns false, and does nothing, if another thread has redefined the set. */
  chargeUnits(units: readonly number[], now: number): boolean;
}

/** The parts of a set behind the door. */
export interface Internals<M extends string, K extends string = M> {
  /** @throws {LimitSetClosedError} */
  readonly region: Region;
  readonly limits: readonly Limit<K, M>[];
  readonly clock: SetClock;
  readonly shared: boolean;
  readonly maxThreads: number;
  readonly queueOptions: QueueOptions;
  readonly dimensions: readonly DimensionOptions[];
  readonly era: Era<M, K>;
  /** Begins the next era, with limits that were checked; without a version, in that of the era before. Returns false if another thread has begun it: that one is the present one then. */
  begin(limits: readonly Limit<K, M>[], inherit: Inherit, version: number | undefined): boolean;
  readonly granter: Changeable;
  /** Serves the waiters: for when resources came back without a release in this thread. */
  serve(): void;
  /** Reads the data of an acquisition of this set. */
  recordOf(acquisition: Acquisition<M, K>): GrantRecord;
  /**
   * Takes `era`, which has the same limits, for the present one. Nothing may have been granted yet. The `dimensions` have their options if
   * the set has limits of these later.
   */
  goOnIn(era: Era<M, K>, dimensions: readonly DimensionOptions[]): void;
  /** A view with names that were checked. */
  viewBy(naming: Naming): Limits<M, K>;
  /**
   * Makes the acquisition of a grant again, of `era` if that is not the present one, and of the view that has this naming. Its units are
   * still taken, in the shared states of the dimensions `shared`, one bit each.
   */
  grantAgain(record: GrantRecord, era?: Era<M, K>, naming?: Naming, shared?: number): Acquisition<M, K>;
}

/** The options of a set for which a region exists already. */
export interface OptionsWithRegion<M extends string, K extends string = M> extends LimitSetOptions<M, K> {
  readonly [INTERNALS]?: Region;
}
