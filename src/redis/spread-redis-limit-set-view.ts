/** Views of a set that is spread over slots: each takes in the part that has the partition which it names. */
import type { AcquireOptions, Amounts, Limits, Prospect } from "../contract.ts";
import type { Naming, PartitionNames, ViewOptions } from "../limits/partition-names.ts";
import { VIEWED, type Viewed } from "../limits/partition-names.ts";
import type { LimitStats } from "../limits/stats.ts";
import type { SentChange } from "../remote/changes.ts";
import { joinedView } from "../spread/joined.ts";
import type { RedisAcquisition } from "./era-granter.ts";
import { PART } from "./part.ts";
import type { RedisLimitSet } from "./redis-limit-set.ts";
import { RedisLimitSetView } from "./redis-limit-set-view.ts";
import type { SpreadParts } from "./spread-parts.ts";

/** A spread set as its views see it. */
export interface SpreadSet<K extends string> {
  readonly waiting: number;
  viewOf(before: Naming, names: PartitionNames, options: ViewOptions): SpreadRedisLimitSetView<K> | undefined;
}

/**
 * A view of a `SpreadRedisLimitSet`, made by its `for`. It does all that a view of a `RedisLimitSet` does.
 *
 * @example
 * const limits = new SpreadRedisLimitSet({
 *   name: "per user",
 *   limits: [new CallLimit({ capacity: 2, windowMs: 1000, per: "user" })],
 *   client: new Redis.Cluster([{ host: "redis-1" }]),
 * });
 * (await limits.for({ user: "alice" }).tryAcquire()).successful; // true
 */
export class SpreadRedisLimitSetView<K extends string = string>
  extends RedisLimitSetView<K>
  implements Limits<K>
{
  readonly #spread: SpreadSet<K>;
  readonly #parts: SpreadParts<K>;

  /** @internal */
  constructor(spread: SpreadSet<K>, parts: SpreadParts<K>, part: RedisLimitSet<K>, naming: Naming) {
    super(part, part[PART]().parts, naming);
    this.#spread = spread;
    this.#parts = parts;
  }

  override get waiting(): number {
    return this.#spread.waiting;
  }

  override for(names: PartitionNames, options: ViewOptions = {}): SpreadRedisLimitSetView<K> {
    return this.#spread.viewOf(this.naming, names, options) ?? this;
  }

  override acquire(requested?: Amounts<K>, options?: AcquireOptions): Promise<RedisAcquisition<K, K>> {
    if (this.#parts.isChecked) return super.acquire(requested, options);
    return this.#parts.check().then(() => super.acquire(requested, options));
  }

  override async tryAcquire(requested?: Amounts<K>): Promise<RedisAcquisition<K, K>> {
    if (!this.#parts.isChecked) await this.#parts.check();
    return super.tryAcquire(requested);
  }

  override async peek(requested?: Amounts<K>): Promise<Prospect<K>> {
    if (!this.#parts.isChecked) await this.#parts.check();
    return super.peek(requested);
  }

  override async stats(): Promise<Readonly<Record<K, LimitStats>>> {
    if (!this.#parts.isChecked) await this.#parts.check();
    return joinedView(
      await super.stats(),
      this.#parts.sets.map((set) => set[PART]().totals()),
    );
  }

  protected override async handOn(change: SentChange): Promise<void> {
    if (!this.#parts.isChecked) await this.#parts.check();
    return super.handOn(change);
  }

  /** @internal */
  override [VIEWED](): Viewed<never> {
    return { set: this.#spread as never, naming: this.naming };
  }
}
