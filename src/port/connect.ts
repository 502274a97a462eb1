/** The side that has not the set. */
import { type Denial, Grant, type Granter, Refusal, runWith } from "../acquisition/acquisition.ts";
import { type LeakWatch, watchLeaks } from "../acquisition/leaks.ts";
import type { AcquireOptions, Acquisition, Amounts, Awaitable, Limits, LimitView } from "../contract.ts";
import { BackendUnavailableError, type LimitError, LimitSetClosedError } from "../errors.ts";
import { type Limit, type LimitLike, toLimits } from "../limits/limits.ts";
import { checkTimeout } from "../limits/options.ts";
import { Requests } from "../limits/requests.ts";
import type { LimitStats } from "../limits/stats.ts";
import { LONGEST_TIMER_MS, systemClock } from "../platform/clock.ts";
import { hasLocks, holdLock } from "../platform/locks.ts";
import { type PromiseWithResolvers, withResolvers } from "../platform/resolvers.ts";
import { soon } from "../platform/soon.ts";
import { warnOnce } from "../platform/warning.ts";
import { unpackError } from "../remote/packed-errors.ts";
import { type Endpoint, type EndpointLike, tells, toEndpoint } from "./endpoint.ts";
import { SignsOfLife } from "./life.ts";
import { ASK, NOBODY, type Op, Outbox, pack, saidIn, TELL, VERSION } from "./protocol.ts";

/** Options of `connectLimits`. */
export interface ConnectOptions {
  /** Which set it is, where one channel carries several: both sides say the same name. Default: `""`. */
  readonly name?: string;
  /** Told of each acquisition that was garbage-collected without a release, as `LimitSet`'s is. */
  readonly onWarning?: (warning: LimitError) => void;
}

/** A set that another thread, process or page has. */
export interface ConnectedLimits<K extends string = string> extends Limits<K> {
  /** Settles when the host has answered. `keys`, `config` and `get` need that; everything else waits for it by itself. */
  readonly ready: Promise<void>;
  tryAcquire(requested?: Amounts<K>): Promise<Acquisition<K>>;
  stats(): Promise<Readonly<Record<K, LimitStats>>>;
  get(key: K): LimitView<Promise<LimitStats>>;
  close(): void;
}

/**
 * Connects to the set that the other end of a channel serves. An acquire takes one round trip, `update` none, a release is one
 * message; all that is asked in one turn travels together.
 *
 * All that waits rejects with `BackendUnavailableError` when the host disappears: at once where the platform tells, within 25 s
 * where it does not. `close()` ends the connection, not the set.
 *
 * @throws {InvalidRequestError} if the endpoint is none.
 * @example
 * const limits = connectLimits(process); // in a process whose parent has called serveLimits(limits, child)
 * const acquisition = await limits.acquire({ tokens: 500 });
 * acquisition.requested; // { tokens: 500 }
 */
export function connectLimits<K extends string = string>(
  endpoint: EndpointLike,
  options: ConnectOptions = {},
): ConnectedLimits<K> {
  return new Connection<K>(toEndpoint(endpoint), options);
}

// To connect takes a moment, however little time a request has once it is there.
const LEAST_PATIENCE_MS = 1_000;

/** What is known of the set once the host has answered. */
interface Known<K extends string> {
  readonly requests: Requests<K>;
  readonly limits: readonly Limit<K>[];
  readonly granter: PortGranter<K>;
  readonly config: Readonly<Record<string, unknown>>;
}

/** Something that the host has been asked. */
interface Question {
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

class Connection<K extends string> implements ConnectedLimits<K> {
  readonly ready: Promise<void>;
  readonly #endpoint: Endpoint;
  readonly #outbox: Outbox;
  readonly #life: SignsOfLife;
  readonly #unlisten: () => void;
  readonly #release: (() => void) | undefined;
  readonly #onWarning: (warning: LimitError) => void;
  readonly #questions = new Map<number, Question>();
  readonly #greeting: PromiseWithResolvers<void>;
  #known: Known<K> | undefined;
  #signs = true;
  #attending = false;
  #number = 0;
  #held = 0;
  #error: LimitError | undefined;

  constructor(endpoint: Endpoint, { name = "", onWarning = warnOnce() }: ConnectOptions) {
    this.#endpoint = endpoint;
    this.#onWarning = onWarning;
    this.#greeting = withResolvers<void>();
    this.ready = this.#greeting.promise;
    this.ready.catch(() => {}); // Whoever asks for something learns of it.
    const session = 1 + Math.floor(Math.random() * (Number.MAX_SAFE_INTEGER - 1));
    const address = { endpoint, name, to: "host", session } as const;
    this.#outbox = new Outbox(address, () => this.#lose("the channel to the host is gone"));
    this.#life = new SignsOfLife({
      sign: () => this.#outbox.say(ASK.PING),
      lost: () => this.#lose("no sign of life from the host for too long"),
    });
    this.#unlisten = endpoint.receive((message) => {
      const said = saidIn(message, name, "peer");
      if (!said || (said.session !== session && said.session !== NOBODY)) return;
      this.#life.heard();
      for (const op of said.ops) if (!this.#error) this.#do(op);
    });
    endpoint.ended?.(() => this.#lose("the host is gone"));
    this.#outbox.say(ASK.HELLO, VERSION);
    if (!tells(endpoint) && hasLocks) {
      const lock = `limitset ${crypto.randomUUID()}`;
      this.#release = holdLock(lock, () => this.#outbox.say(ASK.LOCK, lock));
    }
    this.#attend();
  }

  get keys(): readonly K[] {
    return this.#facts().requests.keys;
  }

  get config(): Readonly<Record<string, unknown>> {
    return this.#facts().config;
  }

  get missingUpdate(): "throw" | "charge" {
    return this.#facts().granter.missingUpdate;
  }

  acquire(requested?: Amounts<K>, options?: AcquireOptions): Promise<Acquisition<K>> {
    return this.#acquire(requested, options, undefined, 0);
  }

  async tryAcquire(requested?: Amounts<K>): Promise<Acquisition<K>> {
    const { requests, granter } = this.#known ?? (await this.#facing());
    this.#check();
    const units = requests.parse(requested);
    const number = ++this.#number;
    const answer = this.#ask(number);
    this.#outbox.say(ASK.TRY, number, pack(requested, requests.keys));
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
    return runWith(await this.acquire(requested, options), body);
  }

  async stats(): Promise<Readonly<Record<K, LimitStats>>> {
    const { requests } = this.#known ?? (await this.#facing());
    this.#check();
    const number = ++this.#number;
    const answer = this.#ask(number);
    this.#outbox.say(ASK.STATS, number);
    const rows = (await answer) as (LimitStats & { retryAfterMs: number | null })[];
    const entries = requests.keys.map((key, i) => {
      const row = rows[i]!;
      return [key, Object.freeze({ ...row, retryAfterMs: row.retryAfterMs ?? Number.POSITIVE_INFINITY })];
    });
    return Object.freeze(Object.fromEntries(entries));
  }

  get(key: K): LimitView<Promise<LimitStats>> {
    const { requests, limits } = this.#facts();
    const limit = limits[requests.indexOf(key)]!;
    return Object.freeze({ ...limit, stats: async () => (await this.stats())[key] });
  }

  close(): void {
    if (this.#error) return;
    this.#outbox.say(ASK.BYE);
    this.#outbox.flush();
    this.#end(new LimitSetClosedError());
  }

  /** Like `acquire`, on top of the acquisition that has the number `around`. */
  async #acquire(
    requested: Amounts<K> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[] | undefined,
    around: number,
  ): Promise<Acquisition<K>> {
    const timeoutMs = checkTimeout(options?.timeoutMs);
    const signal = options?.signal;
    signal?.throwIfAborted();
    const { requests, granter } = this.#known ?? (await this.#facing(signal, timeoutMs));
    this.#check();
    const units = covered ? requests.parseNested(requested, covered) : requests.parse(requested);
    const number = ++this.#number;
    const answer = this.#ask(number);
    const wait = timeoutMs === Number.POSITIVE_INFINITY ? null : timeoutMs;
    this.#outbox.say(ASK.ACQUIRE, number, around, pack(requested, requests.keys), wait);
    // Only the host knows whether it came in time: nothing may be held that nobody has.
    const cancel = () => this.#outbox.say(ASK.CANCEL, number);
    signal?.addEventListener("abort", cancel);
    try {
      if ((await answer) === TELL.CANCELLED) throw signal!.reason;
    } finally {
      signal?.removeEventListener("abort", cancel);
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
    this.#attend();
    return new Grant(granter, units, number, covered);
  }

  #do(op: Op): void {
    const [kind, number, second, third, fourth, fifth] = op;
    if (kind === TELL.HERE) {
      if (!this.#known) this.#outbox.say(ASK.HELLO, VERSION);
    } else if (kind === TELL.WELCOME) {
      if (!this.#known) this.#meet(second, third, fourth, fifth);
    } else if (kind === TELL.ENDED) {
      this.#lose(`the host has ended the connection: ${String(number)}`);
    } else if (kind !== TELL.PONG) {
      this.#answer(kind, number as number, second, third);
    }
  }

  #meet(limits: unknown, config: unknown, missingUpdate: unknown, signs: unknown): void {
    let definitions: readonly Limit<K>[];
    try {
      definitions = toLimits(limits as LimitLike<K>[]);
    } catch (error) {
      this.#lose(`the host has answered with limits that make no sense: ${(error as Error).message}`);
      return;
    }
    const requests = new Requests<K>(definitions);
    const frozen = Object.freeze({ ...(config as Record<string, unknown>) });
    this.#signs = signs === true || !tells(this.#endpoint);
    const granter = new PortGranter<K>({
      requests,
      config: frozen,
      missingUpdate: missingUpdate === "charge" ? "charge" : "throw",
      onWarning: this.#onWarning,
      acquire: (...args) => this.#acquire(...args),
      release: (number, usage) => this.#giveBack(number, usage),
      isClosed: () => this.#error !== undefined,
    });
    this.#known = { requests, limits: definitions, granter, config: frozen };
    this.#greeting.resolve();
    this.#attend();
  }

  #answer(kind: number, number: number, second: unknown, third: unknown): void {
    const question = this.#questions.get(number);
    if (!question) return;
    this.#questions.delete(number);
    if (kind === TELL.FAILED) question.reject(unpackError(second));
    else if (kind === TELL.REFUSED) question.resolve([second, third]);
    else if (kind === TELL.STATS) question.resolve(second);
    else question.resolve(kind === TELL.CANCELLED ? TELL.CANCELLED : undefined);
    this.#attend();
  }

  #ask(number: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#questions.set(number, { resolve, reject });
      this.#attend();
    });
  }

  #giveBack(number: number, usage: readonly (number | null)[]): void {
    if (this.#error) return;
    this.#held--;
    this.#outbox.say(ASK.RELEASE, number, usage);
    this.#attend();
  }

  /** Whether this side waits for something, or has something that could be lost, has changed. */
  #attend(): void {
    if (this.#attending) return;
    this.#attending = true;
    soon(() => {
      this.#attending = false;
      if (this.#error) return;
      const waits = !this.#known || this.#questions.size > 0;
      this.#endpoint.hold?.(waits);
      this.#life.watch(this.#signs && this.#known !== undefined && (waits || this.#held > 0));
    });
  }

  #facts(): Known<K> {
    if (this.#known) return this.#known;
    throw this.#error ?? new BackendUnavailableError("the host has not answered yet: await limits.ready");
  }

  /** What is known, once the host has answered; whoever asks may give up before. */
  async #facing(signal?: AbortSignal, timeoutMs = Number.POSITIVE_INFINITY): Promise<Known<K>> {
    this.#check();
    const { promise, reject } = withResolvers<void>();
    const abort = () => reject(signal?.reason);
    const ms = Math.max(timeoutMs, LEAST_PATIENCE_MS);
    const late = () => reject(new BackendUnavailableError(`the host has not answered within ${ms} ms`));
    const timer = ms <= LONGEST_TIMER_MS ? systemClock.setTimeout(late, ms) : undefined;
    signal?.addEventListener("abort", abort);
    try {
      await Promise.race([this.ready, promise]);
    } finally {
      signal?.removeEventListener("abort", abort);
      if (timer !== undefined) systemClock.clearTimeout(timer);
    }
    return this.#facts();
  }

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
    this.#life.stop();
    this.#unlisten();
    this.#release?.();
    this.#greeting.reject(error);
    for (const question of this.#questions.values()) question.reject(error);
    this.#questions.clear();
  }
}

/** The parts of a connection that grants need. */
interface Terms<K extends string> extends Pick<Granter<K>, "requests" | "config" | "missingUpdate"> {
  readonly onWarning: (warning: LimitError) => void;
  readonly acquire: (
    requested: Amounts<K> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[],
    around: number,
  ) => Promise<Acquisition<K>>;
  readonly release: (number: number, usage: readonly (number | null)[]) => void;
  readonly isClosed: () => boolean;
}

/** What grants need of a connection: they know themselves by their numbers. */
class PortGranter<K extends string> implements Granter<K> {
  readonly requests: Requests<K>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
  readonly leaks: LeakWatch;
  readonly #terms: Terms<K>;

  constructor(terms: Terms<K>) {
    this.requests = terms.requests;
    this.config = terms.config;
    this.missingUpdate = terms.missingUpdate;
    this.#terms = terms;
    this.leaks = watchLeaks(this, terms.onWarning);
  }

  get closed(): boolean {
    return this.#terms.isClosed();
  }

  settle(number: number, taken: readonly number[], used: readonly number[] | undefined): boolean {
    this.#terms.release(number, this.requests.usage(taken, used));
    return this.requests.misses(taken, used);
  }

  acquireNested(
    requested: Amounts<K> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[],
    number: number,
  ): Promise<Acquisition<K>> {
    return this.#terms.acquire(requested, options, covered, number);
  }

  denial(limitedBy: readonly number[]): Denial<K> {
    return { config: this.config, limitedBy: Object.freeze(limitedBy.map((i) => this.requests.keys[i]!)) };
  }
}
