/** A set of limits in this isolate. */
import { type Denial, Grant, Refusal, runWith } from "./acquisition/acquisition.ts";
import { LocalGranter } from "./acquisition/local-granter.ts";
import type { AcquireOptions, Acquisition, Amounts, Awaitable, Limits, LimitView } from "./contract.ts";
import { canShare } from "./core/module.ts";
import { type Definition, PROBE, Region, TAKE } from "./core/region.ts";
import {
  AcquireTimeoutError,
  CannotShareError,
  InvalidLimitError,
  type LimitError,
  LimitSetClosedError,
  TooManyThreadsError,
} from "./errors.ts";
import { type Limit, type LimitLike, toLimits } from "./limits/limits.ts";
import { ceilingUnits, checkMissingUpdate, checkTimeout, Requests, unitOf } from "./limits/requests.ts";
import { describe, type LimitStats } from "./limits/stats.ts";
import { MICROSECOND, toMicros, toUnits, wholeUnits } from "./limits/units.ts";
import { agreeing, type Clock, readBoth, systemClock } from "./platform/clock.ts";
import { holdLock } from "./platform/locks.ts";
import { warnOnce } from "./platform/warning.ts";
import { enter, handleFor, type LimitSetHandle, seatOf } from "./threads/handle.ts";
import type { Membership } from "./threads/membership.ts";
import { ASKED, HELD } from "./threads/participants.ts";
import { needsLock, type ThreadLike, whenEnded } from "./threads/thread-end.ts";
import { takeBlocking } from "./waiting/blocking.ts";
import type { Gate, Queue } from "./waiting/gate.ts";
import type { Request } from "./waiting/lines.ts";
import { queueFor } from "./waiting/queue-for.ts";

export interface LimitSetOptions<K extends string = string> {
  /** The limits to take from together. Default: none, so that everything passes. */
  readonly limits?: readonly LimitLike<K>[];
  /** Memory that threads can share, where the runtime has it (default), or private memory. */
  readonly shared?: boolean;
  /** How many threads may share the set at once, besides the one that makes it: 1 to 1000. Default 32. */
  readonly maxThreads?: number;
  /** What a release does about a RateLimit whose usage was not reported. Both charge it in full. Default `"throw"`. */
  readonly missingUpdate?: "throw" | "charge";
  /** Whatever those who acquire should find: a model's name, say. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Default: the platform's monotonic clock. */
  readonly clock?: Clock;
  /**
   * Told of each acquisition that was garbage-collected without a release, after its resources have been given back.
   * Default: the first of a set is reported by `process.emitWarning` or `console.warn`.
   */
  readonly onWarning?: (warning: LimitError) => void;
}

export const REGION = Symbol("region");

/** The options of a set whose region is there already: that of another thread, or one whose state is kept elsewhere. */
export interface Attached<K extends string> extends LimitSetOptions<K> {
  readonly [REGION]?: Region;
}

/** A grant of a set, made again where its state is kept longer than the set: what it took is still taken. */
export let regrant: <K extends string>(
  set: LimitSet<K>,
  units: readonly number[],
  takenAt: number,
  covered: readonly boolean[] | undefined,
) => Acquisition<K>;

// What each thread holds is part of a set's state, which every grant copies.
const MOST_THREADS = 1000;

/**
 * Rate limits, call limits and resource limits, taken from together: all or nothing.
 *
 * @throws {InvalidLimitError} if a definition makes no sense, or two have one key.
 * @example
 * const limits = new LimitSet({ limits: [new RateLimit({ key: "tokens", capacity: 100, windowMs: 1000 })] });
 * limits.tryAcquire({ tokens: 40 }).successful; // true
 * limits.stats().tokens.available; // 60
 */
export class LimitSet<K extends string = never> implements Limits<K> {
  readonly keys: readonly K[];
  readonly config: Readonly<Record<string, unknown>>;
  /** What a release does about a RateLimit whose usage was not reported. */
  readonly missingUpdate: "throw" | "charge";
  private readonly shared: boolean;
  private readonly maxThreads: number;
  private readonly limits: readonly Limit<K>[];
  private readonly requests: Requests<K>;
  private readonly clock: Clock;
  private readonly granter: LocalGranter<K>;
  /** For each limit, the denial by it alone: most are. */
  private readonly alone: readonly Denial<K>[];
  /** The denial of a set of one limit: there is no other. */
  private readonly only: Denial<K> | undefined;
  private readonly queue: Queue<Acquisition<K>>;
  private region: Region | undefined;
  /** Lets go of the lock by which the end of this thread shows. */
  private release: (() => void) | undefined;

  static {
    regrant = (set, units, takenAt, covered) => new Grant(set.granter, units, takenAt, covered);
  }

  constructor(options: LimitSetOptions<K> = {}) {
    const { limits = [], shared = true, maxThreads = 32, config = {}, clock = systemClock } = options;
    const { onWarning = warnOnce(), missingUpdate = "throw", [REGION]: attached } = options as Attached<K>;
    if (!(Number.isInteger(maxThreads) && maxThreads >= 1 && maxThreads <= MOST_THREADS)) {
      throw new InvalidLimitError("maxThreads", maxThreads, `a whole number from 1 to ${MOST_THREADS}`);
    }
    checkMissingUpdate(missingUpdate);
    this.shared = shared;
    this.maxThreads = maxThreads;
    this.missingUpdate = missingUpdate;
    this.limits = toLimits(limits);
    this.requests = new Requests(this.limits);
    this.keys = this.requests.keys;
    this.config = Object.freeze({ ...config });
    this.alone = this.keys.map((key) => this.denial(Object.freeze([key])));
    this.only = this.keys.length === 1 ? this.alone[0] : undefined;
    this.clock = clock;
    const region = attached ?? Region.create(this.limits.map(definitionOf), shared && canShare);
    const gate: Gate<Acquisition<K>> = {
      clock,
      take: ({ units, covered }, now, since) => this.takeFor(units, now, covered ? -since : since),
      probe: ({ units }, now) => this.open().transact(PROBE, units, now, 0),
      withdraw: (since) => region.membership?.withdraw(since),
      get wakeWord() {
        return region.membership?.wakeWord;
      },
      grant: ({ units, covered }, takenAt) => new Grant(this.granter, units, takenAt, covered),
      timeout: (request, timeoutMs) => this.timeout(request, timeoutMs),
    };
    this.queue = queueFor(limits.length, gate);
    this.region = region;
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

  /** How many wait in this thread. */
  get waiting(): number {
    return this.queue.size;
  }

  /** How many transactions this thread has had to repeat, because another thread's was faster. */
  get repeats(): number {
    return this.open().repeats;
  }

  /**
   * Takes the amounts named, plus 1 of every CallLimit and ResourceLimit not named; waits for its turn if need be.
   *
   * @throws {InvalidRequestError} for an unknown key, what is no amount, or more than could ever pass.
   * @throws {AcquireTimeoutError} if not granted within `timeoutMs`.
   * @throws {LimitSetClosedError} if the set is closed, also while waiting.
   * @throws the signal's reason if it aborts.
   * @example
   * const acquisition = await limits.acquire({ tokens: 500 }, { timeoutMs: 10_000 });
   * acquisition.requested; // { tokens: 500 }
   */
  acquire(requested?: Amounts<K>, options?: AcquireOptions): Promise<Acquisition<K>> {
    // What is most common, small enough to be inlined: nobody waits, and there is room.
    if (options !== undefined || this.queue.size > 0) return this.enter(requested, options, undefined);
    try {
      const region = this.region ?? closed();
      const units = this.requests.parse(requested);
      const now = this.clock.now();
      const answer = region.transact(TAKE, units, now, 0);
      return answer >= 0
        ? Promise.resolve(new Grant(this.granter, units, answer))
        : this.waitFor({ units, covered: undefined }, answer, now, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Takes now or not at all; never overtakes those who wait for one of the same limits.
   *
   * @throws {InvalidRequestError} for an unknown key, what is no amount, or more than could ever pass.
   * @example
   * const tried = limits.tryAcquire({ tokens: 500 });
   * tried.successful ? "go" : `again in ${tried.retryAfterMs} ms`; // "go"
   */
  tryAcquire(requested?: Amounts<K>): Acquisition<K> {
    const region = this.region ?? closed();
    const units = this.requests.parse(requested);
    const now = this.clock.now();
    if (this.queue.size > 0) return this.tryAmong(units, now);
    const answer = region.transact(TAKE, units, now, 0);
    return answer >= 0 ? new Grant(this.granter, units, answer) : this.refuse(answer);
  }

  /**
   * Takes like `acquire`, and blocks this thread meanwhile. Passes the waiters of its own thread, who could not run.
   *
   * @throws {DeadlockError} if nothing but this very thread could ever let it pass.
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
    if (answer >= 0) return new Grant(this.granter, units, answer);
    this.checkMembership(answer);
    throw this.timeout({ units }, timeoutMs);
  }

  /**
   * Acquires, runs `body`, releases. Rejects with what the body throws; else, if usage is missing, with that error.
   *
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

  /** How all limits stand, at one moment. Reading changes nothing. */
  stats(): Readonly<Record<K, LimitStats>> {
    const region = this.open();
    if (!region.inspect(this.clock.now())) this.checkMembership(Number.NaN);
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
   */
  get(key: K): LimitView<LimitStats> {
    const limit = this.limits[this.requests.indexOf(key)]!;
    return Object.freeze({ ...limit, stats: () => this.stats()[key] });
  }

  /**
   * A handle for one thread, to be sent there and attached once. From then on the set is in memory that both share; what
   * either takes, the other sees.
   *
   * @throws {CannotShareError} if the set was made with `shared: false`, the runtime has no shared memory here, or `config`
   * holds what cannot be sent. `limitset/port` serves a set without shared memory.
   * @throws {TooManyThreadsError} if `maxThreads` handles are out or in use.
   * @example
   * worker.postMessage(limits.share());
   * // there
   * parentPort.once("message", (handle) => LimitSet.attach(handle).tryAcquire({ tokens: 5 }).successful); // true
   */
  share(): LimitSetHandle<K> {
    return this.offer(undefined);
  }

  /**
   * The set of a handle, in this thread: the same limits, the same state. The clock is the platform's, in agreement with
   * that of the thread that shared it, unless another is given.
   *
   * @throws {InvalidHandleError} if the handle has been used or reclaimed, or is none.
   * @example
   * const limits = LimitSet.attach(handle);
   * limits.tryAcquire({ tokens: 5 }).successful; // true
   */
  static attach<K extends string>(
    handle: LimitSetHandle<K>,
    options: Pick<LimitSetOptions<K>, "clock" | "onWarning"> = {},
  ): LimitSet<K> {
    const region = enter(handle);
    const { limits, config, missingUpdate, clock, lock } = handle;
    const theirs = options.clock ?? (clock ? agreeing(clock) : systemClock);
    const attached = { ...options, limits, config, missingUpdate, clock: theirs, [REGION]: region };
    const set = new LimitSet<K>(attached);
    if (lock !== undefined) {
      const membership = region.membership!;
      membership.guard(ASKED);
      set.release = holdLock(lock, () => membership.guard(HELD));
    }
    return set;
  }

  /**
   * Sends a handle to a worker, as a message, and gives back what the worker holds of the set when it ends. Where a runtime
   * does not tell of that (no `exit` or `close` event, no Web Locks), call `reclaim` with the handle returned.
   *
   * @throws as `share` does.
   * @example
   * limits.shareWith(new Worker("./worker.js")); // there: LimitSet.attach(message)
   */
  shareWith(worker: ThreadLike): LimitSetHandle<K> {
    const handle = this.offer(needsLock(worker) ? `limitset ${crypto.randomUUID()}` : undefined);
    const membership = this.open().membership!;
    membership.participants.adopt(handle.seat, membership.seat);
    try {
      worker.postMessage(handle);
    } catch (error) {
      membership.reclaim(handle.seat);
      throw error;
    }
    whenEnded(worker, handle, membership.participants, () => {
      membership.reclaim(handle.seat);
      this.queue.serve();
    });
    return handle;
  }

  /**
   * Gives back all that the thread of a handle holds, and takes its waiters out of the line: for a thread that has ended.
   * One that has not finds its set closed. Again, or after that thread has closed its set: does nothing.
   *
   * @throws {InvalidHandleError} if it is no handle of this set.
   */
  reclaim(handle: LimitSetHandle<K>): void {
    const region = this.open();
    const seat = seatOf(handle, region);
    region.membership!.reclaim(seat);
    this.queue.serve();
  }

  /**
   * Ends the set in this thread: waiters reject with `LimitSetClosedError`, what is held comes back, and memory when no
   * thread has it open. Again: does nothing.
   */
  close(): void {
    this.end("closed");
  }

  // Not an async function, whose promise would settle turns after the queue's own: order is promised to callers.
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
        // A nested request is the queue's to judge: it may pass those who stand before it.
        if (timeoutMs === 0 && !covered) throw this.timeout(request, timeoutMs);
        return this.queue.enqueue(request, undefined, now, options);
      }
      const answer = region.transact(TAKE, units, now, covered ? -toMicros(now) : 0);
      if (answer >= 0) return Promise.resolve(new Grant(this.granter, units, answer, covered));
      return this.waitFor(request, answer, now, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Puts a request in the line that the core has refused with `answer`, unless it is not to wait at all. */
  private waitFor(
    request: Request,
    answer: number,
    now: number,
    options: AcquireOptions | undefined,
  ): Promise<Acquisition<K>> {
    this.checkMembership(answer);
    if (options?.timeoutMs === 0) throw this.timeout(request, 0);
    return this.queue.enqueue(request, -answer, now, options);
  }

  private offer(lock: string | undefined): LimitSetHandle<K> {
    const region = this.open();
    const membership = region.membership ?? this.widen(region);
    const { missingUpdate, config } = this;
    const limits = this.limits as readonly LimitLike<K>[];
    sendable(config);
    const seat = membership.participants.offer();
    if (!seat) throw new TooManyThreadsError(membership.participants.count - 1);
    const clock = this.clock === systemClock ? readBoth() : undefined;
    const terms = { limits, missingUpdate, config, clock, ...(lock !== undefined && { lock }) };
    return handleFor(region, seat, terms);
  }

  private widen(region: Region): Membership {
    if (!this.shared)
      throw new CannotShareError("it was made with shared: false; or serve it by limitset/port");
    if (!region.sharable) {
      throw new CannotShareError("there is no SharedArrayBuffer here; limitset/port serves it without");
    }
    const membership = region.widen(this.limits.map(definitionOf), this.maxThreads + 1);
    this.queue.serve();
    return membership;
  }

  private end(why: "closed" | "reclaimed"): void {
    if (!this.region) return;
    this.queue.close(new LimitSetClosedError(why));
    this.granter.close();
    this.region.close();
    this.region = undefined;
    this.release?.();
  }

  /** Takes for a waiter. */
  private takeFor(units: readonly number[], now: number, since: number): number {
    const answer = this.open().transact(TAKE, units, now, since);
    if (!Number.isNaN(answer)) return answer;
    // Not now: the queue is in the middle of serving.
    queueMicrotask(() => this.end("reclaimed"));
    return Number.NEGATIVE_INFINITY;
  }

  /** Ends the set if an answer says that another thread has reclaimed it. */
  private checkMembership(answer: number): void {
    if (!Number.isNaN(answer)) return;
    this.end("reclaimed");
    throw new LimitSetClosedError("reclaimed");
  }

  private open(): Region {
    return this.region ?? closed();
  }

  /** Makes of the core's answer, minus the wait, a refusal. */
  private refuse(answer: number): Refusal<K> {
    this.checkMembership(answer);
    return new Refusal(this.only ?? this.denialBy(this.open()), -answer);
  }

  private denialBy(region: Region): Denial<K> {
    const refuser = region.refuser;
    return refuser >= 0 ? this.alone[refuser]! : this.denial(this.limitedBy(region));
  }

  private denial(limitedBy: readonly K[]): Denial<K> {
    return { config: this.config, limitedBy };
  }

  /** The limits that refused the last request. */
  private limitedBy(region: Region): K[] {
    return this.keys.filter((_, i) => region.refuses(i));
  }

  /** Tries while others wait: not to overtake those who want the same. Whether it could pass by itself is then not the whole answer. */
  private tryAmong(units: readonly number[], now: number): Acquisition<K> {
    const region = this.open();
    const behind = this.queue.standsBefore(units, now);
    const answer = region.transact(behind ? PROBE : TAKE, units, now, 0);
    if (!behind) return answer >= 0 ? new Grant(this.granter, units, answer) : this.refuse(answer);
    this.checkMembership(answer);
    const wait = Math.max(0, -answer);
    const limitedBy = this.keys.filter(
      (_, i) => region.refuses(i) || (units[i]! > 0 && this.queue.waitingFor(i) > 0),
    );
    return new Refusal(this.denial(limitedBy), Math.max(wait, this.queue.passesAt - now));
  }

  private timeout({ units }: Request, timeoutMs: number): AcquireTimeoutError {
    const region = this.open();
    region.transact(PROBE, units, this.clock.now(), 0);
    return new AcquireTimeoutError(timeoutMs, this.limitedBy(region));
  }
}

// Out of line, like all that seldom happens in what engines are to inline.
function closed(): never {
  throw new LimitSetClosedError();
}

/** A limit as the core knows it. */
export function definitionOf(limit: Limit): Definition {
  const ceiling = ceilingUnits(limit);
  if (limit.type === "resource") return { kind: "resource", capacity: ceiling, ceiling, windowMicros: 0 };
  const capacity = toUnits(limit.capacity, unitOf(limit));
  return { kind: limit.algorithm, capacity, ceiling, windowMicros: wholeUnits(limit.windowMs, MICROSECOND) };
}

function sendable(config: Readonly<Record<string, unknown>>): void {
  try {
    structuredClone(config);
  } catch (error) {
    throw new CannotShareError(
      `its config cannot be sent: ${error instanceof Error ? error.message : error}`,
    );
  }
}
