/** A set of limits in this isolate. */
import { type Denial, Grant, Refusal, runWith } from "./acquisition.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { AcquireOptions, Acquisition, Amounts, Awaitable, Limits, LimitView } from "./contract.ts";
import { canShare } from "./core/arena.ts";
import { type Definition, PROBE, Region, TAKE } from "./core/region.ts";
import { sleep } from "./core/sleep.ts";
import {
  AcquireTimeoutError,
  DeadlockError,
  InvalidLimitError,
  InvalidRequestError,
  LimitSetClosedError,
  show,
} from "./errors.ts";
import { type Limit, type LimitLike, toLimits } from "./limits.ts";
import { LocalGranter } from "./local-granter.ts";
import { ceilingUnits, Requests, unitOf } from "./requests.ts";
import { describe, type LimitStats } from "./stats.ts";
import { MICROSECOND, toUnits, wholeUnits } from "./units.ts";
import { type Gate, type Request, WaitQueue } from "./wait-queue.ts";

export interface LimitSetOptions<K extends string = string> {
  /** The limits to take from together. Default: none, so that everything passes. */
  readonly limits?: readonly LimitLike<K>[];
  /** Memory that threads can share, where the runtime has it (default), or private memory. */
  readonly shared?: boolean;
  /** What a release does about a RateLimit whose usage was not reported. Both charge it in full. Default `"throw"`. */
  readonly missingUpdate?: "throw" | "charge";
  /** Whatever those who acquire should find: a model's name, say. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Default: the platform's monotonic clock. */
  readonly clock?: Clock;
}

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
  private readonly limits: readonly Limit<K>[];
  private readonly requests: Requests<K>;
  private readonly clock: Clock;
  private readonly granter: LocalGranter<K>;
  /** For each limit, the denial by it alone: most are. */
  private readonly alone: readonly Denial<K>[];
  /** The denial of a set of one limit: there is no other. */
  private readonly only: Denial<K> | undefined;
  private readonly queue: WaitQueue<Acquisition<K>>;
  private region: Region | undefined;

  constructor(options: LimitSetOptions<K> = {}) {
    const { limits = [], shared = true, missingUpdate = "throw", config = {}, clock = systemClock } = options;
    if (missingUpdate !== "throw" && missingUpdate !== "charge") {
      throw new InvalidLimitError("missingUpdate", missingUpdate, `"throw" or "charge"`);
    }
    this.limits = toLimits(limits);
    this.requests = new Requests(this.limits);
    this.keys = this.requests.keys;
    this.config = Object.freeze({ ...config });
    this.alone = this.keys.map((key) => this.denial(Object.freeze([key])));
    this.only = this.keys.length === 1 ? this.alone[0] : undefined;
    this.clock = clock;
    const gate: Gate<Acquisition<K>> = {
      clock,
      take: ({ units }, now) => this.open().transact(TAKE, units, now, 0),
      grant: ({ units, covered }, takenAt) => new Grant(this.granter, units, takenAt, covered),
      timeout: (request, timeoutMs) => this.timeout(request, timeoutMs),
    };
    const region = new Region(this.limits.map(definitionOf), shared && canShare);
    this.queue = new WaitQueue(limits.length, gate);
    this.region = region;
    this.granter = new LocalGranter({
      requests: this.requests,
      config: this.config,
      missingUpdate,
      clock,
      queue: this.queue,
      region,
      acquireNested: (requested, acquireOptions, covered) => this.enter(requested, acquireOptions, covered),
    });
  }

  /** How many wait in this thread. */
  get waiting(): number {
    return this.queue.size;
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
    return this.enter(requested, options, undefined);
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
    const region = this.region;
    if (!region) throw new LimitSetClosedError();
    const units = this.requests.parse(requested);
    const now = this.clock.now();
    const behind = this.queue.size > 0 && this.tryBehind(units, now);
    if (behind) return behind;
    const answer = region.transact(TAKE, units, now, 0);
    return answer >= 0 ? new Grant(this.granter, units, answer) : this.refuse(region, -answer);
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
    let now = this.clock.now();
    const deadline = now + timeoutMs;
    for (;;) {
      const answer = region.transact(TAKE, units, now, 0);
      if (answer >= 0) return new Grant(this.granter, units, answer);
      if (timeoutMs === 0) throw this.timeout({ units }, timeoutMs);
      if (answer === Number.NEGATIVE_INFINITY) {
        throw new DeadlockError("what it waits for is held in this thread, which would be blocked");
      }
      if (now >= deadline) throw this.timeout({ units }, timeoutMs);
      now = this.sleepUntil(Math.min(now - answer, deadline), now);
    }
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
    region.inspect(this.clock.now());
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

  /** Ends the set: waiters reject with `LimitSetClosedError`, memory is given back. Again: does nothing. */
  close(): void {
    if (!this.region) return;
    this.queue.close(new LimitSetClosedError());
    this.granter.close();
    this.region.close();
    this.region = undefined;
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
      let wait: number | undefined;
      if (this.queue.size === 0 || !this.queue.standsBefore(units, now)) {
        const answer = region.transact(TAKE, units, now, 0);
        if (answer >= 0) return Promise.resolve(new Grant(this.granter, units, answer, covered));
        wait = -answer;
      }
      // A nested request is the queue's to judge: it may pass those who stand before it.
      if (timeoutMs === 0 && (wait !== undefined || !covered)) throw this.timeout({ units }, timeoutMs);
      return this.queue.enqueue({ units, covered }, wait, now, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  private open(): Region {
    if (!this.region) throw new LimitSetClosedError();
    return this.region;
  }

  private refuse(region: Region, retryAfterMs: number): Refusal<K> {
    return new Refusal(this.only ?? this.denialBy(region), retryAfterMs);
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

  /** Refuses a try that would overtake somebody: whether it could pass by itself is then not the whole answer. */
  private tryBehind(units: readonly number[], now: number): Refusal<K> | undefined {
    const region = this.open();
    if (!this.queue.standsBefore(units, now)) return undefined;
    const wait = Math.max(0, -region.transact(PROBE, units, now, 0));
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

  /** Sleeps until `due`, and finds out soon whether the clock moves at all while this thread sleeps. */
  private sleepUntil(due: number, from: number): number {
    let now = from;
    for (let nap = 2; now < due; nap = 60_000) {
      sleep(Math.min(due - now, nap));
      now = this.clock.now();
      if (now === from) throw new DeadlockError("its clock stands still while this thread is blocked");
    }
    return now;
  }
}

function definitionOf(limit: Limit): Definition {
  const ceiling = ceilingUnits(limit);
  if (limit.type === "resource") return { kind: "resource", capacity: ceiling, ceiling, windowMicros: 0 };
  const capacity = toUnits(limit.capacity, unitOf(limit));
  return { kind: limit.algorithm, capacity, ceiling, windowMicros: wholeUnits(limit.windowMs, MICROSECOND) };
}

function checkTimeout(timeoutMs: number | undefined): number {
  if (timeoutMs === undefined) return Number.POSITIVE_INFINITY;
  if (typeof timeoutMs === "number" && timeoutMs >= 0) return timeoutMs;
  throw new InvalidRequestError(
    `timeoutMs must be a number of milliseconds, 0 or more, got ${show(timeoutMs)}`,
  );
}
