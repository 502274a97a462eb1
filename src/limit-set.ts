/** A set of limits in this isolate: it ties together the limits, the core, the acquisitions and the waiters. */
import { TAKE } from "../assembly/layout.ts";
import { Grant, runWith } from "./acquisition/acquisition.ts";
import { INTERNALS, type Internals, type OptionsWithRegion } from "./acquisition/internals.ts";
import { LocalGranter } from "./acquisition/local-granter.ts";
import { ChangeableSet } from "./changes/changeable-set.ts";
import { beginEra } from "./changes/redefine.ts";
import type { AcquireOptions, Acquisition, Amounts, Awaitable, Limits, Prospect } from "./contract.ts";
import { type Answer, isGranted, isReclaimed, tokenOf } from "./core/answer.ts";
import { canShare } from "./core/module.ts";
import { Region, TRY } from "./core/region.ts";
import { type LimitError, LimitSetClosedError } from "./errors.ts";
import { begin } from "./limits/beginning.ts";
import { definitionOf } from "./limits/definition.ts";
import { type Era, firstEra, type Inherit } from "./limits/era.ts";
import { type Limit, toLimits } from "./limits/limits.ts";
import {
  checkBlockingOptions,
  checkRequestOptions,
  checkSetOptions,
  type LimitSetOptions,
} from "./limits/options.ts";
import { Requests } from "./limits/requests.ts";
import { toMicros } from "./limits/units.ts";
import { SetClock } from "./platform/set-clock.ts";
import { warnOnce } from "./platform/warning.ts";
import { takeBlocking } from "./waiting/blocking.ts";
import type { Queue, QueueOptions, Waiters } from "./waiting/gate.ts";
import type { Request } from "./waiting/standing.ts";

class LimitSet<M extends string = string, K extends string = M>
  extends ChangeableSet<M, K>
  implements Limits<M, K>
{
  /** A frozen copy of the option `config`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The option `missingUpdate`: whether a release throws where the usage of a RateLimit is missing. */
  readonly missingUpdate: "throw" | "charge";
  private readonly shared: boolean;
  private readonly maxThreads: number;
  private readonly queueOptions: QueueOptions;
  private readonly clock: SetClock;
  private readonly queue: Queue<Acquisition<M, K>>;
  private readonly onWarning: (warning: LimitError) => void;
  private requests: Requests<M, K>;
  private granter: LocalGranter<M, K>;
  private waiters: Pick<Waiters, "size">;
  private region: Region | undefined;

  constructor(options: LimitSetOptions<M, K> = {}) {
    super();
    checkSetOptions(options);
    const { limits = [], shared = true, maxThreads = 32, config = {}, clock } = options;
    const { onWarning = warnOnce(), missingUpdate = "throw", maxWaiting, agingMs } = options;
    this.shared = shared;
    this.maxThreads = maxThreads;
    this.queueOptions = { maxWaiting, agingMs };
    this.missingUpdate = missingUpdate;
    const checked = toLimits(limits);
    const definitions = checked.map(definitionOf);
    const era = firstEra(checked, new Requests(checked));
    this.requests = era.requests;
    this.config = Object.freeze({ ...config });
    this.clock = clock instanceof SetClock ? clock : new SetClock(clock);
    this.region =
      (options as OptionsWithRegion<M, K>)[INTERNALS] ?? Region.create(definitions, shared && canShare);
    this.onWarning = onWarning;
    this.granter = this.granterOf(era, this.region);
    this.region.follow(this.clock, definitions);
    if (!(INTERNALS in options)) begin(this.region, checked, this.clock);
    this.queue = this.granter.queue;
    this.waiters = this.granter.door;
  }

  /** @internal Vue makes no proxy of it. */
  get __v_skip(): boolean {
    return true;
  }

  /** How many requests of this thread wait. */
  get waiting(): number {
    return this.queue.lines.size;
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
      const units = this.requests.parse(requested);
      const answer = region.take(units, now, TAKE);
      return isGranted(answer)
        ? Promise.resolve(new Grant(this.granter, units, tokenOf(answer)))
        : this.waitFor({ units, covered: undefined }, answer, options);
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
    const units = this.requests.parse(requested);
    if (this.waiters.size > 0) return this.granter.tryAmong(units, now);
    const answer = region.take(units, now, TRY);
    // A granted answer is its token: a call of `tokenOf` would be one too many to be inlined.
    return isGranted(answer) ? new Grant(this.granter, units, answer) : this.granter.refuse(answer);
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
    return this.granter.peek(this.requests.parse(requested), now);
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
    const [region, units] = [this.open(), this.requests.parse(requested)];
    const timeoutMs = checkBlockingOptions(options);
    const answer = takeBlocking(region, this.clock, units, timeoutMs);
    if (isGranted(answer)) return this.granter.grant({ units }, tokenOf(answer), 0);
    this.checkMembership(answer);
    throw this.granter.blockedTimeout(units, timeoutMs);
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
  async run<T>(
    requested: Amounts<M> | undefined,
    body: (acquisition: Acquisition<M, K>) => Awaitable<T>,
    options?: AcquireOptions,
  ): Promise<T> {
    return runWith(await this.acquire(requested, options), body, options?.signal);
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
    const { clock, shared, maxThreads, queueOptions, queue, granter } = this;
    const { era } = granter;
    const open = () => this.open();
    return {
      ...{ era, granter, limits: era.limits, clock, shared, maxThreads, queueOptions },
      get region() {
        return open();
      },
      begin: (limits, inherit, version) => this.begin(limits, inherit, version),
      serve: () => queue.serve(),
      recordOf: (acquisition) => Grant.recordOf(acquisition as Grant<M, K>),
      grantAgain: ({ units, token, covered }) => new Grant(granter, units, token, covered),
    };
  }

  // This is no async function, since its promise would settle later than the queue's own, and callers rely on that order.
  private enter(
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
      if (this.waiters.size > 0) return this.queue.acquire(request, now, options);
      const answer = covered
        ? region.takeSince(units, now, toMicros(now), true)
        : region.take(units, now, TAKE);
      if (isGranted(answer)) return Promise.resolve(new Grant(this.granter, units, tokenOf(answer), covered));
      return this.waitFor(request, answer, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Lets a request wait that the core has just refused. The core may have corrected the clock. */
  private waitFor(request: Request, answer: Answer, options?: AcquireOptions): Waiting<M, K> {
    this.checkMembership(answer);
    const { granter } = this;
    const now = this.clock.now();
    if (granter === this.granter) return this.queue.wait(request, now, options);
    return this.queue.acquire(this.granter.anew(request, granter), now, options);
  }

  private granterOf(era: Era<M, K>, region: Region, before?: LocalGranter<M, K>): LocalGranter<M, K> {
    const { config, missingUpdate, clock, queueOptions, onWarning } = this;
    const acquireNested: LocalGranter<M, K>["acquireNested"] = (requested, options, covered) =>
      this.enter(requested, options, covered);
    const reclaimed = () => this.end("reclaimed");
    const parts = { config, missingUpdate, clock, queueOptions, onWarning, acquireNested, reclaimed };
    return new LocalGranter({ era, region, ...parts }, before);
  }

  private begin(limits: readonly Limit<K, M>[], inherit: Inherit, version: number): void {
    const now = this.clock.now();
    // If the reading is behind the state, the clock is looked at first: then it cannot use the set in the middle of this.
    this.open().inspect(now);
    const [before, region] = [this.granter, this.open()];
    const era = beginEra(region, before.era, limits, inherit, version, now);
    this.enterEra(era, region, before, now);
  }

  /** Takes over an era to which the region has moved. */
  private enterEra(era: Era<M, K>, region: Region, before: LocalGranter<M, K>, now: number): void {
    const stand = this.queue.renew(era.limits.length);
    this.granter = this.granterOf(era, region, before);
    this.requests = era.requests;
    this.waiters = this.granter.door;
    before.retire(() => this.granter);
    stand(this.granter, now);
  }

  private end(why: "closed" | "reclaimed"): void {
    if (!this.region) return;
    this.queue.close(new LimitSetClosedError(why));
    this.granter.close();
    this.region.close();
    this.region = undefined;
  }

  /** Ends the set if an answer says that another thread has reclaimed it. */
  private checkMembership(answer: Answer): void {
    if (!isReclaimed(answer)) return;
    this.end("reclaimed");
    throw new LimitSetClosedError("reclaimed");
  }

  private open(): Region {
    return this.region ?? closed();
  }
}

/**
 * A set of rate limits, call limits and resource limits. A request takes from all that it names, or from none; requests that
 * wait go first come, first served, and are passed only where that delays none of them. Without limits, every request passes at once.
 *
 * @class
 * @throws {InvalidLimitError} if a definition or an option is out of bounds, or two limits have the same key.
 * @example
 * const limits = new LimitSet({ limits: [new RateLimit({ key: "tokens", capacity: 100, windowMs: 1000 })] });
 * limits.tryAcquire({ tokens: 40 }).successful; // true
 * limits.stats().tokens.available; // 60
 */
const Typed: Maker & Pick<typeof LimitSet, "prototype"> = LimitSet;
type Typed<M extends string = string, K extends string = M> = LimitSet<M, K>;
// The type alone is that of a set with any keys, but a set that is made without limits has none.
type Maker = new <M extends string = never, K extends string = M>(
  options?: LimitSetOptions<M, K>,
) => LimitSet<M, K>;
type Waiting<M extends string, K extends string> = Promise<Acquisition<M, K>>;

export { Typed as LimitSet };

// A function of its own, like every rare path of a function that engines are to inline.
function closed(): never {
  throw new LimitSetClosedError();
}
