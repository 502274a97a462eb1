/** A set of limits in this isolate: it ties together the limits, the core, the acquisitions and the waiters. */
import { TAKE } from "../assembly/layout.ts";
import { Grant, runOn } from "./acquisition/acquisition.ts";
import { acquireBlocking } from "./acquisition/blocking-request.ts";
import { INTERNALS, type Internals, type OptionsWithRegion } from "./acquisition/internals.ts";
import { closed } from "./changes/living-set.ts";
import type { AcquireOptions, Acquisition, Amounts, Awaitable, Limits, Prospect } from "./contract.ts";
import { type Answer, isGranted, isRefused, MOVED, tokenOf } from "./core/answer.ts";
import { canShare } from "./core/module.ts";
import { Region, TRY } from "./core/region.ts";
import { begin } from "./limits/beginning.ts";
import { definitionsOf } from "./limits/definition.ts";
import { eraOf, firstEra } from "./limits/era.ts";
import { toLimits } from "./limits/limits.ts";
import { requestsOf } from "./limits/named-requests.ts";
import {
  checkBlockingOptions,
  checkRequestOptions,
  checkSetOptions,
  type LimitSetOptions,
} from "./limits/options.ts";
import { checkPartitionOptions, fairAtOf, nextDimensions } from "./limits/partition-options.ts";
import { toMicros } from "./limits/units.ts";
import { SetClock } from "./platform/set-clock.ts";
import { ViewableSet } from "./views/viewable-set.ts";
import type { Request } from "./waiting/standing.ts";

const NO_CONFIG: Readonly<Record<string, unknown>> = /* @__PURE__ */ Object.freeze({});

class LimitSet<M extends string = string, K extends string = M, D extends string = string>
  extends ViewableSet<M, K, D>
  implements Limits<M, K>
{
  /** A frozen copy of the option `config`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The option `missingUpdate`: whether a release throws where the usage of a RateLimit is missing. */
  readonly missingUpdate: "throw" | "charge";
  private readonly shared: boolean;
  private readonly maxThreads: number;

  constructor(options: LimitSetOptions<M, K, D> = {}) {
    super();
    checkSetOptions(options);
    const { limits = [], shared = true, maxThreads = 32, config, clock } = options;
    const { onWarning, missingUpdate = "throw", maxWaiting, agingMs } = options;
    this.shared = shared;
    this.maxThreads = maxThreads;
    this.missingUpdate = missingUpdate;
    const checked = toLimits(limits);
    this.dimensions = checkPartitionOptions(checked, options);
    this.fairBy = options.fairBy;
    const region =
      (options as OptionsWithRegion<M, K>)[INTERNALS] ??
      Region.create(definitionsOf(checked), shared && canShare, this.dimensions);
    // A set that threads share may have been redefined since the handle was made.
    const text = region.sharing && region.move();
    const era = text === undefined ? firstEra(checked, requestsOf(checked)) : eraOf<M, K>(text);
    if (text !== undefined) this.dimensions = nextDimensions(era.limits, this.dimensions);
    const fairAt = fairAtOf(era.limits, options.fairBy);
    if (maxWaiting !== undefined || agingMs !== undefined || fairAt !== undefined)
      this.queueOptions = { maxWaiting, agingMs, fairAt };
    this.region = region;
    this.requests = era.requests;
    this.config = config === undefined ? NO_CONFIG : Object.freeze({ ...config });
    this.clock = clock instanceof SetClock ? clock : new SetClock(clock);
    this.onWarning = onWarning;
    this.granter = this.granterOf(era, region);
    region.follow(this.clock, definitionsOf(era.limits));
    if (!(INTERNALS in options)) begin(region, checked, this.clock);
    this.waiters = this.granter.door;
  }

  /** @internal Vue makes no proxy of it. */
  get __v_skip(): boolean {
    return true;
  }

  /** How many requests of this thread wait. */
  get waiting(): number {
    return this.lines.size;
  }

  /** How many transactions this thread has repeated, because another thread published first. */
  get repeats(): number {
    return this.open().repeats;
  }

  /**
   * Takes the named amounts, and 1 of every CallLimit and ResourceLimit not named: all or nothing. Waits for its turn.
   *
   * @throws {InvalidRequestError} for an unknown key, a value that is no amount, or more than could ever pass.
   * @throws {AcquireTimeoutError} if it is not granted within `timeoutMs`.
   * @throws {LimitSetClosedError} if the set is closed, also while it waits.
   * @throws the signal's reason if the signal aborts.
   * @example
   * const acquisition = await limits.acquire({ tokens: 500 }, { timeoutMs: 10_000 });
   * acquisition.requested.tokens; // 500
   */
  acquire(requested?: Amounts<M>, options?: AcquireOptions): Promise<Acquisition<M, K>> {
    // The most common case, small enough to be inlined: no request waits, and there is room.
    if (options !== undefined || this.waiters.size > 0) return this.enter(requested, options, undefined);
    try {
      const region = this.region ?? closed();
      // The clock is read first: one that redefines the set would leave units of other limits.
      const now = this.clock.now();
      const requests = this.requests;
      const units = requests.parse(requested);
      const answer = region.take(units, requests.first, requests.end, now, TAKE);
      return isGranted(answer)
        ? Promise.resolve(new Grant(this.granter, units, tokenOf(answer)))
        : this.waitFor({ units, covered: undefined }, answer, now, options, requested);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Takes now, or not at all. A refusal is an answer: `successful` is false, `retryAfterMs` and `limitedBy` say why. A try
   * passes waiters only where it delays none of them.
   *
   * @throws {InvalidRequestError} for an unknown key, a value that is no amount, or more than could ever pass.
   * @throws {LimitSetClosedError} if the set is closed.
   * @example
   * const tried = limits.tryAcquire({ tokens: 500 });
   * tried.successful ? "go" : `again in ${tried.retryAfterMs} ms`; // "go"
   */
  tryAcquire(requested?: Amounts<M>): Acquisition<M, K> {
    const region = this.region ?? closed();
    const now = this.clock.now();
    const requests = this.requests;
    const units = requests.parse(requested);
    // No comparison with 0: engines inline a path by its size.
    if (this.waiters.size) return this.tryAmong(units, now, requested);
    const answer = region.take(units, requests.first, requests.end, now, TRY);
    // A granted answer is its token, 0 or more: calls of `isGranted` and `tokenOf` would be too many to be inlined.
    return answer >= 0 ? new Grant(this.granter, units, answer) : this.refuse(answer, units, now, requested);
  }

  /**
   * Tells what `tryAcquire` would answer now, and takes nothing.
   *
   * @throws all that `tryAcquire` throws.
   * @example
   * limits.peek({ tokens: 500 }).successful; // true
   */
  peek(requested?: Amounts<M>): Prospect<K> {
    this.open();
    const now = this.clock.now();
    const prospect = this.granter.peek(this.requests.parse(requested), now);
    if (prospect) return prospect;
    this.hasMoved(MOVED);
    return this.peek(requested);
  }

  /**
   * Takes as `acquire` does, and blocks this thread while it waits. It passes this thread's waiters: they could not run.
   *
   * @throws {InvalidRequestError} for an unknown key, a value that is no amount, or more than could ever pass.
   * @throws {AcquireTimeoutError} if it is not granted within `timeoutMs`.
   * @throws {DeadlockError} if only this thread, which would be blocked, could ever let it pass.
   * @throws {CannotBlockError} if it has to wait where no thread may block: in a page's main thread, in edge workers.
   * @throws {LimitSetClosedError} if the set is closed.
   * @example
   * limits.acquireSync({ tokens: 5 }, { timeoutMs: 1000 }).requested.tokens; // 5
   */
  acquireSync(requested?: Amounts<M>, options?: Pick<AcquireOptions, "timeoutMs">): Acquisition<M, K> {
    const ask = () => {
      const { granter } = this;
      return { region: this.open(), granter, units: this.requests.parse(requested) };
    };
    this.open();
    return acquireBlocking(this.clock, checkBlockingOptions(options), ask, (answer) => this.hasMoved(answer));
  }

  /**
   * Acquires, runs `body`, releases, and resolves to the value of `body`. An error of `body` wins over one of the release.
   *
   * @throws all that `acquire` and `body` throw.
   * @throws {UsageNotReportedError} if `body` has not reported the usage of a RateLimit.
   * @example
   * await limits.run({ tokens: 500 }, async (acquisition) => {
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

  /**
   * Closes the set in this thread: waiters reject with `LimitSetClosedError`, and held resources come back. The memory comes
   * back when the last thread has closed the set. A second call does nothing.
   */
  close(): void {
    this.end("closed");
  }

  /** @internal */
  [INTERNALS](): Internals<M, K> {
    if (this.region?.isPast) this.follow();
    const { clock, shared, maxThreads, queueOptions, dimensions, granter } = this;
    const { era } = granter;
    const open = () => this.open();
    return {
      ...{ era, granter, limits: era.limits, clock, shared, maxThreads, queueOptions, dimensions },
      get region() {
        return open();
      },
      begin: (limits, inherit, version) => this.begin(limits, inherit, version),
      serve: () => this.queue?.serve(),
      recordOf: (acquisition) => Grant.recordOf(acquisition as Grant<M, K>),
      goOnIn: (era, dimensions) => this.goOnIn(era, dimensions),
      viewBy: (naming) => this.viewBy(naming),
      grantAgain: (record, era, naming, shared = 0) =>
        this.grantAgain(record, era, (granter) =>
          naming ? this.viewBy(naming).placeIn(granter).sharing(shared) : granter,
        ),
    };
  }

  // This is no async function, since its promise would settle later than the queue's own, and callers rely on that order.
  protected enter(
    requested: Amounts<M> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[] | undefined,
  ): Promise<Acquisition<M, K>> {
    try {
      const region = this.open();
      checkRequestOptions(options);
      const now = this.clock.now();
      const units = covered ? this.requests.parseNested(requested, covered) : this.requests.parse(requested);
      const request = { units, covered };
      if (this.waiters.size > 0) return this.needQueue().acquire(request, now, options);
      const answer = region.takeSince(units, now, covered ? toMicros(now) : 0, covered !== undefined);
      return this.waitFor(request, answer, now, options, requested);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Lets a request wait, unless the core has granted it. The core may have corrected the clock. */
  private waitFor(
    request: Request,
    refused: Answer,
    taken: number,
    options: AcquireOptions | undefined,
    requested: Amounts<M> | undefined,
  ): Waiting<M, K> {
    const { granter } = this;
    const { units, covered } = request;
    const answer = this.open().refused(refused, units, taken, TAKE);
    if (isGranted(answer)) return Promise.resolve(Grant.of(granter, units, tokenOf(answer), covered, 0));
    if (this.hasMoved(answer)) {
      return covered
        ? granter.acquireNested(requested, options, covered)
        : this.enter(requested, options, undefined);
    }
    const now = this.clock.now();
    if (granter === this.granter) return this.needQueue().wait(request, now, options);
    return this.needQueue().acquire(this.granter.anew(request, granter), now, options);
  }

  private tryAmong(
    units: readonly number[],
    now: number,
    requested: Amounts<M> | undefined,
  ): Acquisition<M, K> {
    const { first, end } = this.requests;
    const answer = this.granter.tryAmong(units, first, end, now);
    return answer ?? this.refuse(MOVED, units, now, requested);
  }

  /** The end of a try that the core has not granted. */
  private refuse(
    refused: Answer,
    units: readonly number[],
    now: number,
    requested: Amounts<M> | undefined,
  ): Acquisition<M, K> {
    if (isRefused(refused)) return this.granter.refuse(refused, units);
    const answer = this.open().refused(refused, units, now, TRY);
    if (isGranted(answer)) return new Grant(this.granter, units, tokenOf(answer));
    return this.hasMoved(answer) ? this.tryAcquire(requested) : this.granter.refuse(answer, units);
  }
}

/**
 * A set of rate limits, call limits and resource limits. A request takes from all that it names, or from none; requests that
 * wait go first come, first served, and are passed only where that delays none of them. Without limits, every request passes at once.
 *
 * @class
 * @throws {InvalidLimitError} if a definition or an option is out of bounds, or two limits have the same key.
 * @example
 * const limits = new LimitSet({ limits: [new RateLimit({ key: "tokens", capacity: 100, windowMs: 60_000 })] });
 * limits.tryAcquire({ tokens: 40 }).successful; // true
 * limits.stats().tokens.available; // 60
 */
const Typed: Maker & Pick<typeof LimitSet, "prototype"> = LimitSet;
type Typed<M extends string = string, K extends string = M, D extends string = string> = LimitSet<M, K, D>;
// The type alone is that of a set with any keys, but a set that is made without limits has none.
type Maker = new <M extends string = never, K extends string = M, D extends string = string>(
  options?: LimitSetOptions<M, K, D>,
) => LimitSet<M, K, D>;
type Waiting<M extends string, K extends string> = Promise<Acquisition<M, K>>;

export { Typed as LimitSet };
