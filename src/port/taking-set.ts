/** The methods of a peer's set, and of its views, that take: each asks the host, which holds what was taken. */
import { runOn } from "../acquisition/acquisition.ts";
import { deadlockOf } from "../acquisition/bodies.ts";
import { type LeasedAcquisition, LeasedRefusal } from "../acquisition/leased.ts";
import type { AcquireOptions, Amounts, Awaitable } from "../contract.ts";
import { BackendUnavailableError, type LimitError } from "../errors.ts";
import { checkRequestOptions } from "../limits/options.ts";
import { NAMELESS, type Naming } from "../limits/partition-names.ts";
import { reasonOf } from "../platform/aborted.ts";
import { refusalOf } from "./answers.ts";
import { AskingSet, type Known } from "./asking-set.ts";
import { type Asked, type Granted, PortGrant, readGrant } from "./grant.ts";
import type { Holdings } from "./holdings.ts";
import { type Operation, packAmounts, TO_HOST, TO_PEER } from "./protocol.ts";
import type { Read } from "./questions.ts";
import { packTerms, patienceOf } from "./terms.ts";
import { packNaming } from "./views.ts";

const OLDER = "the host is older than for(): use one version of limitset on both sides";

/** The connection, as a set and its views use it. */
export interface Wire<M extends string, K extends string = M> {
  /** The facts of the host's set, once they are known. */
  readonly facts: Known<M, K> | undefined;
  readonly onWarning: (warning: LimitError) => void;
  /** The set, without names. */
  readonly set: object;
  readonly holdings: Holdings;
  readonly aborts: {
    add(signal: AbortSignal, number: number): void;
    remove(signal: AbortSignal, number: number): void;
  };
  /** How many requests wait, of the set and of all its views. */
  waiting: number;
  /** The facts. @throws {LimitError} if they are not known yet. */
  known(): Known<M, K>;
  whenKnown(signal?: AbortSignal, timeoutMs?: number): Promise<Known<M, K>>;
  /** @throws the reason why the connection has ended. */
  check(): void;
  /** The number of the next operation. */
  next(): number;
  ask<T>(number: number, read: Read<T>): Promise<T>;
  send(...op: Operation): void;
}

export abstract class TakingSet<M extends string, K extends string> extends AskingSet<M, K> {
  protected abstract readonly wire: Wire<M, K>;
  /** The names by which requests are sent. */
  protected readonly naming: Naming = NAMELESS;

  /** The facts of the set, as they are in a view. */
  protected abstract seen(known: Known<M, K>): Known<M, K>;

  get waiting(): number {
    return this.wire.waiting;
  }

  acquire(requested?: Amounts<M>, options?: AcquireOptions): Promise<LeasedAcquisition<M, K>> {
    return this.take(requested, options, undefined, 0);
  }

  async tryAcquire(requested?: Amounts<M>): Promise<LeasedAcquisition<M, K>> {
    const { wire } = this;
    const { era, granter, latest } = this.seen(wire.facts ?? (await wire.whenKnown()));
    wire.check();
    const units = era.requests.parse(requested);
    this.checkAge(latest);
    const number = wire.next();
    const refusal = refusalOf(this.presentKeys);
    const answer = wire.ask<LeasedRefusal<M, K> | Granted<M, K>>(number, (kind, ...values) => {
      if (kind === TO_PEER.GRANTED)
        return this.#granted(number, { granter, units, covered: undefined }, values);
      const read = refusal(kind, ...values);
      // By the limits that there are now, and not those at a later turn.
      const denial = read && this.description().granter.denial(read.by);
      return denial && new LeasedRefusal<M, K>(denial, read.wait, read.ahead);
    });
    this.#send([TO_HOST.TRY, number, packAmounts(requested, era.requests.names)]);
    const answered = await answer;
    return answered instanceof LeasedRefusal ? answered : this.#grant(number, answered);
  }

  run<T>(
    requested: Amounts<M> | undefined,
    body: (acquisition: LeasedAcquisition<M, K>) => Awaitable<T>,
    options?: AcquireOptions,
  ): Promise<T> {
    return runOn(this, requested, body, options);
  }

  protected description(): Known<M, K> {
    return this.seen(this.wire.known());
  }

  protected async whenDescribed(): Promise<Known<M, K>> {
    const known = this.wire.facts ?? (await this.wire.whenKnown());
    this.wire.check();
    return this.seen(known);
  }

  protected question<T>(pack: (number: number) => Operation, read: Read<T>): Promise<T> {
    const { wire } = this;
    wire.check();
    this.checkAge(wire.known().latest);
    const number = wire.next();
    const answer = wire.ask(number, read);
    this.#send(pack(number));
    return answer;
  }

  /** Acquires, on top of the acquisition with the number `around` if that is not 0. */
  protected async take(
    requested: Amounts<M> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[] | undefined,
    around: number,
  ): Promise<LeasedAcquisition<M, K>> {
    const { wire } = this;
    wire.waiting++;
    try {
      return await this.#take(requested, options, covered, around);
    } finally {
      wire.waiting--;
    }
  }

  async #take(
    requested: Amounts<M> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[] | undefined,
    around: number,
  ): Promise<LeasedAcquisition<M, K>> {
    const { wire } = this;
    const timeoutMs = checkRequestOptions(options);
    const signal = options?.signal;
    const terms = packTerms(options);
    const known = this.seen(wire.facts ?? (await wire.whenKnown(signal, patienceOf(options))));
    const { era, granter, latest } = known;
    wire.check();
    const { requests } = era;
    const units = covered ? requests.parseNested(requested, covered) : requests.parse(requested);
    if (timeoutMs > 0) {
      const place = granter.place as never;
      const warning = deadlockOf(granter.setRequests, requests, { units, place });
      if (warning) wire.onWarning(warning);
    }
    this.checkAge(latest);
    const number = wire.next();
    const answer = wire.ask<Granted<M, K> | "cancelled">(number, (kind, ...values) => {
      if (kind === TO_PEER.GRANTED) return this.#granted(number, { granter, units, covered }, values);
      return kind === TO_PEER.CANCELLED && signal?.aborted ? "cancelled" : undefined;
    });
    const op = [TO_HOST.ACQUIRE, number, around, packAmounts(requested, requests.names), ...terms] as const;
    if (around === 0) this.#send(op);
    else wire.send(...op);
    // The host may have granted already, and only it knows. So the promise rejects when the host confirms, and not before:
    // otherwise the grant would be held without an owner.
    if (signal) wire.aborts.add(signal, number);
    try {
      const granted = await answer;
      if (granted === "cancelled") throw reasonOf(signal!);
      return this.#grant(number, granted);
    } finally {
      if (signal) wire.aborts.remove(signal, number);
    }
  }

  /** @throws {BackendUnavailableError} if partitions are named, and the host knows none. */
  protected checkAge(latest: number): void {
    if (this.naming !== NAMELESS && latest < TO_HOST.FOR) throw new BackendUnavailableError(OLDER);
  }

  /** Sends an operation, and the names before it. */
  #send(op: Operation): void {
    const { naming, wire } = this;
    if (naming !== NAMELESS) wire.send(...packNaming(wire.known().era, naming));
    wire.send(...op);
  }

  /** Reads a grant of what was asked; undefined if it is unreadable. */
  #granted(number: number, asked: Asked<M, K>, values: readonly unknown[]): Granted<M, K> | undefined {
    this.wire.holdings.add(number);
    return readGrant(asked, this.description().granter, values);
  }

  /** @throws the reason why the connection has ended, if it has since the answer: the host has given all back. */
  #grant(number: number, { granter, units, covered, waitedMs }: Granted<M, K>): PortGrant<M, K> {
    this.wire.check();
    return new PortGrant(granter, units, number, covered, waitedMs, this.wire.holdings);
  }
}
