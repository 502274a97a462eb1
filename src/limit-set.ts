/** A set of limits in this isolate. */
import { Grant, Refusal, recordOf, runWith } from "./acquisition/acquisition.ts";
import { Denials } from "./acquisition/denials.ts";
import { INTERNALS, type Internals, type OptionsWithRegion } from "./acquisition/internals.ts";
import { LocalGranter } from "./acquisition/local-granter.ts";
import type { AcquireOptions, Acquisition, Amounts, Awaitable, Limits, LimitView } from "./contract.ts";
import { type Answer, isGranted, isReclaimed, REFUSED, tokenOf, waitOf } from "./core/answer.ts";
import { canShare } from "./core/module.ts";
import { Region } from "./core/region.ts";
import { AcquireTimeoutError, LimitSetClosedError } from "./errors.ts";
import { definitionOf } from "./limits/definition.ts";
import { type Limit, toLimits } from "./limits/limits.ts";
import { checkMaxThreads, checkMissingUpdate, checkTimeout, type LimitSetOptions } from "./limits/options.ts";
import { Requests } from "./limits/requests.ts";
import { describe, type LimitStats } from "./limits/stats.ts";
import { toMicros } from "./limits/units.ts";
import { type Clock, systemClock } from "./platform/clock.ts";
import { warnOnce } from "./platform/warning.ts";
import { takeBlocking } from "./waiting/blocking.ts";
import type { Gate, Queue } from "./waiting/gate.ts";
import type { Request } from "./waiting/lines.ts";
import { queueFor } from "./waiting/queue-for.ts";

/**
 * Rate limits, call limits and resource limits, taken from together: all or nothing.
 *
 * @throws {InvalidLimitError} if a definition or an option is out of bounds, or two limits have one key.
 * @example
 * const limits = new LimitSet({ limits: [new RateLimit({ key: "tokens", capacity: 100, windowMs: 1000 })] });
 * limits.tryAcquire({ tokens: 40 }).successful; // true
 * limits.stats().tokens.available; // 60
 */
export class LimitSet<K extends string = never> implements Limits<K> {
  /** The keys of the limits, in the order of their definition. */
  readonly keys: readonly K[];
  /** The option `config`, frozen. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The option `missingUpdate`. */
  readonly missingUpdate: "throw" | "charge";
  private readonly shared: boolean;
  private readonly maxThreads: number;
  private readonly limits: readonly Limit<K>[];
  private readonly requests: Requests<K>;
  private readonly clock: Clock;
  private readonly granter: LocalGranter<K>;
  private readonly denials: Denials<K>;
  private readonly queue: Queue<Acquisition<K>>;
  private region: Region | undefined;

  constructor(options: LimitSetOptions<K> = {}) {
    const { limits = [], shared = true, maxThreads = 32, config = {}, clock = systemClock } = options;
    const { onWarning = warnOnce(), missingUpdate = "throw" } = options;
    checkMissingUpdate(missingUpdate);
    this.shared = shared;
    this.maxThreads = checkMaxThreads(maxThreads);
    this.missingUpdate = missingUpdate;
    this.limits = toLimits(limits);
    this.requests = new Requests(this.limits);
    this.keys = this.requests.keys;
    this.config = Object.freeze({ ...config });
    this.denials = new Denials(this.keys, this.config);
    this.clock = clock;
    const region =
      (options as OptionsWithRegion<K>)[INTERNALS] ??
      Region.create(this.limits.map(definitionOf), shared && canShare);
    this.region = region;
    this.queue = queueFor(limits.length, this.gateOf(region));
    this.granter = new LocalGranter({
      requests: this.requests,
      config: this.config,
      missingUpdate,
      clock,
      queue: this.queue,
      region,
      onWarning,
      acquireNested: (requested, acquireOptions, covered) => this.enter(requested, acquireOptions, covered),
    });
  }

  /** How many requests of this thread wait. */
  get waiting(): number {
    return this.queue.size;
  }

  /** How many transactions this thread has had to repeat, because another thread published first. */
  get repeats(): number {
    return this.open().repeats;
  }

  /**
   * Takes the amounts named, plus 1 of every CallLimit and ResourceLimit not named; waits for its turn if need be.
   *
   * @throws {InvalidRequestError} for an unknown key, a value that is no amount, or more than could ever pass.
   * @throws {AcquireTimeoutError} if not granted within `timeoutMs`.
   * @throws {LimitSetClosedError} if the set is closed, also while waiting.
   * @throws the signal's reason if it aborts.
   * @example
   * const acquisition = await limits.acquire({ tokens: 500 }, { timeoutMs: 10_000 });
   * acquisition.requested; // { tokens: 500 }
   */
  acquire(requested?: Amounts<K>, options?: AcquireOptions): Promise<Acquisition<K>> {
    // The most common case, small enough to be inlined: no request waits, and there is room.
    if (options !== undefined || this.queue.size > 0) return this.enter(requested, options, undefined);
    try {
      const region = this.region ?? closed();
      const units = this.requests.parse(requested);
      const now = this.clock.now();
      const answer = region.take(units, now);
      return isGranted(answer)
        ? Promise.resolve(new Grant(this.granter, units, tokenOf(answer)))
        : this.waitFor({ units, covered: undefined }, answer, now, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Takes now or not at all; never overtakes requests that wait for one of the same limits.
   *
   * @throws {InvalidRequestError} for an unknown key, a value that is no amount, or more than could ever pass.
   * @throws {LimitSetClosedError} if the set is closed.
   * @example
   * const tried = limits.tryAcquire({ tokens: 500 });
   * tried.successful ? "go" : `again in ${tried.retryAfterMs} ms`; // "go"
   */
  tryAcquire(requested?: Amounts<K>): Acquisition<K> {
    const region = this.region ?? closed();
    const units = this.requests.parse(requested);
    const now = this.clock.now();
    if (this.queue.size > 0) return this.tryAmong(units, now);
    const answer = region.take(units, now);
    return isGranted(answer) ? new Grant(this.granter, units, tokenOf(answer)) : this.refuse(answer);
  }

  /**
   * Takes like `acquire`, and blocks this thread meanwhile. It passes the waiters of its own thread, which could not run.
   *
   * @throws {InvalidRequestError} as `acquire` does.
   * @throws {DeadlockError} if only this very thread could ever let it pass.
   * @throws {CannotBlockError} if it has to wait where threads must not block: on a page's main thread, in edge workers.
   * @throws {AcquireTimeoutError} if not granted within `timeoutMs`.
   * @example
   * limits.acquireSync({ tokens: 5 }, { timeoutMs: 1000 }).requested; // { tokens: 5 }
   */
  acquireSync(requested?: Amounts<K>, options?: Pick<AcquireOptions, "timeoutMs">): Acquisition<K> {
    const region = this.open();
    const units = this.requests.parse(requested);
    const timeoutMs = checkTimeout(options?.timeoutMs);
    const answer = takeBlocking(region, this.clock, units, timeoutMs);
    if (isGranted(answer)) return new Grant(this.granter, units, tokenOf(answer));
    this.checkMembership(answer);
    throw this.timeout({ units }, timeoutMs);
  }

  /**
   * Acquires, runs `body`, releases. Rejects with what the body throws; else, if usage is missing, with that error.
   *
   * @throws as `acquire` and `body` do.
   * @throws {UsageNotReportedError} if the body has not reported the usage of a RateLimit.
   * @example
   * await limits.run({ tokens: 500 }, async (acquisition) => {
   *   const answer = await callApi();
   *   acquisition.update({ tokens: answer.tokensUsed });
   *   return answer.text;
   * }); // the answer's text
   */
  async run<T>(
    requested: Amounts<K> | undefined,
    body: (acquisition: Acquisition<K>) => Awaitable<T>,
    options?: AcquireOptions,
  ): Promise<T> {
    return runWith(await this.acquire(requested, options), body);
  }

  /**
   * How all limits stand, at one moment. Reading changes nothing.
   *
   * @throws {LimitSetClosedError} if the set is closed.
   * @example
   * limits.stats().tokens.available; // 60
   */
  stats(): Readonly<Record<K, LimitStats>> {
    const region = this.open();
    this.checkMembership(region.inspect(this.clock.now()));
    const entries = this.limits.map((limit, i) => [
      limit.key,
      describe(limit, region.usedOf(i), region.waitOf(i), this.queue.waitingFor(i)),
    ]);
    return Object.freeze(Object.fromEntries(entries));
  }

  /**
   * The definition of one limit, and its `stats()`.
   *
   * @throws {InvalidRequestError} for an unknown key.
   * @example
   * limits.get("tokens").capacity; // 100
   */
  get(key: K): LimitView<LimitStats> {
    const limit = this.limits[this.requests.indexOf(key)]!;
    return Object.freeze({ ...limit, stats: () => this.stats()[key] });
  }

  /**
   * Ends the set in this thread: waiters reject with `LimitSetClosedError`, held resources come back. Memory comes back when
   * the last thread has closed the set. Again: does nothing.
   *
   * @example
   * limits.close();
   */
  close(): void {
    this.end("closed");
  }

  /** @internal */
  [INTERNALS](): Internals<K> {
    const { limits, clock, shared, maxThreads, queue, granter } = this;
    return {
      region: this.open(),
      limits,
      clock,
      shared,
      maxThreads,
      serve: () => queue.serve(),
      recordOf: (acquisition) => recordOf(acquisition as Grant<K>),
      grantAgain: ({ units, token, covered }) => new Grant(granter, units, token, covered),
    };
  }

  // Not an async function, whose promise would settle turns after the queue's own: callers rely on the order.
  private enter(
    requested: Amounts<K> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[] | undefined,
  ): Promise<Acquisition<K>> {
    try {
      const region = this.open();
      const units = covered ? this.requests.parseNested(requested, covered) : this.requests.parse(requested);
      const timeoutMs = checkTimeout(options?.timeoutMs);
      options?.signal?.throwIfAborted();
      const now = this.clock.now();
      const request = { units, covered };
      if (this.queue.size > 0 && this.queue.standsBefore(units, now)) {
        // The queue judges nested requests: they may pass waiters that stand before them.
        if (timeoutMs === 0 && !covered) throw this.timeout(request, timeoutMs);
        return this.queue.enqueue(request, undefined, now, options);
      }
      const answer = covered ? region.takeSince(units, now, toMicros(now), true) : region.take(units, now);
      if (isGranted(answer)) return Promise.resolve(new Grant(this.granter, units, tokenOf(answer), covered));
      return this.waitFor(request, answer, now, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Enqueues a request that the core has refused with `answer`, unless it is not to wait at all. */
  private waitFor(
    request: Request,
    answer: Answer,
    now: number,
    options: AcquireOptions | undefined,
  ): Promise<Acquisition<K>> {
    this.checkMembership(answer);
    if (options?.timeoutMs === 0) throw this.timeout(request, 0);
    return this.queue.enqueue(request, waitOf(answer), now, options);
  }

  private end(why: "closed" | "reclaimed"): void {
    if (!this.region) return;
    this.queue.close(new LimitSetClosedError(why));
    this.granter.close();
    this.region.close();
    this.region = undefined;
  }

  /** What the queue needs of this set. */
  private gateOf(region: Region): Gate<Acquisition<K>> {
    return {
      clock: this.clock,
      take: (request, now, since) => this.takeFor(request, now, since),
      probe: ({ units }, now) => this.open().probe(units, now),
      withdraw: (since) => region.sharing?.withdraw(since),
      get wakeWord() {
        return region.sharing?.wakeWord;
      },
      grant: ({ units, covered }, token) => new Grant(this.granter, units, token, covered),
      timeout: (request, timeoutMs) => this.timeout(request, timeoutMs),
    };
  }

  /** Takes for a waiter. */
  private takeFor({ units, covered }: Request, now: number, since: number): Answer {
    const answer = this.open().takeSince(units, now, since, covered !== undefined);
    if (!isReclaimed(answer)) return answer;
    // Not now: the queue is in the middle of serving.
    queueMicrotask(() => this.end("reclaimed"));
    return REFUSED;
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

  private refuse(answer: Answer): Refusal<K> {
    this.checkMembership(answer);
    return new Refusal(this.denials.last(this.open()), waitOf(answer));
  }

  /** `tryAcquire` while requests wait: it does not overtake those that want one of the same limits. */
  private tryAmong(units: readonly number[], now: number): Acquisition<K> {
    const region = this.open();
    if (!this.queue.standsBefore(units, now)) {
      const answer = region.take(units, now);
      return isGranted(answer) ? new Grant(this.granter, units, tokenOf(answer)) : this.refuse(answer);
    }
    const answer = region.probe(units, now);
    this.checkMembership(answer);
    const wait = Math.max(0, waitOf(answer));
    const limitedBy = this.keys.filter(
      (_, i) => region.refuses(i) || (units[i]! > 0 && this.queue.waitingFor(i) > 0),
    );
    return new Refusal(this.denials.by(limitedBy), Math.max(wait, this.queue.passesAt - now));
  }

  private timeout({ units }: Request, timeoutMs: number): AcquireTimeoutError {
    const region = this.open();
    region.probe(units, this.clock.now());
    return new AcquireTimeoutError(timeoutMs, this.denials.limitedBy(region));
  }
}

// Out of line, like every rare path of a function that engines are to inline.
function closed(): never {
  throw new LimitSetClosedError();
}
