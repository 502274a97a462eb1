/**
 * The one door into a set. It is for `threads/`, which shares the region, and for `cloudflare/`, which keeps region and
 * grants in storage; all other code goes by the contract. The symbol is registered, so that two copies of the package
 * open each other's sets.
 */
import type { Acquisition } from "../contract.ts";
import type { Region } from "../core/region.ts";
import type { Limit } from "../limits/limits.ts";
import type { LimitSetOptions } from "../limits/options.ts";
import type { Clock } from "../platform/clock.ts";
import type { GrantRecord } from "./acquisition.ts";

export const INTERNALS: unique symbol = Symbol.for("limitset.internals") as never;

/** What stands behind the door. */
export interface Internals<K extends string> {
  /** @throws {LimitSetClosedError} */
  readonly region: Region;
  readonly limits: readonly Limit<K>[];
  readonly clock: Clock;
  readonly shared: boolean;
  readonly maxThreads: number;
  /** Something came back otherwise than by a release: lets the waiters go that can. */
  serve(): void;
  recordOf(acquisition: Acquisition<K>): GrantRecord;
  /** Makes a grant again, of which everything is still taken. */
  grantAgain(record: GrantRecord): Acquisition<K>;
}

/** The options of a set whose region is there already. */
export interface OptionsWithRegion<K extends string> extends LimitSetOptions<K> {
  readonly [INTERNALS]?: Region;
}
