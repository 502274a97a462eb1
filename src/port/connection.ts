/** One connection of a peer to the set of a host: its requests, its acquisitions, and its end. */

import { Grant, Refusal, runWith } from "../acquisition/acquisition.ts";
import type { AcquireOptions, Acquisition, Amounts, Awaitable, Limits, LimitView } from "../contract.ts";
import { BackendUnavailableError, type LimitError, LimitSetClosedError, show } from "../errors.ts";
import { checkRequestOptions } from "../limits/options.ts";
import type { LimitStats } from "../limits/stats.ts";
import { reasonOf } from "../platform/aborted.ts";
import { LONGEST_TIMER_MS, systemClock } from "../platform/clock.ts";
import { hasLocks, holdLock } from "../platform/locks.ts";
import { type PromiseWithResolvers, withResolvers } from "../platform/resolvers.ts";
import { soon } from "../platform/soon.ts";
import { Aborts, whenAborted } from "../waiting/aborts.ts";
import { type Endpoint, tells } from "./endpoint.ts";
import { type Facts, readFacts } from "./facts.ts";
import { PortGranter } from "./granter.ts";
import { Heartbeat, SILENCE_MS } from "./heartbeat.ts";
import { Hello } from "./hello.ts";
import { PeerOutbox } from "./outbox.ts";
import { BROADCAST, type Operation, packAmounts, packNumber, TO_HOST, TO_PEER, VERSION } from "./protocol.ts";
import { Questions } from "./questions.ts";
import { guarded, type ReadRefusal, readMessage, readRefusal, readStats } from "./reading.ts";

// Connecting takes a moment, so a request with a shorter timeout than this still waits for it.
const LEAST_PATIENCE_MS = 1_000;

/** The facts of the host's set, and the granter that uses them. */
interface Known<K extends string> extends Facts<K> {
  readonly granter: PortGranter<K>;
}

export class Connection<K extends string> implements Limits<K> {
  readonly ready: Promise<void>;
  readonly #endpoint: Endpoint;
  readonly #outbox: PeerOutbox;
  readonly #heartbeat: Heartbeat;
  #unlisten = () => {};
  readonly #releaseLock: (() => void) | undefined;
  readonly #onWarning: (warning: LimitError) => void;
  readonly #questions = new Questions();
  readonly #aborts = new Aborts<number>((numbers) => {
    for (const number of numbers) this.#outbox.send(TO_HOST.CANCEL, number);
  });
  readonly #welcome: PromiseWithResolvers<void>;
  #facts: Known<K> | undefined;
  readonly #hello: Hello;
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
    this.#outbox = new PeerOutbox(address, () => this.#lose("the channel to the host is gone"));
    this.#heartbeat = new Heartbeat({
      beat: () => this.#outbox.send(TO_HOST.PING),
      lost: () => this.#lose(`the host was silent for ${SILENCE_MS / 1_000} s`),
    });
    this.#hello = new Hello(() => this.#outbox.send(TO_HOST.HELLO, VERSION));
    const heard = (received: unknown) => {
      const message = readMessage("peer", name, received);
      if (!message || (message.session !== session && message.session !== BROADCAST)) return;
      this.#heartbeat.heard();
      for (const op of message.ops) if (!this.#error) this.#perform(op);
    };
    const failed = (why: string) => this.#lose(why);
    this.#unlisten = endpoint.receive(guarded(heard, failed));
    // An endpoint may have handed over messages at once.
    if (this.#error) this.#unlisten();
    endpoint.ended?.(guarded(() => this.#lose("the host is gone"), failed));
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
    const answer = this.#ask<ReadRefusal | "granted">(number, (kind, wait, by) => {
      if (kind === TO_PEER.GRANTED) return "granted";
      return kind === TO_PEER.REFUSED ? readRefusal(wait, by, requests.keys.length) : undefined;
    });
    this.#outbox.send(TO_HOST.TRY, number, packAmounts(requested, requests.keys));
    const refused = await answer;
    if (refused === "granted") return this.#grant(granter, units, number, undefined);
    return new Refusal<K>(granter.denial(refused.by), refused.wait);
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
    const answer = this.#ask(number, (kind, rows) =>
      kind === TO_PEER.STATS ? readStats(rows, requests.keys.length) : undefined,
    );
    this.#outbox.send(TO_HOST.STATS, number);
    const rows = await answer;
    const entries = requests.keys.map((key, i) => [key, rows[i]!]);
    return Object.freeze(Object.fromEntries(entries));
  }

  get(key: K): LimitView<Promise<LimitStats>> {
    const { requests, limits } = this.#known();
    const limit = limits[requests.indexOf(key)]!;
    return Object.freeze({ ...limit, stats: async () => (await this.stats())[key] });
  }

  close(): void {
    if (this.#error) return;
    this.#outbox.sendLast(TO_HOST.BYE);
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
    const answer = this.#ask<"granted" | "cancelled">(number, (kind) => {
      if (kind === TO_PEER.GRANTED) return "granted";
      return kind === TO_PEER.CANCELLED && signal?.aborted ? "cancelled" : undefined;
    });
    const amounts = packAmounts(requested, requests.keys);
    this.#outbox.send(TO_HOST.ACQUIRE, number, around, amounts, packNumber(timeoutMs));
    // The host may have granted already, and only it knows. So the promise rejects when the host confirms, and not before:
    // otherwise the grant would be held without an owner.
    if (signal) this.#aborts.add(signal, number);
    try {
      if ((await answer) === "cancelled") throw reasonOf(signal!);
    } finally {
      if (signal) this.#aborts.remove(signal, number);
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

  #ask<T>(
    number: number,
    read: (kind: number, second: unknown, third: unknown) => T | undefined,
  ): Promise<T> {
    const answer = this.#questions.ask(number, read);
    this.#reviewSoon();
    return answer;
  }

  #perform(op: Operation): void {
    const [kind, number, second, third] = op;
    if (kind === TO_PEER.HERE) {
      if (!this.#facts) this.#outbox.send(TO_HOST.HELLO, VERSION);
    } else if (kind === TO_PEER.WELCOME) {
      if (!this.#facts) this.#learn(op);
    } else if (kind === TO_PEER.ENDED) {
      this.#lose(`the host has ended the connection: ${typeof number === "string" ? number : show(number)}`);
    } else if (kind === TO_PEER.MARK) {
      if (typeof number === "number") this.#outbox.read(number, typeof second === "number" ? second : 0);
    } else if (kind !== TO_PEER.PONG && typeof number === "number") {
      const isOpen = this.#questions.answer(kind, number, second, third);
      if (isOpen === "unreadable") this.#lose("the host has sent an answer that cannot be read");
      else if (isOpen) this.#reviewSoon();
    }
  }

  #learn(welcome: Operation): void {
    const facts = readFacts<K>(welcome);
    if (typeof facts === "string") {
      this.#lose(facts);
      return;
    }
    const { requests, config, missingUpdate, wantsHeartbeat, maxUnread } = facts;
    this.#needsHeartbeat = wantsHeartbeat || !tells(this.#endpoint);
    this.#outbox.keepTo(maxUnread, requests.keys.length);
    const granter = new PortGranter<K>({
      requests,
      config,
      missingUpdate,
      onWarning: this.#onWarning,
      acquire: (...args) => this.#acquire(...args),
      release: (number, usage) => this.#release(number, usage),
      isClosed: () => this.#error !== undefined,
    });
    this.#facts = { ...facts, granter };
    this.#hello.stop();
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

  #known(): Known<K> {
    if (this.#facts) return this.#facts;
    throw this.#error ?? new BackendUnavailableError("the host has not answered yet: await limits.ready");
  }

  /** The facts, once the host has sent them. Rejects when the signal aborts or the time is over. */
  async #whenKnown(signal?: AbortSignal, timeoutMs = Number.POSITIVE_INFINITY): Promise<Known<K>> {
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
    this.#hello.stop();
    this.#heartbeat.stop();
    this.#outbox.stop();
    this.#unlisten();
    this.#releaseLock?.();
    this.#welcome.reject(error);
    this.#questions.rejectAll(error);
  }
}
