/** A set in an object, as its client has it: its requests go to the object. A view of the set is another one, which names partitions. */
import { runWith } from "../acquisition/acquisition.ts";
import { LeasedRefusal } from "../acquisition/leased.ts";
import type { AcquireOptions, Amounts, Awaitable, Prospect } from "../contract.ts";
import { BackendUnavailableError } from "../errors.ts";
import { passCovered } from "../limits/era.ts";
import { PRESENT, type Present } from "../limits/living.ts";
import { checkBody, checkRequestOptions } from "../limits/options.ts";
import {
  checkNaming,
  NAMELESS,
  type Naming,
  nameMore,
  type PartitionNames,
  VIEWED,
  type Viewed,
  type ViewOptions,
  viewedOf,
} from "../limits/partition-names.ts";
import { type LimitStats, withTotals } from "../limits/stats.ts";
import { reasonOf, throwIfAborted } from "../platform/aborted.ts";
import { checkChange, type SentChange } from "../remote/changes.ts";
import { DescribedSet, type Description, type SentRedefinition } from "../remote/described.ts";
import { unpackError } from "../remote/packed-errors.ts";
import { noClose, noRedefine } from "../views/of-sets-alone.ts";
import { knownOf, type PartitionCounts, shapeOf } from "../views/shape.ts";
import type { Connection } from "./connection.ts";
import type { DurableAcquisition, DurableLimits } from "./durable-limits.ts";
import { DurableGrant } from "./grant.ts";
import { granterOf } from "./granter.ts";
import type { KnownSet } from "./known-sets.ts";
import { Lease } from "./lease.ts";
import { PendingRequest } from "./pending-request.ts";
import type { Granted, SentNames, SentRequest } from "./protocol.ts";
import { amountsOf, canTravel, limitsOf, requestOf, sendable } from "./sending.ts";

export class DurableSet<M extends string, K extends string = M>
  extends DescribedSet<M, K>
  implements DurableLimits<M, K>
{
  protected readonly connection: Connection<M, K>;

  constructor(connection: Connection<M, K>) {
    super();
    this.connection = connection;
    this.follow();
  }

  /** What the requests of a view name; undefined for the set. */
  protected get at(): SentNames | undefined {
    return undefined;
  }

  protected get naming(): Naming {
    return NAMELESS;
  }

  protected follow(): void {
    this.connection.redefined = () => this.tellRedefined();
  }

  // A new promise for each reader: in workerd, an HTTP request cannot await a promise that another HTTP request has made.
  get ready(): Promise<void> {
    return this.connection.described().then(() => {});
  }

  get waiting(): number {
    return this.connection.waiting;
  }

  get partitions(): Promise<PartitionCounts<string>> {
    return this.connection.counts();
  }

  for(names: PartitionNames, options: ViewOptions = {}): this {
    const { known } = this.connection;
    const naming = nameMore(this.naming, names, options, known && knownOf(known.era));
    if (naming === this.naming) return this;
    return new DurableView(this, this.connection, naming, known !== undefined) as unknown as this;
  }

  acquire(requested?: Amounts<M>, options?: AcquireOptions): Promise<DurableAcquisition<M, K>> {
    return this.#acquire(requested, options, undefined, 0);
  }

  async tryAcquire(requested?: Amounts<M>): Promise<DurableAcquisition<M, K>> {
    const known = await this.#check(requested, undefined);
    const request = requestOf(this.connection.nextId(), known, requested, false, {}, undefined, this.at);
    return this.#send(request, known, undefined, undefined);
  }

  async peek(requested?: Amounts<M>): Promise<Prospect<K>> {
    const known = await this.#check(requested, undefined);
    const amounts = amountsOf(requested);
    const descriptionId = known?.descriptionId ?? "";
    const { prospect } = await this.connection.ask((object) => object.peek(amounts, descriptionId, this.at));
    const { successful, retryAfterMs, limitedBy, ahead } = prospect;
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
    const { connection } = this;
    await this.prepared();
    const { descriptionId } = connection;
    const { stats } = await connection.ask((object) => object.inspect(descriptionId, this.at));
    const entries = Object.entries(stats).map(([key, each]) => [key, withTotals(each)]);
    return Object.freeze(Object.fromEntries(entries));
  }

  protected description(): Description<M, K> {
    return this.inView(this.connection.set());
  }

  protected async whenDescribed(): Promise<Description<M, K>> {
    this.connection.checkOpen();
    return this.inView(await this.connection.described());
  }

  protected async sendRedefinition(redefinition: SentRedefinition): Promise<boolean> {
    this.connection.checkOpen();
    const sent = limitsOf(redefinition);
    const { isStale } = await this.connection.change((object, id, known) => object.redefine(id, sent, known));
    return isStale !== true;
  }

  protected async handOn(change: SentChange): Promise<void> {
    const { connection } = this;
    connection.checkOpen();
    const { limits } = this.inView(await connection.described());
    await this.prepared();
    checkChange(limits, change);
    connection.checkOpen();
    await connection.change((object, id, known) => object.change(id, sendable(change), known, this.at));
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  /** The set as the view has it. */
  protected inView(known: KnownSet<M, K>): KnownSet<M, K> {
    return known;
  }

  /** What is known of the set before it is asked: a view needs to know it. Throws if the connection is closed. */
  protected async prepared(): Promise<KnownSet<M, K> | undefined> {
    this.connection.checkOpen();
    return this.connection.known;
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
    const lease = this.connection.leases.get(around);
    const id = this.connection.nextId();
    const request = requestOf(id, known, requested, true, options, lease?.id, this.at);
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
    let known = await this.prepared();
    if (!known && !canTravel(requested)) known = await this.connection.described();
    const seen = known && this.inView(known);
    if (covered) seen?.requests.parseNested(requested, covered);
    else seen?.requests.parse(requested);
    return seen;
  }

  /** Sends a request, which is made by what is `known` of the set, and makes an acquisition of its outcome. */
  async #send(
    request: SentRequest,
    known: KnownSet<M, K> | undefined,
    signal: AbortSignal | undefined,
    covered: readonly boolean[] | undefined,
  ): Promise<DurableAcquisition<M, K>> {
    const { connection } = this;
    const pending = new PendingRequest(connection.route, request, signal);
    connection.pending.add(pending);
    try {
      const outcome = await pending.outcome;
      const told = connection.rememberFrom(outcome);
      if (outcome.kind === "cancelled")
        throw signal?.aborted
          ? reasonOf(signal)
          : new BackendUnavailableError("the object has cancelled the request");
      if (outcome.kind === "failed") throw unpackError(outcome.error);
      const answering = told ? this.inView(told) : (known ?? this.inView(connection.set()));
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
      connection.pending.delete(pending);
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
    const { connection } = this;
    const token = connection.nextNumber();
    let lease: Lease | undefined;
    if (units.some((count) => count > 0)) {
      lease = new Lease(id, connection.route, pending.takeStub(), known.leaseMs);
      connection.leases.set(token, lease);
    }
    const holds = known.requests.takesResources(units);
    const signal = lease && holds ? lease.signal : new AbortController().signal;
    const granter = granterOf<M, K>({
      known,
      present: () => this.inView(connection.set()),
      leases: connection.leases,
      isClosed: () => connection.isClosed,
      acquire: (...args) => this.#acquire(...args),
    });
    return new DurableGrant<M, K>(granter, units, token, covered, signal, lease, waitedMs);
  }
}

class DurableView<M extends string, K extends string> extends DurableSet<M, K> {
  readonly #set: DurableSet<M, K>;
  readonly #naming: Naming;
  /** Whether the names are known to be of the set. */
  #isChecked: boolean;

  constructor(set: DurableSet<M, K>, connection: Connection<M, K>, naming: Naming, isChecked: boolean) {
    super(connection);
    this.#set = set;
    this.#naming = naming;
    this.#isChecked = isChecked;
  }

  [VIEWED](): Viewed<DurableSet<M, K>> {
    return { set: viewedOf(this.#set)?.set ?? this.#set, naming: this.#naming };
  }

  override [PRESENT](): Present {
    const { whenEnds } = this.#set[PRESENT]();
    return { ...super[PRESENT](), whenEnds };
  }

  protected override get at(): SentNames {
    const { names, tier } = this.#naming;
    return { names: Object.fromEntries(names), ...(tier !== undefined && { tier }) };
  }

  protected override get naming(): Naming {
    return this.#naming;
  }

  // The set follows.
  protected override follow(): void {}

  protected override inView(known: KnownSet<M, K>): KnownSet<M, K> {
    const { era } = shapeOf(known.era, this.#naming);
    return { ...known, era, limits: era.limits, requests: era.requests };
  }

  /** An object of an earlier version would pass over the names: so what the set has must be known. */
  protected override async prepared(): Promise<KnownSet<M, K>> {
    this.connection.checkOpen();
    const known = await this.connection.described();
    this.connection.checkOpen();
    if (!this.#isChecked) {
      checkNaming(this.#naming, knownOf(known.era));
      this.#isChecked = true;
    }
    return known;
  }

  override async redefine(): Promise<void> {
    throw noRedefine();
  }

  override async close(): Promise<void> {
    throw noClose();
  }
}
