/** A set in its eras: how it goes from one to the next, and how it ends. `LimitSet` has the methods by which it takes. */
import { Grant, type Granter, type GrantRecord } from "../acquisition/acquisition.ts";
import { LocalGranter } from "../acquisition/local-granter.ts";
import type { LocalSet } from "../acquisition/local-set.ts";
import type { AcquireOptions, Acquisition, Amounts } from "../contract.ts";
import { type Answer, isMoved, isReclaimed } from "../core/answer.ts";
import { NO_TIME } from "../core/front.ts";
import type { Region } from "../core/region.ts";
import { type LimitError, LimitSetClosedError, SameVersionWarning } from "../errors.ts";
import { definitionsOf } from "../limits/definition.ts";
import { type Era, eraOf, type Inherit } from "../limits/era.ts";
import type { Limit } from "../limits/limit.ts";
import { NONE } from "../limits/lists.ts";
import { type DimensionOptions, fairAtOf, nextDimensions } from "../limits/partition-options.ts";
import type { Requests } from "../limits/requests.ts";
import { areAlike } from "../limits/sameness.ts";
import type { SetClock } from "../platform/set-clock.ts";
import { warnOnce } from "../platform/warning.ts";
import type { Before, Queue, QueueOptions, Waiters } from "../waiting/gate.ts";
import { NO_WAITERS } from "../waiting/no-waiters.ts";
import { queueFor } from "../waiting/queue-for.ts";
import { ChangeableSet } from "./changeable-set.ts";
import { beginEra } from "./redefine.ts";

/** Those of most queues. */
const NO_OPTIONS: QueueOptions = { maxWaiting: undefined, agingMs: undefined };

export abstract class LivingSet<M extends string, K extends string> extends ChangeableSet<M, K> {
  /** @internal */
  abstract readonly config: Readonly<Record<string, unknown>>;
  /** @internal */
  abstract readonly missingUpdate: "throw" | "charge";
  /** @internal */
  protected queueOptions: QueueOptions = NO_OPTIONS;
  /** @internal */
  protected dimensions!: readonly DimensionOptions[];
  /** @internal */
  protected fairBy: string | undefined;
  /** @internal */
  protected clock!: SetClock;
  /**
   * Made when the first request has to wait.
   *
   * @internal
   */
  protected queue: Queue<Acquisition<M, K>> | undefined = undefined;
  /** @internal */
  protected lines: Waiters & Before = NO_WAITERS;
  /** @internal */
  protected onWarning: ((warning: LimitError) => void) | undefined;
  /** @internal */
  protected requests!: Requests<M, K>;
  /** @internal */
  protected granter!: LocalGranter<M, K>;
  /** @internal */
  protected waiters!: Pick<Waiters, "size">;
  /** @internal */
  protected region: Region | undefined;

  /** The dimensions that the set has had. */
  private pastDimensions: readonly DimensionOptions[] = NONE;
  /** The version of which a warning has told that it has several definitions. */
  private doubtful: number | undefined;

  /** @internal */
  protected granterOf(era: Era<M, K>, region: Region, before?: LocalGranter<M, K>): LocalGranter<M, K> {
    // Granters see what is protected from programs.
    return new LocalGranter(this as unknown as LocalSet<M, K>, era, region, before);
  }

  /**
   * The queue, for a request that has to wait.
   *
   * @internal
   */
  protected needQueue(): Queue<Acquisition<M, K>> {
    if (this.queue === undefined) {
      this.queue = queueFor<Acquisition<M, K>>(this.requests.keys.length, this.granter, this.queueOptions);
      this.lines = this.queue.lines;
      this.waiters = this.granter.door;
    }
    return this.queue;
  }

  /** @internal */
  protected warn(warning: LimitError): void {
    this.onWarning ??= warnOnce();
    const { onWarning } = this;
    onWarning(warning);
  }

  /** @internal */
  protected reclaimed(): void {
    this.end("reclaimed");
  }

  /** @internal */
  protected moved(): void {
    if (this.region?.isPast) this.follow();
  }

  /** @internal */
  protected begin(limits: readonly Limit<K, M>[], inherit: Inherit, version: number | undefined): boolean {
    const now = this.clock.now();
    // If the reading is behind the state, the clock is looked at first: then it cannot use the set in the middle of this.
    this.open().inspect(now);
    const [before, region] = [this.granter, this.open()];
    const [dimensions, past] = this.dimensionsOf(limits);
    const next = version ?? before.era.version;
    const era = beginEra(region, before.era, limits, dimensions, inherit, next, now);
    if (typeof era === "number") return !this.hasMoved(era);
    this.dimensions = dimensions;
    this.pastDimensions = past;
    this.enterEra(era, region, before, now);
    if (version === before.era.version && version !== this.doubtful && !areAlike(limits, before.era.limits)) {
      this.doubtful = version;
      this.warn(new SameVersionWarning(version));
    }
    return true;
  }

  /**
   * Goes on in the era that another thread has begun. Returns false if this thread was reclaimed: then the set is closed.
   *
   * @internal
   */
  protected follow(): boolean {
    const region = this.open();
    const text = region.move();
    if (text === undefined) {
      this.end("reclaimed");
      return false;
    }
    const era = eraOf<M, K>(text);
    region.keep(definitionsOf(era.limits));
    // The clock is not read: it could use the set in the middle of this.
    if (era.number === this.granter.era.number) return true;
    [this.dimensions, this.pastDimensions] = this.dimensionsOf(era.limits);
    this.enterEra(era, region, this.granter, NO_TIME);
    return true;
  }

  /** The dimensions of limits, and those that the set has had besides. */
  private dimensionsOf(limits: readonly Limit[]): [readonly DimensionOptions[], readonly DimensionOptions[]] {
    const known = [...this.dimensions, ...this.pastDimensions];
    const dimensions = nextDimensions(limits, known);
    return [dimensions, known.filter((each) => !dimensions.includes(each))];
  }

  /**
   * Takes over an era to which the region has moved.
   *
   * @internal
   */
  protected enterEra(era: Era<M, K>, region: Region, before: LocalGranter<M, K>, now: number): void {
    const fairAt = fairAtOf(era.limits, this.fairBy);
    this.queueOptions = { ...this.queueOptions, fairAt };
    const stand = this.queue?.renew(era.limits.length, fairAt);
    if (this.queue) this.lines = this.queue.lines;
    this.granter = this.granterOf(era, region, before);
    this.requests = era.requests;
    this.waiters = this.granter.door;
    before.retire(() => this.granter);
    stand?.(this.granter, now);
    region.arrived();
  }

  /** @internal */
  protected goOnIn(era: Era<M, K>, dimensions: readonly DimensionOptions[]): void {
    this.pastDimensions = dimensions;
    this.enterEra(era, this.open(), this.granter, NO_TIME);
  }

  /** @internal */
  protected grantAgain(
    { units, token, covered }: GrantRecord,
    era: Era<M, K> | undefined,
    placeIn: (granter: LocalGranter<M, K>) => Granter<M, K>,
  ): Acquisition<M, K> {
    let { granter } = this;
    if (era && era.number !== granter.era.number) {
      granter = this.granterOf(era, this.open(), granter);
      granter.retire(() => this.granter);
    }
    return Grant.of(placeIn(granter), units, token, covered, 0);
  }

  /** @internal */
  protected end(why: "closed" | "reclaimed"): void {
    if (!this.region) return;
    this.queue?.close(new LimitSetClosedError(why));
    this.granter.close();
    this.region.close();
    this.region = undefined;
  }

  /**
   * Whether an answer says that another thread has redefined the set. Then this thread has followed it, and is to ask again.
   *
   * @internal
   */
  protected hasMoved(answer: Answer): boolean {
    if (isReclaimed(answer)) this.end("reclaimed");
    else if (!isMoved(answer)) return false;
    else if (this.follow()) return true;
    throw new LimitSetClosedError("reclaimed");
  }

  /** @internal */
  protected open(): Region {
    return this.region ?? closed();
  }

  /** @internal */
  protected abstract enter(
    requested: Amounts<M> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[] | undefined,
  ): Promise<Acquisition<M, K>>;
}

// A function of its own, like every rare path of a function that engines are to inline.
export function closed(): never {
  throw new LimitSetClosedError();
}
