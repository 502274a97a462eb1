/** Views of a set: each takes from the limits of all, and from those of the partitions that it names, in one transaction. */
import { TAKE } from "../../assembly/layout.ts";
import { Grant, runOn } from "../acquisition/acquisition.ts";
import { acquireBlocking } from "../acquisition/blocking-request.ts";
import { INTERNALS, type Internals } from "../acquisition/internals.ts";
import { closed } from "../changes/living-set.ts";
import type { AcquireOptions, Acquisition, Amounts, Awaitable, Limits, Prospect } from "../contract.ts";
import {
  type Answer,
  FORGOTTEN,
  isGranted,
  isMoved,
  isPreliminary,
  isReclaimed,
  tokenOf,
} from "../core/answer.ts";
import { TRY } from "../core/region.ts";
import { GLANCE, type Glance } from "../limits/living.ts";
import { checkBlockingOptions, checkRequestOptions } from "../limits/options.ts";
import { type PartitionNames, VIEWED, type Viewed, type ViewOptions } from "../limits/partition-names.ts";
import { toMicros } from "../limits/units.ts";
import { noClose, noRedefine } from "./of-sets-alone.ts";
import { PlacedView, type ViewedSet } from "./placed-view.ts";
import { keysNamed, nameIn, shapeOf } from "./shape.ts";

/**
 * A view of a `LimitSet`, made by its `for`: a request takes from the limits of all, and from those of the partitions that the view names, all
 * or nothing. It costs next to nothing to make, and may be kept: it goes on when the partition has been forgotten and comes back.
 *
 * @example
 * const limits = new LimitSet({ limits: [new CallLimit({ capacity: 2, windowMs: 1000, per: "user" })] });
 * const alice = limits.for({ user: "alice" });
 * alice.tryAcquire({ call_count: 2 }).successful; // true
 * alice.tryAcquire().successful; // false
 * limits.for({ user: "bob" }).tryAcquire().successful; // true
 */
export class LimitSetView<M extends string = string, K extends string = M, D extends string = string>
  extends PlacedView<M, K>
  implements Limits<M, K>
{
  /** @internal Vue makes no proxy of it. */
  get __v_skip(): boolean {
    return true;
  }

  /** A frozen copy of the set's option `config`. */
  get config(): Readonly<Record<string, unknown>> {
    return this.set.config;
  }

  /** The option `missingUpdate` of the set. */
  get missingUpdate(): "throw" | "charge" {
    return this.set.missingUpdate;
  }

  /** How many requests of this thread wait, for whatever partition of the set. */
  get waiting(): number {
    return this.set.lines.size;
  }

  /**
   * A view that names more: names of other dimensions, or others of the same.
   *
   * @throws {InvalidRequestError} for a dimension or a tier that no limit has, and for a name that is no string.
   * @example
   * const alice = limits.for({ user: "alice" });
   * alice.for({ ip: "192.0.2.7" }).tryAcquire().successful; // true
   */
  for(names: PartitionNames<D>, options: ViewOptions = {}): LimitSetView<M, K, D> {
    const latest = () => this.set[INTERNALS]().era;
    const naming = nameIn(this.set.granter.era, latest, this.naming, names as PartitionNames, options);
    return naming === this.naming ? this : new LimitSetView(this.set, naming);
  }

  /**
   * Like `acquire` of the set.
   *
   * @throws {InvalidRequestError} also if it takes of a limit whose dimension is not named.
   * @throws all that `acquire` of the set throws.
   * @example
   * const acquisition = await limits.for({ user: "alice" }).acquire({ tokens: 500 });
   * acquisition.requested.tokens; // 500
   */
  acquire(requested?: Amounts<M>, options?: AcquireOptions): Promise<Acquisition<M, K>> {
    return this.enter(requested, options, undefined);
  }

  /**
   * Like `tryAcquire` of the set.
   *
   * @throws {InvalidRequestError} also if it takes of a limit whose dimension is not named.
   * @throws all that `tryAcquire` of the set throws.
   * @example
   * limits.for({ user: "alice" }).tryAcquire({ tokens: 500 }).successful; // true
   */
  tryAcquire(requested?: Amounts<M>): Acquisition<M, K> {
    // The path of a known partition is small enough to be inlined. All else is done by `tryElse`.
    const set = this.set;
    const now = set.clock.now();
    const granter = set.granter;
    if (this.home !== granter || set.waiters.size || set.region === undefined)
      return this.tryElse(this.open().requests.parse(requested), now, requested);
    const requests = this.requests!;
    const units = requests.parse(requested);
    const answer = set.region.takeKnown(this, units, requests.first, requests.end, now, TRY);
    return answer >= 0
      ? new Grant(this.place!, units, answer, granter)
      : this.tryElse(units, now, requested, answer);
  }

  /**
   * Tells what `tryAcquire` would answer now, and takes nothing.
   *
   * @throws all that `tryAcquire` throws.
   * @example
   * limits.for({ user: "alice" }).peek({ tokens: 500 }).successful; // true
   */
  peek(requested?: Amounts<M>): Prospect<K> {
    const now = this.set.clock.now();
    const place = this.open();
    const prospect = this.set.granter.peek(place.requests.parse(requested), now, place);
    return prospect ?? this.again(() => this.peek(requested));
  }

  /**
   * Like `acquireSync` of the set: it blocks this thread while it waits.
   *
   * @throws {InvalidRequestError} also if it takes of a limit whose dimension is not named.
   * @throws all that `acquireSync` of the set throws.
   * @example
   * limits.for({ user: "alice" }).acquireSync({ tokens: 5 }, { timeoutMs: 1000 }).requested.tokens; // 5
   */
  acquireSync(requested?: Amounts<M>, options?: Pick<AcquireOptions, "timeoutMs">): Acquisition<M, K> {
    const { set } = this;
    const ask = () => {
      const place = this.open();
      return { region: set.region!, granter: set.granter, units: place.requests.parse(requested), place };
    };
    return acquireBlocking(set.clock, checkBlockingOptions(options), ask, (answer) => this.hasMoved(answer));
  }

  /**
   * Like `run` of the set.
   *
   * @throws all that `acquire` and `body` throw.
   * @throws {UsageNotReportedError} if `body` has not reported the usage of a RateLimit.
   * @example
   * await limits.for({ user: "alice" }).run({ tokens: 500 }, async (acquisition) => {
   *   const answer = await callApi();
   *   acquisition.update({ tokens: answer.tokensUsed });
   *   return answer.text;
   * }); // the answer's text
   */
  run<T>(
    requested: Amounts<M> | undefined,
    body: (acquisition: Acquisition<M, K>) => Awaitable<T>,
    options?: AcquireOptions,
  ): Promise<T> {
    return runOn(this, requested, body, options);
  }

  /** Like `pause` of the set. Without keys it pauses the limits of the partitions that the view names, and none of all. */
  override pause(ms: number, keys?: readonly K[]): void {
    super.pause(ms, this.keysOf(keys));
  }

  /** Like `resume` of the set. Without keys it is about the limits of the partitions that the view names. */
  override resume(keys?: readonly K[]): void {
    super.resume(this.keysOf(keys));
  }

  /** Like `reset` of the set. Without keys it is about the limits of the partitions that the view names. */
  override reset(keys?: readonly K[]): void {
    super.reset(this.keysOf(keys));
  }

  /**
   * The limits belong to the set, which has a `redefine`.
   *
   * @throws {InvalidRequestError}
   */
  override redefine(): void {
    throw noRedefine();
  }

  /**
   * The set is closed by itself.
   *
   * @throws {InvalidRequestError}
   */
  close(): void {
    throw noClose();
  }

  /** @internal */
  [VIEWED](): Viewed<ViewedSet<M, K>> {
    return { set: this.set, naming: this.naming };
  }

  /** @internal The parts of the set, with the limits as they are in the view's tier. */
  [INTERNALS](): Internals<M, K> {
    // This follows the set.
    const { clock, granter, era: present } = this.set[INTERNALS]();
    const { era } = shapeOf(present, this.naming);
    const changeable: Internals<M, K>["granter"] = {
      ending: granter.ending,
      inspect: (now) => this.set.granter.inspect(now, this.open()),
      change: (change, units, now) => this.set.granter.change(change, units, now, this.open()),
      chargeUnits: (units, now) => this.set.granter.chargeUnits(units, now, this.open()),
    };
    // The other parts are for threads and for hosts, which take sets only.
    return { era, clock, limits: era.limits, granter: changeable } as Internals<M, K>;
  }

  /** @internal */
  [GLANCE](isBrief = false): Glance {
    const now = this.set.clock.now();
    for (;;) {
      const place = this.open();
      const numbers = this.set.granter.glance(now, place, isBrief);
      if (numbers) return { limits: place.era.limits, numbers };
      // Follows the set.
      this.set[INTERNALS]();
    }
  }

  /** A try that comes to more than a take from a known partition, to which the core has given this answer, if any. */
  private tryElse(
    units: readonly number[],
    now: number,
    requested: Amounts<M> | undefined,
    known: Answer = FORGOTTEN,
  ): Acquisition<M, K> {
    const { set } = this;
    const place = this.open();
    const isDone = known !== FORGOTTEN && !isPreliminary(known);
    if (!isDone && (set.waiters.size > 0 || place.requests.shadows.length > 0))
      return set.granter.tryIn({ units, place }, now) ?? this.again(() => this.tryAcquire(requested));
    const answer = isDone ? known : this.take(place, units, now, TRY);
    if (isGranted(answer)) return new Grant(place.sharing(set.region!.sharedTaken), units, tokenOf(answer));
    if (isMoved(answer)) return this.again(() => this.tryAcquire(requested));
    return set.granter.refuse(answer, units);
  }

  // This is no async function, since its promise would settle later than the queue's own, and callers rely on that order.
  private enter(
    requested: Amounts<M> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[] | undefined,
  ): Promise<Acquisition<M, K>> {
    const { set } = this;
    try {
      if (!set.region) closed();
      checkRequestOptions(options);
      const now = set.clock.now();
      const place = this.open();
      const region = set.region!;
      const { requests } = place;
      const units = covered ? requests.parseNested(requested, covered) : requests.parse(requested);
      const request = { units, covered, place };
      if (set.waiters.size > 0 || requests.shadows.length > 0)
        return set.needQueue().acquire(request, now, options);
      const answer = covered
        ? region.takeSince(units, now, toMicros(now), true, undefined, TAKE, place.names)
        : this.take(place, units, now, TAKE);
      if (isGranted(answer)) return Promise.resolve(set.granter.grant(request, tokenOf(answer), 0));
      if (isMoved(answer)) {
        // Through the place before, which knows what was covered.
        const nested = covered && (() => place.acquireNested(requested, options, covered));
        return this.again(nested ?? (() => this.enter(requested, options, undefined)));
      }
      // The core may have corrected the clock.
      return set.needQueue().wait(request, set.clock.now(), options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Another thread has redefined the set: this one follows, and does the same by the limits that there are by now. */
  private again<T>(body: () => T): T {
    this.set[INTERNALS]();
    return body();
  }

  private hasMoved(answer: Answer): boolean {
    return (isMoved(answer) || isReclaimed(answer)) && this.again(() => true);
  }

  /** @internal */
  acquireNested(
    requested: Amounts<M> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[],
  ): Promise<Acquisition<M, K>> {
    return this.enter(requested, options, covered);
  }

  /** The keys that a change is about: without `keys`, of the limits of the partitions that are named. */
  private keysOf(keys: readonly K[] | undefined): readonly K[] {
    return keys ?? keysNamed(this[INTERNALS]().era, this.naming);
  }
}
