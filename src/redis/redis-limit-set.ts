/** A set of limits on a Redis or Valkey server, for many machines. */

import { runOn } from "../acquisition/acquisition.ts";
import { reportDeadlock } from "../acquisition/bodies.ts";
import type { AcquireOptions, Amounts, Awaitable, Limits, LimitView, Prospect } from "../contract.ts";
import { LimitSetClosedError } from "../errors.ts";
import type { RedefineOptions, Redefinition } from "../limits/era.ts";
import { checkRequestOptions } from "../limits/options.ts";
import type { LimitStats } from "../limits/stats.ts";
import { HandingOn, type SentChange } from "../remote/changes.ts";
import { type StandIn, standIn } from "./away.ts";
import { Batches } from "./batches.ts";
import { operationOf } from "./changes.ts";
import { Conversation } from "./conversation.ts";
import { RedisGate } from "./gate.ts";
import { Notifier } from "./notifier.ts";
import type { RedisLimitSetOptions } from "./options.ts";
import { RedisQueue } from "./queue.ts";
import { prospectOf } from "./refusing.ts";
import { Releases } from "./releases.ts";
import { renew } from "./renewing.ts";
import type { RedisAcquisition, Session } from "./session.ts";
import { Sessions } from "./sessions.ts";
import { type Settings, settingsOf } from "./settings.ts";
import { Settlements } from "./settlements.ts";
import { statsOf } from "./stats.ts";
import { Totals } from "./totals.ts";

/**
 * Rate limits, call limits and resource limits on a server, taken from together: all or nothing, in one call.
 *
 * @throws {InvalidLimitError} if a definition or an option makes no sense.
 * @throws {InvalidRequestError} if `client` is no client of a known library.
 * @example
 * const limits = new RedisLimitSet({
 *   name: "openai",
 *   limits: [new RateLimit({ key: "tokens", capacity: 90_000, windowMs: 60_000 })],
 *   client: new Redis(),
 * });
 * (await limits.acquire({ tokens: 500 })).requested; // { tokens: 500 }
 */
export class RedisLimitSet<K extends string = string>
  extends HandingOn<K, K, Promise<void>>
  implements Limits<K>
{
  /** The name of the set on the server. */
  readonly name: string;
  /** The keys of the limits, in the order of their definition. */
  get keys(): readonly K[] {
    return this.#settings.requests.keys;
  }

  /** What the set was made with, frozen. */
  readonly config: Readonly<Record<string, unknown>>;
  /** What a release does about a RateLimit whose usage was not reported. */
  readonly missingUpdate: "throw" | "charge";
  readonly #settings: Settings<K>;
  readonly #notifier: Notifier;
  readonly #conversation: Conversation;
  readonly #sessions: Sessions<K>;
  readonly #settlements: Settlements<K>;
  readonly #queue: RedisQueue<K>;
  readonly #batches: Batches<K>;
  readonly #totals: Totals;
  readonly #standIn: StandIn<K> | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: RedisLimitSetOptions<K>) {
    super();
    const settings = settingsOf(options);
    const { client, server } = settings;
    this.name = settings.name;
    this.config = settings.config;
    this.missingUpdate = settings.missingUpdate;
    this.#settings = settings;
    this.#notifier = Notifier.of(client, server);
    this.#standIn = standIn(settings);
    const conversation = new Conversation(settings, server.pulse);
    const sessions = new Sessions<K>(settings, conversation, {
      settle: (session, due, token) => this.#settle(session, due, token),
      acquireNested: (...request) => this.#acquire(...request),
    });
    this.#totals = new Totals(settings.limits.length);
    const settlements = new Settlements(settings, this.#totals, sessions, conversation);
    const gate = new RedisGate(settings, sessions, settlements, this.#totals, this.#standIn);
    const releases = new Releases(this.#notifier, settings, sessions);
    const queue = new RedisQueue(settings, conversation, gate, releases);
    this.#conversation = conversation;
    this.#sessions = sessions;
    this.#settlements = settlements;
    this.#queue = queue;
    const renewed = { settings, sessions, totals: this.#totals, settlements, queue, standIn: this.#standIn };
    const parts = { conversation, sessions, settlements, queue, releases };
    this.#batches = new Batches(settings, { ...parts, renew: (before) => renew(renewed, before) });
    conversation.begin(this.#batches);
  }

  /** @internal Vue makes no proxy of it. */
  get __v_skip(): boolean {
    return true;
  }

  /** How many requests of this process wait. */
  get waiting(): number {
    return this.#queue.lines.size;
  }

  /**
   * Takes the amounts named, plus 1 of every CallLimit and ResourceLimit not named; waits for its turn if need be.
   *
   * @throws {InvalidRequestError} for an unknown key, a value that is no amount, or an amount that could never be granted.
   * @throws {AcquireTimeoutError} if not granted within `timeoutMs`.
   * @throws {WaitTooLongError} if it is known to wait for longer than `maxWaitMs`.
   * @throws {QueueFullError} if `maxWaiting` requests of this process wait already.
   * @throws {BackendUnavailableError} if the server does not answer within `deadlineMs`. A request that waits already waits on.
   * @throws {BackendRefusedError} if the server refuses: a right, a password or a command is missing.
   * @throws {DefinitionMismatchError} if another version of this library has written the limits on the server.
   * @throws {LimitSetClosedError} if the set is closed, also while waiting.
   * @throws the signal's reason if it aborts.
   * @example
   * const acquisition = await limits.acquire({ tokens: 500 }, { timeoutMs: 10_000 });
   * acquisition.requested; // { tokens: 500 }
   */
  acquire(requested?: Amounts<K>, options?: AcquireOptions): Promise<RedisAcquisition<K, K>> {
    return this.#acquire(requested, options, undefined);
  }

  /**
   * Takes now or not at all. Never delays a waiter of this process.
   *
   * @throws {InvalidRequestError} for an unknown key, a value that is no amount, or an amount that could never be granted.
   * @throws {BackendUnavailableError} if the server does not answer within `deadlineMs`.
   * @throws {BackendRefusedError} if the server refuses: a right, a password or a command is missing.
   * @throws {DefinitionMismatchError} if another version of this library has written the limits on the server.
   * @throws {LimitSetClosedError} if the set is closed.
   * @example
   * const tried = await limits.tryAcquire({ tokens: 500 });
   * tried.successful ? "go" : `again in ${tried.retryAfterMs} ms`; // "go"
   */
  async tryAcquire(requested?: Amounts<K>): Promise<RedisAcquisition<K, K>> {
    this.#check();
    const units = this.#settings.requests.parse(requested);
    const session = this.#sessions.current;
    if (units.every((count) => count === 0)) return session.grant(units, 0);
    const standIn = this.#standingIn();
    if (standIn) return standIn.try(units, session);
    return this.#queue.enqueue({ units }, true);
  }

  /**
   * Tells what `tryAcquire` would answer now, and takes nothing.
   *
   * @throws all that `tryAcquire` throws.
   * @example
   * (await limits.peek({ tokens: 500 })).successful; // true
   */
  async peek(requested?: Amounts<K>): Promise<Prospect<K>> {
    this.#check();
    const units = this.#settings.requests.parse(requested);
    if (units.every((count) => count === 0))
      return { successful: true, retryAfterMs: 0, limitedBy: [], ahead: 0 };
    try {
      return this.#standingIn()?.peek(units) ?? (await this.#peek(requested));
    } catch (error) {
      this.#check();
      const standIn = this.#standingIn();
      if (!standIn) throw error;
      return standIn.peek(units);
    }
  }

  /**
   * Acquires, runs `body`, releases. Rejects with the error that the body throws; otherwise, if usage is missing, with that error.
   *
   * @throws as `acquire` does.
   * @throws {UsageNotReportedError} if the body has not reported the usage of a RateLimit, unless `missingUpdate` is `"charge"`.
   * @example
   * await limits.run({ tokens: 500 }, async (acquisition) => {
   *   const answer = await callApi({ signal: acquisition.signal });
   *   acquisition.update({ tokens: answer.tokensUsed });
   *   return answer.text;
   * }); // the answer's text
   */
  run<T>(
    requested: Amounts<K> | undefined,
    body: (acquisition: RedisAcquisition<K, K>) => Awaitable<T>,
    options?: AcquireOptions,
  ): Promise<T> {
    return runOn(this, requested, body, options);
  }

  /**
   * The state of all limits, at one moment. `waiting` counts this process only. Reading changes nothing.
   *
   * @throws {BackendUnavailableError} if the server does not answer within `deadlineMs`.
   * @throws {BackendRefusedError} if the server refuses: a right, a password or a command is missing.
   * @throws {LimitSetClosedError} if the set is closed.
   * @example
   * (await limits.stats()).tokens.available; // 89_500
   */
  async stats(): Promise<Readonly<Record<K, LimitStats>>> {
    this.#check();
    if (this.keys.length === 0) return Object.freeze({}) as Record<K, LimitStats>;
    const waitingFor = (index: number) => this.#queue.lines.waitingFor(index);
    return this.#queue.readings.read((answer) => statsOf(answer, this.#settings, waitingFor, this.#totals));
  }

  /**
   * The definition of one limit, and its `stats()`.
   *
   * @throws {InvalidRequestError} for an unknown key.
   * @example
   * limits.get("tokens").capacity; // 90_000
   */
  get(key: K): LimitView<Promise<LimitStats>> {
    const { limits, requests } = this.#settings;
    const limit = limits[requests.indexOf(key)]!;
    return Object.freeze({ ...limit, stats: async () => (await this.stats())[key] });
  }

  /**
   * Ends the set in this process: waiters reject with `LimitSetClosedError`, and the resources that it holds come back.
   * Resolves when the server knows, or has not answered within `deadlineMs`. The client stays open. Again: does nothing.
   *
   * @example
   * await limits.close(); // undefined
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /**
   * @internal
   * @throws {InvalidRequestError} as a `LimitSet` does.
   * @throws {BackendUnavailableError} if the server does not answer within `deadlineMs`.
   */
  protected async handOn(change: SentChange): Promise<void> {
    this.#check();
    const operation = () => operationOf(change, this.#settings.limits, this.#settings.definitions);
    if (operation().text === undefined) return;
    const isOnce = change[0] === "charge";
    await this.#queue.readings.change(
      () => operation().text ?? ".",
      isOnce,
      () => {
        for (const [i, units] of (operation().charged ?? []).entries())
          this.#totals.moved(i, units, "charged");
        this.#queue.serve();
      },
    );
  }

  /**
   * Gives the set other limits, for all processes that share it. What is used of a limit stays used under its new definition. Open
   * acquisitions go on, and so do waiters: those that could never pass reject with `InvalidRequestError`. A bad definition changes nothing.
   *
   * @param limits All limits that the set has from now on, or a function that makes them of the present ones. The function is called
   * again if another process redefines the set in between.
   * @throws {InvalidLimitError} if a definition is out of bounds, or two limits have the same key.
   * @throws {InvalidRequestError} if an option makes no sense.
   * @throws {BackendUnavailableError} if the server does not answer within `deadlineMs`.
   * @throws {LimitSetClosedError} if the set is closed.
   * @example
   * await limits.redefine((current) => current.map((limit) => ({ ...limit, capacity: 2 * limit.capacity })));
   * limits.get("tokens").capacity; // 180_000
   */
  async redefine(limits: Redefinition, options: RedefineOptions = {}): Promise<void> {
    this.#check();
    await this.#batches.redefine(limits, options);
  }

  async #peek(requested: Amounts<K> | undefined): Promise<Prospect<K>> {
    const requestOf = () => ({ units: this.#settings.requests.parse(requested) });
    return prospectOf(await this.#queue.readings.peek(requestOf, () => this.#queue.lines), this.keys);
  }

  async #acquire(
    requested: Amounts<K> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[] | undefined,
  ): Promise<RedisAcquisition<K, K>> {
    this.#check();
    const { requests } = this.#settings;
    const session = this.#sessions.current;
    const units = covered ? requests.parseNested(requested, covered) : requests.parse(requested);
    const timeoutMs = checkRequestOptions(options);
    if (units.every((count) => count === 0)) return session.grant(units, 0, covered);
    const standIn = this.#standingIn();
    if (standIn) return standIn.acquire(units, options, session);
    if (timeoutMs !== 0) reportDeadlock(requests, requests, { units }, this.#settings.onWarning);
    return this.#queue.enqueue({ units, covered }, timeoutMs === 0, options);
  }

  /** Stands in for the server if that is away; asks whether it is back. */
  #standingIn(): StandIn<K> | undefined {
    if (!this.#standIn || !this.#conversation.isAway || this.#conversation.isRefused) return undefined;
    this.#conversation.send();
    return this.#standIn;
  }

  #settle(session: Session<K>, due: readonly number[], token: number): void {
    this.#settlements.add(session, due, token);
    if (due.some((units) => units < 0)) this.#queue.serve();
  }

  #check(): void {
    if (this.#sessions.isEnded) throw new LimitSetClosedError();
  }

  async #close(): Promise<void> {
    this.#sessions.end();
    this.#queue.close(new LimitSetClosedError());
    this.#standIn?.close();
    await this.#batches.end();
    this.#notifier.retire();
  }
}
