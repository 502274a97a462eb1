/** The side that has not the limits. */
import { type Granter, runWith } from "../acquisition/acquisition.ts";
import { LeasedRefusal } from "../acquisition/leased.ts";
import type { AcquireOptions, Amounts, Awaitable, LimitView } from "../contract.ts";
import { BackendUnavailableError, type LimitError, LimitSetClosedError } from "../errors.ts";
import type { LimitLike } from "../limits/limits.ts";
import { checkTimeout } from "../limits/options.ts";
import type { LimitStats } from "../limits/stats.ts";
import { systemClock } from "../platform/clock.ts";
import { withResolvers } from "../platform/resolvers.ts";
import { unpackError } from "../remote/packed-errors.ts";
import type { ObjectNamespace } from "./bindings.ts";
import type { ConnectDurableOptions, DurableAcquisition, DurableLimits, KeysOf } from "./durable-limits.ts";
import { DurableGrant } from "./grant.ts";
import { type Known, learn, recall } from "./known.ts";
import { drop, Lease, type Ticket } from "./lease.ts";
import { Line } from "./line.ts";
import type { Ask, Facts, Failed, Granted, Informed, Named, Outcome } from "./protocol.ts";

/**
 * The limits that the `LimitSetObject` of this name has; the class, or the keys, as a type parameter. Costs nothing until
 * something is asked; one call of the object for an acquire, one for a release. What a request has acquired is given back with its
 * end, if not before.
 *
 * All that waits rejects with `BackendUnavailableError` when the object is out of reach for `deadlineMs`; an object that restarts is
 * asked again. `close()` gives back what this connection holds; the object goes on.
 *
 * @throws {InvalidRequestError} if the namespace is none, or the name is empty.
 * @example
 * const limits = connectDurable<typeof Budget>(env.BUDGET, "model-api");
 * await using acquisition = await limits.acquire({ tokens: 500 });
 * acquisition.requested; // { tokens: 500 }
 */
export function connectDurable<
  S extends string | { readonly limits: readonly LimitLike[] } = string,
  K extends string = KeysOf<S>,
>(namespace: ObjectNamespace, name: string, options: ConnectDurableOptions = {}): DurableLimits<K> {
  return new Connection<K>(namespace, name, options);
}

/** A request that is on its way. */
interface Waiting {
  reject(error: unknown): void;
}

class Connection<K extends string> implements DurableLimits<K> {
  readonly #namespace: ObjectNamespace;
  readonly #name: string;
  readonly #line: Line;
  readonly #waiting = new Set<Waiting>();
  readonly #leases = new Map<number, Lease>();
  #known: Known<K> | undefined;
  #session: string | undefined;
  #number = 0;
  #closed: LimitError | undefined;

  constructor(namespace: ObjectNamespace, name: string, { deadlineMs = 5_000 }: ConnectDurableOptions) {
    this.#line = new Line(namespace, name, deadlineMs);
    this.#namespace = namespace;
    this.#name = name;
    this.#known = recall(namespace, name);
  }

  // Asked each time: a promise of one request is not for another to wait for.
  get ready(): Promise<void> {
    return this.#facing().then(() => {});
  }

  get keys(): readonly K[] {
    return this.#facts().requests.keys;
  }

  get config(): Readonly<Record<string, unknown>> {
    return this.#facts().config;
  }

  get missingUpdate(): "throw" | "charge" {
    return this.#facts().missingUpdate;
  }

  acquire(requested?: Amounts<K>, options?: AcquireOptions): Promise<DurableAcquisition<K>> {
    return this.#acquire(requested, options, undefined, 0);
  }

  async tryAcquire(requested?: Amounts<K>): Promise<DurableAcquisition<K>> {
    await this.#check(requested, undefined);
    const ask = this.#askFor(requested, false, undefined, undefined);
    return this.#converse(ask, undefined, undefined);
  }

  async run<T>(
    requested: Amounts<K> | undefined,
    body: (acquisition: DurableAcquisition<K>) => Awaitable<T>,
    options?: AcquireOptions,
  ): Promise<T> {
    const acquisition = await this.acquire(requested, options);
    try {
      return await runWith(acquisition, () => body(acquisition));
    } finally {
      await (acquisition as DurableGrant<K>).lease?.ended;
    }
  }

  async stats(): Promise<Readonly<Record<K, LimitStats>>> {
    this.#checkOpen();
    const seal = this.#known?.seal ?? "";
    const answer = await this.#line.call((remote) => this.#line.within(remote.inspect(seal)));
    this.#told(answer);
    if (answer.kind === "failed") throw unpackError(answer.error);
    const entries = Object.entries(answer.stats).map(([key, stats]) => [key, Object.freeze(stats)]);
    return Object.freeze(Object.fromEntries(entries));
  }

  get(key: K): LimitView<Promise<LimitStats>> {
    const { requests, limits } = this.#facts();
    const limit = limits[requests.indexOf(key)]!;
    return Object.freeze({ ...limit, stats: async () => (await this.stats())[key] });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = new LimitSetClosedError();
    for (const waiting of [...this.#waiting]) waiting.reject(this.#closed);
    const leases = [...this.#leases.values()];
    this.#leases.clear();
    for (const lease of leases) lease.end({});
    await Promise.all(leases.map((lease) => lease.ended));
  }

  /** Like `acquire`, on top of the acquisition that has the number `around`. */
  async #acquire(
    requested: Amounts<K> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[] | undefined,
    around: number,
  ): Promise<DurableAcquisition<K>> {
    const timeoutMs = checkTimeout(options?.timeoutMs);
    const signal = options?.signal;
    signal?.throwIfAborted();
    await this.#check(requested, covered);
    signal?.throwIfAborted();
    const limit = timeoutMs === Number.POSITIVE_INFINITY ? undefined : timeoutMs;
    const ask = this.#askFor(requested, true, limit, this.#leases.get(around)?.id);
    return this.#converse(ask, signal, covered);
  }

  /** Finds out what makes no sense before it travels; what cannot travel, at least. */
  async #check(requested: Amounts<K> | undefined, covered: readonly boolean[] | undefined): Promise<void> {
    this.#checkOpen();
    const known = this.#known ?? (canTravel(requested) ? undefined : await this.#facing());
    if (covered) known?.requests.parseNested(requested, covered);
    else known?.requests.parse(requested);
  }

  #askFor(
    requested: Amounts<K> | undefined,
    waits: boolean,
    timeoutMs: number | undefined,
    around: string | undefined,
  ): Ask {
    this.#session ??= crypto.randomUUID();
    const id = `${this.#session} ${++this.#number}`;
    const named = requested && ({ ...requested } as Named);
    return { id, waits, requested: named, timeoutMs, around, seal: this.#known?.seal ?? "" };
  }

  /** Asks for something, and makes of the answer what the caller gets. */
  async #converse(
    ask: Ask,
    signal: AbortSignal | undefined,
    covered: readonly boolean[] | undefined,
  ): Promise<DurableAcquisition<K>> {
    let ticket: Ticket | undefined;
    let isOver = false;
    let isFirst = true;
    const askedAt = systemClock.now();
    const line = this.#line;
    const patienceMs = ask.waits ? (ask.timeoutMs ?? Number.POSITIVE_INFINITY) + line.deadlineMs : undefined;
    const outcome = line.call<Outcome>(async (remote, heard) => {
      const entered = remote.enter(isFirst ? ask : { ...ask, timeoutMs: left(ask.timeoutMs, askedAt) });
      isFirst = false;
      // In one go: what is asked of the ticket travels with the request for it.
      const answered = (entered as unknown as Ticket).outcome();
      answered.then(nothing, nothing); // Whoever awaits it learns of it.
      const taken = await line.within(entered);
      if (isOver) {
        drop(taken);
        return { kind: "left" };
      }
      ticket = taken;
      heard();
      return line.within(answered, patienceMs);
    });
    const waiting = withResolvers<Outcome>();
    outcome.then(waiting.resolve, waiting.reject);
    this.#waiting.add(waiting);
    // Only the object knows whether it came in time: nothing may be held that nobody has.
    const cancel = () =>
      line.call((remote) => line.within(remote.cancel(ask.id))).catch(() => waiting.reject(signal?.reason));
    signal?.addEventListener("abort", cancel);
    try {
      const answer = await waiting.promise;
      this.#told(answer);
      if (answer.kind === "left")
        throw signal?.reason ?? new BackendUnavailableError("the object has let it go");
      if (answer.kind === "failed") throw unpackError(answer.error);
      const { denial, known } = this.#terms();
      if (answer.kind === "refused") {
        return new LeasedRefusal<K>(denial(answer.limitedBy as readonly K[]), answer.retryAfterMs);
      }
      const grant = this.#grant(known, answer, ask.id, ticket!, covered);
      ticket = undefined;
      return grant;
    } finally {
      isOver = true;
      signal?.removeEventListener("abort", cancel);
      this.#waiting.delete(waiting);
      // What waits there leaves the line, and what was granted meanwhile comes back.
      if (ticket) drop(ticket);
    }
  }

  #grant(
    known: Known<K>,
    { units }: Granted,
    id: string,
    ticket: Ticket,
    covered: readonly boolean[] | undefined,
  ): DurableAcquisition<K> {
    const number = ++this.#number;
    let lease: Lease | undefined;
    if (units.some((count) => count > 0)) {
      lease = new Lease(id, this.#line, ticket, known.leaseMs);
      this.#leases.set(number, lease);
    } else {
      drop(ticket);
    }
    const holds = known.requests.takesResources(units);
    const signal = lease && holds ? lease.signal : new AbortController().signal;
    return new DurableGrant<K>(this.#granterOf(known), units, number, covered, signal, lease);
  }

  #granterOf({ requests, config, missingUpdate }: Known<K>): Granter<K> {
    const isClosed = () => this.#closed !== undefined;
    return {
      requests,
      config,
      missingUpdate,
      // The platform gives back what a request leaves behind.
      leaks: undefined,
      get closed() {
        return isClosed();
      },
      settle: (number, taken, used) => {
        const lease = this.#leases.get(number);
        this.#leases.delete(number);
        lease?.end(usageOf(requests.keys, requests.usage(taken, used)));
        return requests.misses(taken, used);
      },
      acquireNested: (requested, options, covered, number) =>
        this.#acquire(requested, options, covered, number),
    };
  }

  #terms() {
    const known = this.#facts();
    const denial = (limitedBy: readonly K[]) => ({
      config: known.config,
      limitedBy: Object.freeze([...limitedBy]),
    });
    return { known, denial };
  }

  #told({ facts }: Informed): void {
    if (facts) this.#learn(facts);
  }

  #learn(facts: Facts): Known<K> {
    this.#known = learn<K>(this.#namespace, this.#name, facts);
    return this.#known;
  }

  #facts(): Known<K> {
    this.#known ??= recall(this.#namespace, this.#name);
    if (this.#known) return this.#known;
    throw this.#closed ?? new BackendUnavailableError("the object has not answered yet: await limits.ready");
  }

  async #facing(): Promise<Known<K>> {
    if (this.#known) return this.#known;
    this.#checkOpen();
    const answer = await this.#line.call((remote) => this.#line.within(remote.describe()));
    if (answer.kind === "failed") throw unpackError((answer as Failed).error);
    return this.#learn(answer.facts);
  }

  #checkOpen(): void {
    if (this.#closed) throw this.#closed;
  }
}

function nothing(): void {}

/** What is left of the time to wait, when it has to be asked again. */
function left(timeoutMs: number | undefined, askedAt: number): number | undefined {
  return timeoutMs === undefined ? undefined : Math.max(0, timeoutMs - (systemClock.now() - askedAt));
}

/** Whether the platform can send it, and the object tell what is wrong with it. */
function canTravel(requested: unknown): boolean {
  if (requested === undefined) return true;
  if (typeof requested !== "object" || requested === null) return false;
  if (Object.getPrototypeOf(requested) !== Object.prototype) return false;
  return Object.values(requested).every((amount) => typeof amount === "number");
}

function usageOf(keys: readonly string[], usage: readonly (number | null)[]): Named {
  const named: Record<string, number> = {};
  for (const [i, amount] of usage.entries()) if (amount !== null) named[keys[i]!] = amount;
  return named;
}
