/** One connection of a peer to the set of a host: its requests, its acquisitions, and its end. */

import { runWith } from "../acquisition/acquisition.ts";
import { reportDeadlock } from "../acquisition/bodies.ts";
import { type LeasedAcquisition, LeasedRefusal, LeaseLostError } from "../acquisition/leased.ts";
import type { AcquireOptions, Amounts, Awaitable, Prospect } from "../contract.ts";
import { BackendUnavailableError, type LimitError, LimitSetClosedError } from "../errors.ts";
import { checkRequestOptions } from "../limits/options.ts";
import type { LimitStats } from "../limits/stats.ts";
import { reasonOf } from "../platform/aborted.ts";
import { hasLocks, holdLock } from "../platform/locks.ts";
import { checkChange, olderThan, type SentChange } from "../remote/changes.ts";
import { DescribedSet, type Description } from "../remote/described.ts";
import { textOf } from "../remote/text.ts";
import { Aborts } from "../waiting/aborts.ts";
import { prospectOf, refusalOf, statsOf } from "./answers.ts";
import { Attention } from "./attention.ts";
import { packChange } from "./changes.ts";
import type { ConnectedLimits, ConnectOptions } from "./connected-limits.ts";
import { tells, type WatchedEndpoint } from "./endpoint.ts";
import { type Facts, readFacts } from "./facts.ts";
import { PortGrant } from "./grant.ts";
import { PortGranter } from "./granter.ts";
import { Handshake } from "./handshake.ts";
import { Heartbeat, SILENCE_MS } from "./heartbeat.ts";
import { Holdings } from "./holdings.ts";
import { PeerOutbox } from "./outbox.ts";
import { BROADCAST, type Operation, packAmounts, TO_HOST, TO_PEER, VERSION } from "./protocol.ts";
import { Questions, type Read } from "./questions.ts";
import { guarded, type ReadRefusal, readMessage, readOptional, readReason } from "./reading.ts";
import { packTerms, patienceOf } from "./terms.ts";
import { howEnded } from "./trouble.ts";

const OLDER = "the host is older than peek(): use one version of limitset on both sides, or tryAcquire()";

/** The facts of the host's set, and the granter that uses them. */
interface Known<M extends string, K extends string = M> extends Facts<M, K> {
  readonly granter: PortGranter<M, K>;
}

export class Connection<M extends string, K extends string = M>
  extends DescribedSet<M, K>
  implements ConnectedLimits<M, K>
{
  readonly ready: Promise<void>;
  readonly #endpoint: WatchedEndpoint;
  readonly #outbox: PeerOutbox;
  readonly #heartbeat: Heartbeat;
  #unlisten = () => {};
  #unwatch: (() => void) | undefined;
  readonly #releaseLock: (() => void) | undefined;
  readonly #onWarning: (warning: LimitError) => void;
  readonly #questions = new Questions();
  readonly #aborts = new Aborts<number>((numbers) => {
    for (const number of numbers) this.#outbox.send(TO_HOST.CANCEL, number);
  });
  readonly #handshake: Handshake<Known<M, K>>;
  readonly #holdings = new Holdings(() => this.#attention.reviewSoon());
  readonly #attention: Attention;
  /** The number of the last operation. */
  #number = 0;
  /** Why the connection has ended. */
  #error: LimitError | undefined;

  constructor(endpoint: WatchedEndpoint, options: Required<ConnectOptions>) {
    super();
    const { name, onWarning, deadlineMs } = options;
    this.#endpoint = endpoint;
    this.#onWarning = onWarning;
    const session = 1 + Math.floor(Math.random() * (Number.MAX_SAFE_INTEGER - 1));
    const address = { endpoint, name, to: "host", session } as const;
    this.#outbox = new PeerOutbox(address, (error) =>
      this.#lose(`the channel to the host is gone: ${textOf(error)}`, error),
    );
    this.#heartbeat = new Heartbeat({
      beat: () => {
        this.#outbox.send(TO_HOST.PING);
        this.#attention.reviewSoon();
      },
      lost: () => this.#lose(`the host was silent for ${SILENCE_MS / 1_000} s`),
    });
    this.#handshake = new Handshake({
      deadlineMs,
      say: () => this.#outbox.send(TO_HOST.HELLO, VERSION),
      failed: (why, cause) => this.#lose(why, cause),
    });
    this.#attention = new Attention({
      endpoint,
      heartbeat: this.#heartbeat,
      questions: this.#questions,
      holdings: this.#holdings,
      isKnown: () => this.#handshake.facts !== undefined,
      hasEnded: () => this.#error !== undefined,
    });
    this.ready = this.#handshake.ready;
    this.#handshake.begin();
    const heard = (received: unknown) => {
      const message = readMessage("peer", name, received);
      if (!message || (message.session !== session && message.session !== BROADCAST)) return;
      if (this.#heartbeat.isAwaiting) this.#attention.reviewSoon();
      this.#heartbeat.heard();
      for (const op of message.ops) if (!this.#error) this.#perform(op);
    };
    const failed = (why: string) => this.#lose(why);
    this.#unwatch = endpoint.troubled?.(guarded((trouble) => this.#handshake.doubt(trouble), failed));
    this.#unlisten = endpoint.receive(guarded(heard, failed));
    endpoint.ended?.(guarded((reason) => this.#lose(...howEnded(reason, this.#handshake.trouble)), failed));
    if (this.#error) {
      // An endpoint may have handed over messages, or told of the end, at once.
      this.#unlisten();
      return;
    }
    if (!tells(endpoint) && hasLocks) {
      const lock = `limitset ${crypto.randomUUID()}`;
      this.#releaseLock = holdLock(lock, () => this.#outbox.send(TO_HOST.LOCK, lock));
    }
    this.#attention.reviewSoon();
  }

  acquire(requested?: Amounts<M>, options?: AcquireOptions): Promise<LeasedAcquisition<M, K>> {
    return this.#acquire(requested, options, undefined, 0);
  }

  async tryAcquire(requested?: Amounts<M>): Promise<LeasedAcquisition<M, K>> {
    const { requests, granter } = this.#handshake.facts ?? (await this.#handshake.whenKnown());
    this.#check();
    const units = requests.parse(requested);
    const number = ++this.#number;
    const refusal = refusalOf(requests.keys.length);
    const answer = this.#ask<ReadRefusal | number>(number, (kind, ...values) =>
      kind === TO_PEER.GRANTED ? this.#granted(number, values[0]) : refusal(kind, ...values),
    );
    this.#outbox.send(TO_HOST.TRY, number, packAmounts(requested, requests.names));
    const refused = await answer;
    if (typeof refused === "number") return this.#grant(granter, units, number, undefined, refused);
    return new LeasedRefusal<M, K>(granter.denial(refused.by), refused.wait, refused.ahead);
  }

  async peek(requested?: Amounts<M>): Promise<Prospect<K>> {
    const { requests, knowsPeek } = this.#handshake.facts ?? (await this.#handshake.whenKnown());
    this.#check();
    requests.parse(requested);
    if (!knowsPeek) throw new BackendUnavailableError(OLDER);
    const number = ++this.#number;
    const answer = this.#ask(number, prospectOf(requests.keys));
    this.#outbox.send(TO_HOST.PEEK, number, packAmounts(requested, requests.names));
    return answer;
  }

  async run<T>(
    requested: Amounts<M> | undefined,
    body: (acquisition: LeasedAcquisition<M, K>) => Awaitable<T>,
    options?: AcquireOptions,
  ): Promise<T> {
    const acquisition = await this.acquire(requested, options);
    return runWith(acquisition, () => body(acquisition), options?.signal);
  }

  async stats(): Promise<Readonly<Record<K, LimitStats>>> {
    const { requests } = this.#handshake.facts ?? (await this.#handshake.whenKnown());
    this.#check();
    const number = ++this.#number;
    const answer = this.#ask(number, statsOf(requests.keys));
    this.#outbox.send(TO_HOST.STATS, number);
    return answer;
  }

  protected description(): Description<M, K> {
    return this.#handshake.known();
  }

  protected async handOn(change: SentChange): Promise<void> {
    const { requests, limits, knowsChange } = this.#handshake.facts ?? (await this.#handshake.whenKnown());
    this.#check();
    checkChange(limits, change);
    if (!knowsChange) throw new BackendUnavailableError(olderThan(change[0]));
    const number = ++this.#number;
    const answer = this.#ask(number, (kind) => (kind === TO_PEER.CHANGED ? true : undefined));
    this.#outbox.send(...packChange(number, change, { keys: requests.keys, metrics: requests.names }));
    await answer;
  }

  close(): void {
    if (this.#error) return;
    this.#outbox.sendLast(TO_HOST.BYE);
    this.#end(new LimitSetClosedError());
  }

  /** Acquires, on top of the acquisition with the number `around` if that is not 0. */
  async #acquire(
    requested: Amounts<M> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[] | undefined,
    around: number,
  ): Promise<LeasedAcquisition<M, K>> {
    const timeoutMs = checkRequestOptions(options);
    const signal = options?.signal;
    const terms = packTerms(options);
    const { requests, granter } =
      this.#handshake.facts ?? (await this.#handshake.whenKnown(signal, patienceOf(options)));
    this.#check();
    const units = covered ? requests.parseNested(requested, covered) : requests.parse(requested);
    if (timeoutMs > 0) reportDeadlock(requests, units, this.#onWarning);
    const number = ++this.#number;
    const answer = this.#ask<number | "cancelled">(number, (kind, waitedMs) => {
      if (kind === TO_PEER.GRANTED) return this.#granted(number, waitedMs);
      return kind === TO_PEER.CANCELLED && signal?.aborted ? "cancelled" : undefined;
    });
    this.#outbox.send(TO_HOST.ACQUIRE, number, around, packAmounts(requested, requests.names), ...terms);
    // The host may have granted already, and only it knows. So the promise rejects when the host confirms, and not before:
    // otherwise the grant would be held without an owner.
    if (signal) this.#aborts.add(signal, number);
    try {
      const waitedMs = await answer;
      if (waitedMs === "cancelled") throw reasonOf(signal!);
      return this.#grant(granter, units, number, covered, waitedMs);
    } finally {
      if (signal) this.#aborts.remove(signal, number);
    }
  }

  /** Returns for how long the request has waited; undefined if that is unreadable. */
  #granted(number: number, waitedMs: unknown): number | undefined {
    this.#holdings.add(number);
    return readOptional(waitedMs);
  }

  /** @throws the reason why the connection has ended, if it has since the answer: the host has given all back. */
  #grant(
    granter: PortGranter<M, K>,
    units: readonly number[],
    number: number,
    covered: readonly boolean[] | undefined,
    waitedMs: number,
  ): PortGrant<M, K> {
    this.#check();
    return new PortGrant(granter, units, number, covered, waitedMs, this.#holdings);
  }

  #release(number: number, usage: readonly (number | null)[]): void {
    this.#holdings.remove(number);
    if (!this.#error) this.#outbox.send(TO_HOST.RELEASE, number, usage);
  }

  #ask<T>(number: number, read: Read<T>): Promise<T> {
    const answer = this.#questions.ask(number, read);
    this.#attention.reviewSoon();
    return answer;
  }

  #perform(op: Operation): void {
    const [kind, number, second] = op;
    if (kind === TO_PEER.HERE) {
      if (!this.#handshake.facts) this.#outbox.send(TO_HOST.HELLO, VERSION);
    } else if (kind === TO_PEER.WELCOME) {
      if (!this.#handshake.facts) this.#learn(op);
    } else if (kind === TO_PEER.ENDED) {
      this.#lose(`the host has ended the connection: ${readReason(number)}`);
    } else if (kind === TO_PEER.LOST) {
      this.#holdings.lose(number as number, new LeaseLostError(readReason(second)));
    } else if (kind === TO_PEER.MARK) {
      if (typeof number === "number") this.#outbox.read(number, typeof second === "number" ? second : 0);
    } else if (kind !== TO_PEER.PONG && typeof number === "number") {
      const isOpen = this.#questions.answer(number, op);
      if (isOpen === "unreadable") this.#lose("the host has sent an answer that cannot be read");
      else if (isOpen) this.#attention.reviewSoon();
    }
  }

  #learn(welcome: Operation): void {
    const facts = readFacts<M, K>(welcome);
    if (typeof facts === "string") {
      this.#lose(facts);
      return;
    }
    const { requests, config, missingUpdate, wantsHeartbeat, maxUnread } = facts;
    this.#attention.learn(wantsHeartbeat);
    this.#outbox.keepTo(maxUnread, requests.keys.length);
    const granter = new PortGranter<M, K>({
      requests,
      config,
      missingUpdate,
      onWarning: this.#onWarning,
      acquire: (...args) => this.#acquire(...args),
      release: (number, usage) => this.#release(number, usage),
      isClosed: () => this.#error !== undefined,
    });
    this.#unwatch?.();
    this.#handshake.learn({ ...facts, granter });
    this.#attention.reviewSoon();
  }

  /** @throws the reason why the connection has ended. */
  #check(): void {
    if (this.#error) throw this.#error;
  }

  #lose(why: string, cause?: unknown): void {
    if (this.#error) return;
    const error = new BackendUnavailableError(`the limits cannot be reached: ${why}`);
    if (cause !== undefined) error.cause = cause;
    this.#end(error);
    this.#holdings.loseAll(new LeaseLostError(why));
  }

  #end(error: LimitError): void {
    if (this.#error) return;
    this.#error = error;
    this.#endpoint.hold?.(false);
    this.#handshake.end(error);
    this.#heartbeat.stop();
    this.#outbox.stop();
    this.#unlisten();
    this.#unwatch?.();
    this.#endpoint.forget?.();
    this.#releaseLock?.();
    this.#questions.rejectAll(error);
  }
}
