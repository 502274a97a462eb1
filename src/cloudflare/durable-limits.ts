/** The contract, as an object's limits keep it. */

import type { LeasedAcquisition } from "../acquisition/leased.ts";
import type { AcquireOptions, Amounts, Awaitable, Limits, LimitView } from "../contract.ts";
import type { LimitStats } from "../limits/stats.ts";

/** Options of `connectDurable`. */
export interface ConnectDurableOptions {
  /** How long the object may not be heard of, in milliseconds, before it counts as out of reach. Default 5000. */
  readonly deadlineMs?: number;
}

/** An acquisition of limits that an object has. */
export type DurableAcquisition<K extends string = string> = LeasedAcquisition<K>;

/** The keys of an object's limits, by its class; or keys, as they are. */
export type KeysOf<S> = S extends string
  ? S
  : S extends { readonly limits: readonly (infer L)[] }
    ? L extends { readonly key: infer K extends string }
      ? K
      : L extends { readonly type: "call" }
        ? "call_count"
        : string
    : string;

/** The limits of an object. */
export interface DurableLimits<K extends string = string> extends Limits<K> {
  /** Asks what limits there are, if that is not known. `keys`, `config` and `get` need that; everything else finds out by itself. */
  readonly ready: Promise<void>;
  acquire(requested?: Amounts<K>, options?: AcquireOptions): Promise<DurableAcquisition<K>>;
  tryAcquire(requested?: Amounts<K>): Promise<DurableAcquisition<K>>;
  run<T>(
    requested: Amounts<K> | undefined,
    body: (acquisition: DurableAcquisition<K>) => Awaitable<T>,
    options?: AcquireOptions,
  ): Promise<T>;
  stats(): Promise<Readonly<Record<K, LimitStats>>>;
  get(key: K): LimitView<Promise<LimitStats>>;
  close(): Promise<void>;
}
