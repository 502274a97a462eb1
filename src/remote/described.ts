/** The part of a set elsewhere that this side answers by itself, once the other side has described the set. */
import type { Awaitable, LimitView } from "../contract.ts";
import type { Limit } from "../limits/limits.ts";
import type { Requests } from "../limits/requests.ts";
import type { LimitStats } from "../limits/stats.ts";
import { HandingOn } from "./changes.ts";

export interface Description<M extends string, K extends string = M> {
  readonly requests: Requests<M, K>;
  readonly limits: readonly Limit<K, M>[];
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
}

export abstract class DescribedSet<M extends string, K extends string> extends HandingOn<
  M,
  K,
  Promise<void>
> {
  /** @throws {LimitError} if the set is not known yet. */
  protected abstract description(): Description<M, K>;
  abstract stats(): Promise<Readonly<Record<K, LimitStats>>>;
  abstract close(): Awaitable<void>;

  /** @internal Vue makes no proxy of it. */
  get __v_skip(): boolean {
    return true;
  }

  get keys(): readonly K[] {
    return this.description().requests.keys;
  }

  get config(): Readonly<Record<string, unknown>> {
    return this.description().config;
  }

  get missingUpdate(): "throw" | "charge" {
    return this.description().missingUpdate;
  }

  get(key: K): LimitView<Promise<LimitStats>> {
    const { requests, limits } = this.description();
    const limit = limits[requests.indexOf(key)]!;
    return Object.freeze({ ...limit, stats: async () => (await this.stats())[key] });
  }
}
