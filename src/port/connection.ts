/** One connection of a peer to the set of a host: its requests, its acquisitions, and its end. */

import { LeaseLostError } from "../acquisition/leased.ts";
import type { PartitionNames, ViewOptions } from "../contract.ts";
import { BackendUnavailableError, type LimitError, LimitSetClosedError } from "../errors.ts";
import { NAMELESS } from "../limits/partition-names.ts";
import { hasLocks, holdLock } from "../platform/locks.ts";
import { textOf } from "../remote/text.ts";
import type { PartitionCounts } from "../views/shape.ts";
import { Aborts } from "../waiting/aborts.ts";
import type { Known } from "./asking-set.ts";
import { Attention } from "./attention.ts";
import type { ConnectedLimits, ConnectOptions } from "./connected-limits.ts";
import { readEra } from "./definitions.ts";
import { tells, type WatchedEndpoint } from "./endpoint.ts";
import { type Facts, readFacts } from "./facts.ts";
import { PortGranter, type PortGranterInit } from "./granter.ts";
import { Handshake } from "./handshake.ts";
import { Heartbeat, SILENCE_MS } from "./heartbeat.ts";
import { Holdings } from "./holdings.ts";
import { PeerOutbox } from "./outbox.ts";
import { viewOf } from "./port-view.ts";
import { BROADCAST, LATEST_TO_PEER, type Operation, TO_HOST, TO_PEER, VERSION } from "./protocol.ts";
import { Questions, type Read } from "./questions.ts";
import { guarded, readMessage, readReason } from "./reading.ts";
import { TakingSet, type Wire } from "./taking-set.ts";
import { howEnded } from "./trouble.ts";

export class Connection<M extends string, K extends string = M>
  extends TakingSet<M, K>
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
  protected readonly wire: Wire<M, K>;
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
      say: () => this.#outbox.send(TO_HOST.HELLO, VERSION, LATEST_TO_PEER),
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
    this.wire = this.#makeWire();
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

  get partitions(): Promise<PartitionCounts<string>> {
    return this.countPartitions();
  }

  for(names: PartitionNames, options: ViewOptions = {}): this {
    return viewOf(this, this.wire, NAMELESS, names, options);
  }

  close(): void {
    if (this.#error) return;
    this.#outbox.sendLast(TO_HOST.BYE);
    this.#end(new LimitSetClosedError());
  }

  protected seen(known: Known<M, K>): Known<M, K> {
    return known;
  }

  #makeWire(): Wire<M, K> {
    const handshake = this.#handshake;
    return {
      get facts() {
        return handshake.facts;
      },
      onWarning: this.#onWarning,
      set: this,
      holdings: this.#holdings,
      aborts: this.#aborts,
      known: () => handshake.known(),
      whenKnown: (signal, timeoutMs) => handshake.whenKnown(signal, timeoutMs),
      waiting: 0,
      check: () => this.#check(),
      next: () => ++this.#number,
      ask: (number, read) => this.#ask(number, read),
      send: (...op) => this.#outbox.send(...op),
    };
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
      if (!this.#handshake.facts) this.#outbox.send(TO_HOST.HELLO, VERSION, LATEST_TO_PEER);
    } else if (kind === TO_PEER.WELCOME) {
      if (!this.#handshake.facts) this.#learn(op);
    } else if (kind === TO_PEER.REDEFINED) {
      this.#follow(op);
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
    this.#attention.learn(facts.wantsHeartbeat);
    this.#outbox.keepTo(facts.maxUnread, facts.era.limits.length);
    this.#unwatch?.();
    this.#know(facts);
    this.#attention.reviewSoon();
  }

  #follow([, number, limits, births]: Operation): void {
    const known = this.#handshake.facts;
    const era = readEra<M, K>(number, limits, births ?? null);
    if (typeof era === "string") this.#lose(era);
    else if (known) {
      this.#know({ ...known, era }, known.granter);
      this.#outbox.send(TO_HOST.FOLLOWS, era.number);
      this.tellRedefined();
    }
  }

  #know(facts: Facts<M, K>, before?: PortGranter<M, K>): void {
    const { era, config, missingUpdate } = facts;
    const init: PortGranterInit<M, K> = {
      ...{ era, config, missingUpdate },
      present: () => this.#handshake.known().era,
      onWarning: this.#onWarning,
      acquire: (...args) => this.take(...args),
      release: (number, usage) => this.#release(number, usage),
      isClosed: () => this.#error !== undefined,
    };
    this.#handshake.learn({ ...facts, granter: new PortGranter(init, before) });
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
