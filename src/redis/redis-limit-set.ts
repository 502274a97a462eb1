/** A set of limits on a Redis or Valkey server, for many machines. */
import { runWith } from "../acquisition/acquisition.ts";
import { LeasedRefusal } from "../acquisition/leased.ts";
import type { AcquireOptions, Amounts, Awaitable, Limits, LimitView } from "../contract.ts";
import {
  AcquireTimeoutError,
  BackendUnavailableError,
  LimitError,
  LimitSetClosedError,
  show,
} from "../errors.ts";
import { type Limit, toLimits } from "../limits/limits.ts";
import { checkTimeout } from "../limits/options.ts";
import { Requests } from "../limits/requests.ts";
import { describe, type LimitStats } from "../limits/stats.ts";
import { toMicros } from "../limits/units.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import { type StandIn, standIn } from "./away.ts";
import { messageOf, type Server, serverOf } from "./client.ts";
import { Conversation, type Operation, type Outcome, type Timing } from "./conversation.ts";
import { type Definitions, definitionsOf, readable } from "./definitions.ts";
import { DefinitionMismatchError } from "./errors.ts";
import type { Asker } from "./line.ts";
import { Notifier } from "./notifier.ts";
import { completed, type RedisLimitSetOptions } from "./options.ts";
import { Queue } from "./queue.ts";
import { Renewal } from "./renewal.ts";
import { type RedisAcquisition, Session } from "./session.ts";
import { waitOf } from "./wire.ts";

/**
 * Rate limits, call limits and resource limits on a server, taken from together: all or nothing, in one call.
 *
 * @throws {InvalidLimitError} if a definition or an option makes no sense.
 * @throws {InvalidRequestError} if `client` is none that is known.
 * @example
 * const limits = new RedisLimitSet({
 *   name: "openai",
 *   limits: [new RateLimit({ key: "tokens", capacity: 90_000, windowMs: 60_000 })],
 *   client: new Redis(),
 * });
 * (await limits.acquire({ tokens: 500 })).requested; // { tokens: 500 }
 */
export class RedisLimitSet<K extends string = never> implements Limits<K> {
  /** The name of the set on the server. */
  readonly name: string;
  /** The keys of the limits, in the order of their definition. */
  readonly keys: readonly K[];
  /** The option `config`, frozen. */
  readonly config: Readonly<Record<string, unknown>>;
  /** What a release does about a RateLimit whose usage was not reported. */
  readonly missingUpdate: "throw" | "charge";
  readonly #limits: readonly Limit<K>[];
  readonly #requests: Requests<K>;
  readonly #definitions: Definitions;
  readonly #server: Server;
  readonly #notifier: Notifier;
  readonly #key: string;
  readonly #leaseMs: number;
  readonly #renewal: Renewal;
  readonly #deadlineMs: number;
  readonly #clock: Clock;
  /** Whether time is the clock's, not the server's. */
  readonly #isInjected: boolean;
  readonly #queue: Queue<RedisAcquisition<K>>;
  readonly #conversation: Conversation;
  readonly #standIn: StandIn<K> | undefined;
  readonly #newSession: () => Session<K>;
  #session: Session<K>;
  /** What is to be settled with the next batch. */
  #settlements: Operation[] = [];
  #redefines: boolean;
  #readAt = 0;
  #unlisten: (() => void) | undefined;
  #closed: Promise<void> | undefined;
  #left: (() => void) | undefined;

  constructor(options: RedisLimitSetOptions<K>) {
    const complete = completed(options);
    const { name, limits, client, leaseMs, deadlineMs, missingUpdate, config, clock, onWarning } = complete;
    this.name = name;
    this.missingUpdate = missingUpdate;
    this.config = config;
    this.#limits = toLimits(limits);
    this.#requests = new Requests(this.#limits);
    this.keys = this.#requests.keys;
    this.#definitions = definitionsOf(this.#limits);
    this.#server = serverOf(client);
    this.#notifier = Notifier.of(client, this.#server);
    // Braces: all keys of a set are on one node of a cluster, should there ever be two.
    this.#key = `limitset:{${name}}`;
    this.#leaseMs = leaseMs;
    this.#deadlineMs = deadlineMs;
    this.#clock = clock;
    this.#isInjected = complete.isInjected;
    this.#redefines = complete.redefine;
    this.#standIn = standIn<K>({ ...complete, limits: this.#limits });
    const terms = {
      requests: this.#requests,
      config: this.config,
      missingUpdate,
      onWarning,
      isClosed: () => this.#closed !== undefined,
      acquireNested: (
        requested: Amounts<K> | undefined,
        acquireOptions: AcquireOptions | undefined,
        covered: readonly boolean[],
      ) => this.#acquire(requested, acquireOptions, covered),
      settle: (session: Session<K>, due: readonly number[], takenAt: number) =>
        this.#settle(session, due, takenAt),
    };
    this.#newSession = () => new Session<K>(terms);
    this.#session = this.#newSession();
    this.#renewal = new Renewal(leaseMs, clock, {
      session: () => this.#session,
      isAway: () => this.#conversation.isAway,
      kick: () => this.#conversation.kick(),
      lost: (why) => this.#loseSession(why),
    });
    this.#conversation = new Conversation({
      deadlineMs,
      memoryMs: (leaseMs * 3) / 4,
      next: () => this.#next(),
      send: (seq, operations) => this.#send(seq, operations),
      now: () => this.#clock.now(),
      arrived: (sentAt, outcome) => this.#arrived(sentAt, outcome),
      told: (timing, outcome, wasInterrupted) => this.#told(timing, outcome, wasInterrupted),
      refused: (answer) => this.#refused(answer),
      missing: (askedBefore) => this.#queue.giveUp(askedBefore),
      interrupted: () => this.#queue.release(),
      get isWaiting() {
        return isWaiting();
      },
    });
    const isWaiting = () => this.#queue.size > 0 || this.#settlements.length > 0;
    this.#queue = new Queue(this.#limits.length, {
      clock,
      kick: () => this.#conversation.kick(),
      encode: (code, units) => code + this.#encode(units),
      grant: (asker, takenAt) => this.#grant(asker, takenAt),
      undo: (asker, takenAt) => this.#undo(asker, takenAt),
      refusal: (_asker, waitMs, limitedBy) => new LeasedRefusal<K>(this.#denial(limitedBy), waitMs),
      timeout: (asker, limitedBy) => new AcquireTimeoutError(asker.timeoutMs, this.#named(limitedBy)),
      unanswered: (asker) => this.#unanswered(asker),
      failure: (error) => unavailable(error),
      waits: (somebody) => this.#listen(somebody),
      inOrder: (index) => this.#definitions.indexes.indexOf(index),
    });
  }

  /** How many requests of this process wait. */
  get waiting(): number {
    return this.#queue.size;
  }

  /**
   * Takes the amounts named, plus 1 of every CallLimit and ResourceLimit not named; waits for its turn if need be.
   *
   * @throws {InvalidRequestError} for an unknown key, what is no amount, or more than could ever pass.
   * @throws {AcquireTimeoutError} if not granted within `timeoutMs`.
   * @throws {BackendUnavailableError} if the server does not answer within `deadlineMs`. Who already waits, waits on.
   * @throws {DefinitionMismatchError} if the server has other limits under this name.
   * @throws {LimitSetClosedError} if the set is closed, also while waiting.
   * @throws the signal's reason if it aborts.
   * @example
   * const acquisition = await limits.acquire({ tokens: 500 }, { timeoutMs: 10_000 });
   * acquisition.requested; // { tokens: 500 }
   */
  acquire(requested?: Amounts<K>, options?: AcquireOptions): Promise<RedisAcquisition<K>> {
    return this.#acquire(requested, options, undefined);
  }

  /**
   * Takes now or not at all; never overtakes those of this process who wait for one of the same limits.
   *
   * @throws {InvalidRequestError} for an unknown key, what is no amount, or more than could ever pass.
   * @throws {BackendUnavailableError} if the server does not answer within `deadlineMs`.
   * @example
   * const tried = await limits.tryAcquire({ tokens: 500 });
   * tried.successful ? "go" : `again in ${tried.retryAfterMs} ms`; // "go"
   */
  async tryAcquire(requested?: Amounts<K>): Promise<RedisAcquisition<K>> {
    this.#check();
    const units = this.#requests.parse(requested);
    if (units.every((count) => count === 0)) return this.#session.grant(units, 0);
    if (this.#conversation.isAway && this.#standIn) {
      this.#conversation.kick();
      return this.#standIn.try(units, this.#session);
    }
    return this.#queue.ask({ units }, true);
  }

  /**
   * Acquires, runs `body`, releases. Rejects with what the body throws; else, if usage is missing, with that error.
   *
   * @example
   * await limits.run({ tokens: 500 }, async (acquisition) => {
   *   const answer = await callApi({ signal: acquisition.signal });
   *   acquisition.update({ tokens: answer.tokensUsed });
   *   return answer.text;
   * }); // the answer's text
   */
  async run<T>(
    requested: Amounts<K> | undefined,
    body: (acquisition: RedisAcquisition<K>) => Awaitable<T>,
    options?: AcquireOptions,
  ): Promise<T> {
    const acquisition = await this.acquire(requested, options);
    return runWith(acquisition, () => body(acquisition));
  }

  /**
   * How all limits stand, at one moment. `waiting` counts this process only. Reading changes nothing.
   *
   * @throws {BackendUnavailableError} if the server does not answer within `deadlineMs`.
   */
  async stats(): Promise<Readonly<Record<K, LimitStats>>> {
    this.#check();
    if (this.#limits.length === 0) return Object.freeze({}) as Record<K, LimitStats>;
    return this.#queue.read((answer) => this.#statsOf(answer));
  }

  /**
   * The definition of one limit, and its `stats()`.
   *
   * @throws {InvalidRequestError} for an unknown key.
   */
  get(key: K): LimitView<Promise<LimitStats>> {
    const limit = this.#limits[this.#requests.indexOf(key)]!;
    return Object.freeze({ ...limit, stats: async () => (await this.stats())[key] });
  }

  /**
   * Ends the set in this process: waiters reject with `LimitSetClosedError`, the resources that it holds come back. Resolves when the
   * server knows, or does not answer. The client stays open. Again: does nothing.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #acquire(
    requested: Amounts<K> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[] | undefined,
  ): Promise<RedisAcquisition<K>> {
    this.#check();
    const units = covered ? this.#requests.parseNested(requested, covered) : this.#requests.parse(requested);
    const timeoutMs = checkTimeout(options?.timeoutMs);
    options?.signal?.throwIfAborted();
    if (units.every((count) => count === 0)) return this.#session.grant(units, 0, covered);
    if (this.#conversation.isAway && this.#standIn) {
      this.#conversation.kick();
      return this.#standIn.acquire(units, options, this.#session);
    }
    return this.#queue.ask({ units, covered }, timeoutMs === 0, options);
  }

  #next(): readonly Operation[] {
    const first = this.#settlements;
    this.#settlements = [];
    if (this.#renewal.takeDue()) {
      first.push({ encode: () => "R", answered: () => {}, failed: () => {} });
    }
    if (this.#left) {
      const left = this.#left;
      this.#left = undefined;
      return [...first, { encode: () => "L", answered: left, failed: left }];
    }
    return [...first, ...this.#queue.next()];
  }

  #send(seq: number, operations: readonly string[]): Promise<string> {
    this.#readAt = this.#clock.now();
    const session = this.#session;
    return this.#server.run(this.#key, [
      this.#definitions.text,
      this.#isInjected ? String(toMicros(this.#readAt)) : "",
      session.id,
      String(seq),
      String(session.held > 0 ? session.written : 0),
      String(toMicros(this.#leaseMs)),
      this.#redefines ? "redefine" : "",
      ...operations,
    ]);
  }

  #arrived(sentAt: number, { seq, isWritten }: Outcome): Timing {
    this.#redefines = false;
    if (isWritten) {
      this.#session.written = seq;
      this.#session.leasedUntil = sentAt + this.#leaseMs;
    }
    return { sentAt, readAt: this.#isInjected ? this.#readAt : this.#clock.now() };
  }

  #told({ readAt }: Timing, { dueMs }: Outcome, wasInterrupted: boolean): void {
    // What is waited for must be said again in time: the server forgets who waits.
    this.#queue.lookIn(readAt + Math.min(Math.max(dueMs, 1), this.#leaseMs / 3));
    if (wasInterrupted) this.#queue.open();
    if (!this.#closed) this.#renewal.watch();
  }

  #refused(answer: string): Error | undefined {
    if (answer.startsWith("other\n")) {
      const theirs = readable(answer.slice("other\n".length));
      return new DefinitionMismatchError(this.name, theirs, readable(this.#definitions.text));
    }
    if (answer !== "lost" && answer !== "stale") {
      return new BackendUnavailableError(`the server has answered what makes no sense: ${show(answer)}`);
    }
    this.#loseSession("the server has forgotten them");
    return undefined;
  }

  #loseSession(why: string): void {
    this.#session.lose(why);
    this.#session = this.#newSession();
    this.#conversation.restart();
    this.#renewal.stop();
  }

  #encode(units: readonly number[]): string {
    const { indexes } = this.#definitions;
    let list = "";
    for (let i = 0; i < units.length; i++) {
      const count = units[i]!;
      if (count !== 0) list += `${list === "" ? "" : ","}${indexes[i]}:${count}`;
    }
    return list;
  }

  #grant(asker: Asker<RedisAcquisition<K>>, takenAt: number): RedisAcquisition<K> | undefined {
    if (this.#closed) return undefined;
    const acquisition = this.#session.grant(asker.units, takenAt, asker.covered);
    this.#renewal.watch();
    return acquisition;
  }

  #settle(session: Session<K>, due: readonly number[], takenAt: number): void {
    // Of a session that is lost, the resources are gone; of one that is dropped, the usage still counts.
    const settled = () => {
      const left = session === this.#session ? due : this.#withoutResources(due);
      const list = this.#encode(left);
      return list === "" ? undefined : `S${takenAt} ${list}`;
    };
    const operation: Operation = {
      encode: settled,
      answered: () => {},
      failed: (error) => {
        // Was it done? What was to be given back stays taken rather than come back twice.
        if (error !== undefined && !this.#closed) this.#settlements.push(operation);
      },
    };
    this.#settlements.push(operation);
    if (due.some((units) => units < 0)) this.#queue.open();
    this.#conversation.kick();
  }

  #undo(asker: Asker<RedisAcquisition<K>>, takenAt: number): void {
    if (this.#closed) return;
    this.#settle(
      this.#session,
      asker.units.map((count) => -count),
      takenAt,
    );
  }

  #withoutResources(due: readonly number[]): readonly number[] {
    return due.map((units, i) => (this.#limits[i]!.type === "resource" ? 0 : units));
  }

  #unanswered(asker: Asker<RedisAcquisition<K>>): boolean {
    const { units, timeoutMs, signal } = asker;
    if (this.#standIn) {
      const left = Math.max(0, asker.deadline - this.#clock.now());
      const options = { timeoutMs: asker.isOnce ? 0 : left, signal };
      const isTry = asker.isOnce && timeoutMs !== 0;
      const stand = this.#standIn;
      const granted = isTry
        ? Promise.resolve().then(() => stand.try(units, this.#session))
        : stand.acquire(units, options, this.#session);
      granted.then(asker.resolve, asker.reject);
      return true;
    }
    if (asker.hasWaited) return false;
    asker.reject(unavailable(undefined));
    return true;
  }

  #listen(somebody: boolean): void {
    if (!somebody) {
      this.#unlisten?.();
      this.#unlisten = undefined;
    } else if (!this.#closed) {
      this.#unlisten ??= this.#notifier.listen(this.#key, (from) => {
        if (from !== this.#session.id) this.#queue.open();
      });
    }
  }

  #denial(limitedBy: readonly number[]) {
    return { config: this.config, limitedBy: Object.freeze(this.#named(limitedBy)) };
  }

  /** Limits by their keys, in the order of the set. */
  #named(limits: readonly number[]): K[] {
    return this.keys.filter((_, i) => limits.includes(i));
  }

  #statsOf(answer: string): Readonly<Record<K, LimitStats>> {
    const rows = answer.slice(1).split(",");
    const entries = this.#limits.map((limit, i) => {
      const [used, wait] = rows[this.#definitions.indexes[i]! - 1]!.split(":");
      return [limit.key, describe(limit, Number(used), waitOf(wait!), this.#queue.waitingFor(i))];
    });
    return Object.freeze(Object.fromEntries(entries));
  }

  #check(): void {
    if (this.#closed) throw new LimitSetClosedError();
  }

  async #close(): Promise<void> {
    // The next turn of the microtasks: by then `#closed` is set.
    await undefined;
    this.#queue.close(new LimitSetClosedError());
    this.#listen(false);
    this.#standIn?.close();
    this.#renewal.stop();
    const isKnown = this.#session.written > 0 || this.#settlements.length > 0;
    if (isKnown || this.#conversation.isBusy) {
      await new Promise<void>((resolve) => {
        const late = systemClock.setTimeout(resolve, this.#deadlineMs);
        this.#left = () => {
          systemClock.clearTimeout(late);
          resolve();
        };
        this.#conversation.kick();
      });
    }
    this.#conversation.end();
    this.#notifier.retire();
  }
}

/** Why a request was not answered. */
function unavailable(error: unknown): unknown {
  if (error instanceof LimitError) return error;
  const why = error === undefined ? "it has not answered in time" : messageOf(error);
  const unavailableError = new BackendUnavailableError(`the server cannot be reached: ${why}`);
  if (error !== undefined) unavailableError.cause = error;
  return unavailableError;
}
