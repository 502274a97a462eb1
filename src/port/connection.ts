/** One connection of a peer to the set of a host: its requests, its acquisitions, and its end. */

import { Grant, Refusal, runWith } from "../acquisition/acquisition.ts";
import type { AcquireOptions, Acquisition, Amounts, Awaitable, Limits, LimitView } from "../contract.ts";
import { BackendUnavailableError, type LimitError, LimitSetClosedError } from "../errors.ts";
import { type Limit, type LimitLike, toLimits } from "../limits/limits.ts";
import { checkRequestOptions } from "../limits/options.ts";
import { Requests } from "../limits/requests.ts";
import type { LimitStats } from "../limits/stats.ts";
import { reasonOf } from "../platform/aborted.ts";
import { LONGEST_TIMER_MS, systemClock } from "../platform/clock.ts";
import { hasLocks, holdLock } from "../platform/locks.ts";
import { type PromiseWithResolvers, withResolvers } from "../platform/resolvers.ts";
import { soon } from "../platform/soon.ts";
import { whenAborted } from "../waiting/aborts.ts";
import { type Endpoint, tells } from "./endpoint.ts";
import { PortGranter } from "./granter.ts";
import { Heartbeat, SILENCE_MS } from "./heartbeat.ts";
import {
  BROADCAST,
  messageFor,
  type Operation,
  Outbox,
  packAmounts,
  TO_HOST,
  TO_PEER,
  VERSION,
} from "./protocol.ts";
import { Questions } from "./questions.ts";

// Connecting takes a moment, so a request with a shorter timeout than this still waits for it.
const LEAST_PATIENCE_MS = 1_000;

/** The facts of the host's set, known once the host has sent `WELCOME`. */
interface Facts<K extends string> {
  readonly requests: Requests<K>;
  readonly limits: readonly Limit<K>[];
  readonly granter: PortGranter<K>;
  readonly config: Readonly<Record<string, unknown>>;
}

export class Connection<K extends string> implements Limits<K> {
  readonly ready: Promise<void>;
  readonly #endpoint: Endpoint;
  readonly #outbox: Outbox;
  readonly #heartbeat: Heartbeat;
  readonly #unlisten: () => void;
  readonly #releaseLock: (() => void) | undefined;
  readonly #onWarning: (warning: LimitError) => void;
  readonly #questions = new Questions();
  readonly #welcome: PromiseWithResolvers<void>;
  #facts: Facts<K> | undefined;
  #needsHeartbeat = true;
  #isReviewDue = false;
  /** The number of the last operation. */
  #number = 0;
  /** How many acquisitions this side has. */
  #held = 0;
  /** Why the connection has ended. */
  #error: LimitError | undefined;

  constructor(endpoint: Endpoint, name: string, onWarning: (warning: LimitError) => void) {
    this.#endpoint = endpoint;
    this.#onWarning = onWarning;
    this.#welcome = withResolvers<void>();
    this.ready = this.#welcome.promise;
    // Each later call rejects with the same error, so this rejection need not be handled.
    this.ready.catch(() => {});
    const session = 1 + Math.floor(Math.random() * (Number.MAX_SAFE_INTEGER - 1));
    const address = { endpoint, name, to: "host", session } as const;
    this.#outbox = new Outbox(address, () => this.#lose("the channel to the host is gone"));
    this.#heartbeat = new Heartbeat({
      beat: () => this.#outbox.send(TO_HOST.PING),
      lost: () => this.#lose(`the host was silent for ${SILENCE_MS / 1_000} s`),
    });
    this.#unlisten = endpoint.receive((received) => {
      const message = messageFor("peer", name, received);
      if (!message || (message.session !== session && message.session !== BROADCAST)) return;
      this.#heartbeat.heard();
      for (const op of message.ops) if (!this.#error) this.#perform(op);
    });
    endpoint.ended?.(() => this.#lose("the host is gone"));
    this.#outbox.send(TO_HOST.HELLO, VERSION);
    if (!tells(endpoint) && hasLocks) {
      const lock = `limitset ${crypto.randomUUID()}`;
      this.#releaseLock = holdLock(lock, () => this.#outbox.send(TO_HOST.LOCK, lock));
    }
    this.#reviewSoon();
  }

  /** @internal Vue makes no proxy of it. */
  get __v_skip(): boolean {
    return true;
  }

  get keys(): readonly K[] {
    return this.#known().requests.keys;
  }

  get config(): Readonly<Record<string, unknown>> {
    return this.#known().config;
  }

  get missingUpdate(): "throw" | "charge" {
    return this.#known().granter.missingUpdate;
  }

  acquire(requested?: Amounts<K>, options?: AcquireOptions): Promise<Acquisition<K>> {
    return this.#acquire(requested, options, undefined, 0);
  }

  async tryAcquire(requested?: Amounts<K>): Promise<Acquisition<K>> {
    const { requests, granter } = this.#facts ?? (await this.#whenKnown());
    this.#check();
    const units = requests.parse(requested);
    const number = ++this.#number;
    const answer = this.#ask(number);
    this.#outbox.send(TO_HOST.TRY, number, packAmounts(requested, requests.keys));
    const refused = await answer;
    if (!refused) return this.#grant(granter, units, number, undefined);
    const [wait, by] = refused as [number | null, number[]];
    return new Refusal<K>(granter.denial(by), wait ?? Number.POSITIVE_INFINITY);
  }

  async run<T>(
    requested: Amounts<K> | undefined,
    body: (acquisition: Acquisition<K>) => Awaitable<T>,
    options?: AcquireOptions,
  ): Promise<T> {
    return runWith(await this.acquire(requested, options), body, options?.signal);
  }

  async stats(): Promise<Readonly<Record<K, LimitStats>>> {
    const { requests } = this.#facts ?? (await this.#whenKnown());
    this.#check();
    const number = ++this.#number;
    const answer = this.#ask(number);
    this.#outbox.send(TO_HOST.STATS, number);
    const rows = (await answer) as (LimitStats & { retryAfterMs: number | null })[];
    const entries = requests.keys.map((key, i) => {
      const row = rows[i]!;
      return [key, Object.freeze({ ...row, retryAfterMs: row.retryAfterMs ?? Number.POSITIVE_INFINITY })];
    });
    return Object.freeze(Object.fromEntries(entries));
  }

  get(key: K): LimitView<Promise<LimitStats>> {
    const { requests, limits } = this.#known();
    const limit = limits[requests.indexOf(key)]!;
    return Object.freeze({ ...limit, stats: async () => (await this.stats())[key] });
  }

  close(): void {
    if (this.#error) return;
    this.#outbox.send(TO_HOST.BYE);
    this.#outbox.flush();
    this.#end(new LimitSetClosedError());
  }

  /** Acquires, on top of the acquisition with the number `around` if that is not 0. */
  async #acquire(
    requested: Amounts<K> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[] | undefined,
    around: number,
  ): Promise<Acquisition<K>> {
    const timeoutMs = checkRequestOptions(options);
    const signal = options?.signal;
    const { requests, granter } = this.#facts ?? (await this.#whenKnown(signal, timeoutMs));
    this.#check();
    const units = covered ? requests.parseNested(requested, covered) : requests.parse(requested);
    const number = ++this.#number;
    const answer = this.#ask(number);
    const wait = timeoutMs === Number.POSITIVE_INFINITY ? null : timeoutMs;
    this.#outbox.send(TO_HOST.ACQUIRE, number, around, packAmounts(requested, requests.keys), wait);
    // The host may have granted already, and only it knows. So the promise rejects when the host confirms, and not before:
    // otherwise the grant would be held without an owner.
    const cancel = () => this.#outbox.send(TO_HOST.CANCEL, number);
    const stopListening = signal && whenAborted(signal, cancel);
    try {
      if ((await answer) === TO_PEER.CANCELLED) throw reasonOf(signal!);
    } finally {
      stopListening?.();
    }
    return this.#grant(granter, units, number, covered);
  }

  #grant(
    granter: PortGranter<K>,
    units: readonly number[],
    number: number,
    covered: readonly boolean[] | undefined,
  ): Grant<K> {
    this.#held++;
    this.#reviewSoon();
    return new Grant(granter, units, number, covered);
  }

  #release(number: number, usage: readonly (number | null)[]): void {
    if (this.#error) return;
    this.#held--;
    this.#outbox.send(TO_HOST.RELEASE, number, usage);
    this.#reviewSoon();
  }

  #ask(number: number): Promise<unknown> {
    const answer = this.#questions.ask(number);
    this.#reviewSoon();
    return answer;
  }

  #perform([kind, number, second, third, fourth, fifth]: Operation): void {
    if (kind === TO_PEER.HERE) {
      if (!this.#facts) this.#outbox.send(TO_HOST.HELLO, VERSION);
    } else if (kind === TO_PEER.WELCOME) {
      if (!this.#facts) this.#learn(second, third, fourth, fifth);
    } else if (kind === TO_PEER.ENDED) {
      this.#lose(`the host has ended the connection: ${String(number)}`);
    } else if (kind !== TO_PEER.PONG) {
      if (this.#questions.answer(kind, number as number, second, third)) this.#reviewSoon();
    }
  }

  #learn(limits: unknown, config: unknown, missingUpdate: unknown, wantsHeartbeat: unknown): void {
    let definitions: readonly Limit<K>[];
    try {
      definitions = toLimits(limits as LimitLike<K>[]);
    } catch (error) {
      this.#lose(`the host has sent invalid limits: ${(error as Error).message}`);
      return;
    }
    const requests = new Requests<K>(definitions);
    const frozen = Object.freeze({ ...(config as Record<string, unknown>) });
    this.#needsHeartbeat = wantsHeartbeat === true || !tells(this.#endpoint);
    const granter = new PortGranter<K>({
      requests,
      config: frozen,
      missingUpdate: missingUpdate === "charge" ? "charge" : "throw",
      onWarning: this.#onWarning,
      acquire: (...args) => this.#acquire(...args),
      release: (number, usage) => this.#release(number, usage),
      isClosed: () => this.#error !== undefined,
    });
    this.#facts = { requests, limits: definitions, granter, config: frozen };
    this.#welcome.resolve();
    this.#reviewSoon();
  }

  /**
   * Called when a question or an acquisition has begun or ended. Once for all of this turn, the process is kept alive while this
   * side waits for an answer, and the heartbeat runs while the host's end would cost this side something.
   */
  #reviewSoon(): void {
    if (this.#isReviewDue) return;
    this.#isReviewDue = true;
    soon(() => {
      this.#isReviewDue = false;
      if (this.#error) return;
      const waits = !this.#facts || this.#questions.size > 0;
      this.#endpoint.hold?.(waits);
      this.#heartbeat.watch(this.#needsHeartbeat && this.#facts !== undefined && (waits || this.#held > 0));
    });
  }

  #known(): Facts<K> {
    if (this.#facts) return this.#facts;
    throw this.#error ?? new BackendUnavailableError("the host has not answered yet: await limits.ready");
  }

  /** The facts, once the host has sent them. Rejects when the signal aborts or the time is over. */
  async #whenKnown(signal?: AbortSignal, timeoutMs = Number.POSITIVE_INFINITY): Promise<Facts<K>> {
    this.#check();
    const { promise, reject } = withResolvers<void>();
    const ms = Math.max(timeoutMs, LEAST_PATIENCE_MS);
    const late = () => reject(new BackendUnavailableError(`the host has not answered within ${ms} ms`));
    const timer = ms <= LONGEST_TIMER_MS ? systemClock.setTimeout(late, ms) : undefined;
    const stopListening = signal && whenAborted(signal, () => reject(reasonOf(signal)));
    try {
      await Promise.race([this.ready, promise]);
    } finally {
      stopListening?.();
      if (timer !== undefined) systemClock.clearTimeout(timer);
    }
    return this.#known();
  }

  /** @throws the reason why the connection has ended. */
  #check(): void {
    if (this.#error) throw this.#error;
  }

  #lose(why: string): void {
    this.#end(new BackendUnavailableError(`the limits cannot be reached: ${why}`));
  }

  #end(error: LimitError): void {
    if (this.#error) return;
    this.#error = error;
    this.#endpoint.hold?.(false);
    this.#heartbeat.stop();
    this.#unlisten();
    this.#releaseLock?.();
    this.#welcome.reject(error);
    this.#questions.rejectAll(error);
  }
}
