/** The client: forwards requests to the Durable Object that hosts the set. */

import { runWith } from "../acquisition/acquisition.ts";
import { LeasedRefusal } from "../acquisition/leased.ts";
import type { AcquireOptions, Amounts, Awaitable, Prospect } from "../contract.ts";
import { BackendUnavailableError, type LimitError, LimitSetClosedError } from "../errors.ts";
import { passCovered } from "../limits/era.ts";
import { checkOptions, invalidRequest } from "../limits/known-options.ts";
import type { LimitLike } from "../limits/limits.ts";
import { checkBody, checkRequestOptions } from "../limits/options.ts";
import { type LimitStats, withTotals } from "../limits/stats.ts";
import { reasonOf, throwIfAborted } from "../platform/aborted.ts";
import { checkChange, type SentChange } from "../remote/changes.ts";
import { DescribedSet, type Description, type SentRedefinition } from "../remote/described.ts";
import { unpackError } from "../remote/packed-errors.ts";
import type { ObjectNamespace } from "./bindings.ts";
import type {
  ConnectDurableOptions,
  DurableAcquisition,
  DurableLimits,
  KeysOf,
  MetricsOf,
} from "./durable-limits.ts";
import { DurableGrant } from "./grant.ts";
import { granterOf } from "./granter.ts";
import { isLater, type KnownSet, read, recall, remember } from "./known-sets.ts";
import { Lease } from "./lease.ts";
import { PendingRequest } from "./pending-request.ts";
import type {
  Answer,
  Changed,
  Failed,
  Granted,
  ObjectStub,
  SentRequest,
  SetDescription,
} from "./protocol.ts";
import { Route } from "./route.ts";
import { amountsOf, canTravel, limitsOf, requestOf, sendable } from "./sending.ts";

/**
 * Connects to the set that the `LimitSetObject` of this name hosts. The type parameter is the class of the object, as
 * `typeof Budget`, or the union of the set's keys. Nothing is sent until you use the limits: connect in each HTTP request that needs
 * them. An acquire is one call of the object, and a release is another.
 *
 * An acquisition ends with the HTTP request that has made it: resources that are still held then come back, and rate limits without
 * a release stay charged in full.
 *
 * Calls are repeated while the object restarts or is out of reach. Once the object was silent for `deadlineMs`, they reject with
 * `BackendUnavailableError`. Calls to an overloaded object do so at once. `close()` releases what this connection holds, and
 * leaves the object as it is.
 *
 * @throws {InvalidRequestError} if `namespace` is no binding of Durable Objects, `name` is empty, `deadlineMs` is out of bounds, or
 * an option is not known.
 * @example
 * const limits = connectDurable<typeof Budget>(env.BUDGET, "model-api");
 * await using acquisition = await limits.acquire({ tokens: 500 });
 * acquisition.requested; // { tokens: 500 }
 */
export function connectDurable<
  S extends string | { readonly limits: readonly LimitLike[] } = string,
  M extends string = MetricsOf<S>,
  K extends string = KeysOf<S>,
>(namespace: ObjectNamespace, name: string, options: ConnectDurableOptions = {}): DurableLimits<M, K> {
  checkOptions("connectDurable", options, ["deadlineMs"], invalidRequest);
  return new Connection<M, K>(namespace, name, options);
}

class Connection<M extends string, K extends string = M>
  extends DescribedSet<M, K>
  implements DurableLimits<M, K>
{
  readonly #namespace: ObjectNamespace;
  readonly #name: string;
  readonly #route: Route;
  readonly #pending = new Set<PendingRequest>();
  /** The leases that are held, by the tokens of their acquisitions. */
  readonly #leases = new Map<number, Lease>();
  #known: KnownSet<M, K> | undefined;
  /** The first part of all ids of requests. */
  #session: string | undefined;
  #number = 0;
  #closed: LimitError | undefined;

  constructor(namespace: ObjectNamespace, name: string, { deadlineMs = 5_000 }: ConnectDurableOptions) {
    super();
    this.#route = new Route(namespace, name, deadlineMs);
    this.#namespace = namespace;
    this.#name = name;
    this.#known = recall(namespace, name);
  }

  // A new promise for each reader: in workerd, an HTTP request cannot await a promise that another HTTP request has made.
  get ready(): Promise<void> {
    return this.#described().then(() => {});
  }

  acquire(requested?: Amounts<M>, options?: AcquireOptions): Promise<DurableAcquisition<M, K>> {
    return this.#acquire(requested, options, undefined, 0);
  }

  async tryAcquire(requested?: Amounts<M>): Promise<DurableAcquisition<M, K>> {
    const known = await this.#check(requested, undefined);
    const request = requestOf(this.#nextId(), known, requested, false);
    return this.#send(request, known, undefined, undefined);
  }

  async peek(requested?: Amounts<M>): Promise<Prospect<K>> {
    const known = await this.#check(requested, undefined);
    const amounts = amountsOf(requested);
    const descriptionId = known?.descriptionId ?? "";
    const answer = await this.#route.call((object) => object.peek(amounts, descriptionId));
    this.#rememberFrom(answer);
    if (answer.kind === "failed") throw unpackError(answer.error);
    const { successful, retryAfterMs, limitedBy, ahead } = answer.prospect;
    return { successful, retryAfterMs, limitedBy: limitedBy as readonly K[], ahead };
  }

  async run<T>(
    requested: Amounts<M> | undefined,
    body: (acquisition: DurableAcquisition<M, K>) => Awaitable<T>,
    options?: AcquireOptions,
  ): Promise<T> {
    checkBody(body);
    const acquisition = await this.acquire(requested, options);
    try {
      return await runWith(acquisition, () => body(acquisition), options?.signal);
    } finally {
      await (acquisition as DurableGrant<M, K>).lease?.ended;
    }
  }

  async stats(): Promise<Readonly<Record<K, LimitStats>>> {
    this.#checkOpen();
    const descriptionId = this.#known?.descriptionId ?? "";
    const answer = await this.#route.call((object) => object.inspect(descriptionId));
    this.#rememberFrom(answer);
    if (answer.kind === "failed") throw unpackError(answer.error);
    const entries = Object.entries(answer.stats).map(([key, stats]) => [key, withTotals(stats)]);
    return Object.freeze(Object.fromEntries(entries));
  }

  protected description(): Description<M, K> {
    return this.#set();
  }

  protected async whenDescribed(): Promise<Description<M, K>> {
    this.#checkOpen();
    return this.#known ?? (await this.#described());
  }

  protected async sendRedefinition(redefinition: SentRedefinition): Promise<boolean> {
    this.#checkOpen();
    const sent = limitsOf(redefinition);
    const { isStale } = await this.#change((object, id, known) => object.redefine(id, sent, known));
    return isStale !== true;
  }

  protected async handOn(change: SentChange): Promise<void> {
    this.#checkOpen();
    checkChange((this.#known ?? (await this.#described())).limits, change);
    this.#checkOpen();
    await this.#change((object, id, known) => object.change(id, sendable(change), known));
  }

  /** Asks the object for a change, under one id however often. */
  async #change(
    ask: (object: ObjectStub, id: string, descriptionId: string) => Promise<Changed | Failed>,
  ): Promise<Changed> {
    const id = this.#nextId();
    const descriptionId = this.#known?.descriptionId ?? "";
    const answer = await this.#route.call((object) => ask(object, id, descriptionId));
    this.#rememberFrom(answer);
    if (answer.kind === "failed") throw unpackError(answer.error);
    return answer;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = new LimitSetClosedError();
    for (const pending of [...this.#pending]) pending.reject(this.#closed);
    const leases = [...this.#leases.values()];
    this.#leases.clear();
    for (const lease of leases) lease.end({});
    await Promise.all(leases.map((lease) => lease.ended));
  }

  /** Like `acquire`; with `covered`, through the acquisition that has the token `around`. */
  async #acquire(
    requested: Amounts<M> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[] | undefined,
    around: number,
  ): Promise<DurableAcquisition<M, K>> {
    checkRequestOptions(options);
    const signal = options?.signal;
    const known = await this.#check(requested, covered);
    throwIfAborted(signal);
    const lease = this.#leases.get(around);
    const request = requestOf(this.#nextId(), known, requested, true, options, lease?.id);
    return this.#send(request, known, signal, covered);
  }

  /**
   * Throws if the request is wrong. While the limits are not known, the object checks requests instead. If the platform cannot send a
   * request as it is, the object could not tell what is wrong with it: then this side asks for the limits first. Returns the set by
   * which the request is made, if it is known.
   */
  async #check(
    requested: Amounts<M> | undefined,
    covered: readonly boolean[] | undefined,
  ): Promise<KnownSet<M, K> | undefined> {
    this.#checkOpen();
    const known = this.#known ?? (canTravel(requested) ? undefined : await this.#described());
    if (covered) known?.requests.parseNested(requested, covered);
    else known?.requests.parse(requested);
    return known;
  }

  #nextId(): string {
    this.#session ??= crypto.randomUUID();
    return `${this.#session} ${++this.#number}`;
  }

  /** Sends a request, which is made by what is `known` of the set, and makes an acquisition of its outcome. */
  async #send(
    request: SentRequest,
    known: KnownSet<M, K> | undefined,
    signal: AbortSignal | undefined,
    covered: readonly boolean[] | undefined,
  ): Promise<DurableAcquisition<M, K>> {
    const pending = new PendingRequest(this.#route, request, signal);
    this.#pending.add(pending);
    try {
      const outcome = await pending.outcome;
      const told = this.#rememberFrom(outcome);
      if (outcome.kind === "cancelled")
        throw signal?.aborted
          ? reasonOf(signal)
          : new BackendUnavailableError("the object has cancelled the request");
      if (outcome.kind === "failed") throw unpackError(outcome.error);
      const answering = told ?? known ?? this.#set();
      if (outcome.kind === "granted") {
        const passed = covered && passCovered(known!.era, answering.era, covered);
        return this.#grant(answering, outcome, request.id, pending, passed);
      }
      const limitedBy = Object.freeze([...(outcome.limitedBy as readonly K[])]);
      return new LeasedRefusal<M, K>(
        { config: answering.config, limitedBy },
        outcome.retryAfterMs,
        outcome.ahead,
      );
    } finally {
      this.#pending.delete(pending);
      pending.end();
    }
  }

  #grant(
    known: KnownSet<M, K>,
    { units, waitedMs }: Granted,
    id: string,
    pending: PendingRequest,
    covered: readonly boolean[] | undefined,
  ): DurableAcquisition<M, K> {
    const token = ++this.#number;
    let lease: Lease | undefined;
    if (units.some((count) => count > 0)) {
      lease = new Lease(id, this.#route, pending.takeStub(), known.leaseMs);
      this.#leases.set(token, lease);
    }
    const holds = known.requests.takesResources(units);
    const signal = lease && holds ? lease.signal : new AbortController().signal;
    const granter = granterOf<M, K>({
      known,
      present: () => this.#set(),
      leases: this.#leases,
      isClosed: () => this.#closed !== undefined,
      acquire: (...args) => this.#acquire(...args),
    });
    return new DurableGrant<M, K>(granter, units, token, covered, signal, lease, waitedMs);
  }

  /** The set as an answer describes it; undefined if the answer does not. */
  #rememberFrom({ description }: Answer): KnownSet<M, K> | undefined {
    return description && this.#remember(description);
  }

  #remember(description: SetDescription): KnownSet<M, K> {
    const before = this.#known;
    const known = read<M, K>(description, before);
    // Answers may overtake each other.
    if (before && isLater(before, known)) return known;
    this.#known = known;
    remember(this.#namespace, this.#name, known);
    if (before && before.era !== known.era) this.tellRedefined();
    return known;
  }

  /** The set, if it is known. */
  #set(): KnownSet<M, K> {
    this.#known ??= recall(this.#namespace, this.#name);
    if (this.#known) return this.#known;
    throw this.#closed ?? new BackendUnavailableError("the object has not answered yet: await limits.ready");
  }

  /** The set, once it is known: asks the object to describe it if need be. */
  async #described(): Promise<KnownSet<M, K>> {
    if (this.#known) return this.#known;
    this.#checkOpen();
    const answer = await this.#route.call((object) => object.describe());
    if (answer.kind === "failed") throw unpackError(answer.error);
    return this.#remember(answer.description);
  }

  #checkOpen(): void {
    if (this.#closed) throw this.#closed;
  }
}
