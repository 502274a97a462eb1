/** The host of a set: answers requests, keeps grants under their leases, and writes each change to the object's storage. */
import { releaseUnused } from "../acquisition/acquisition.ts";
import type { Acquisition, Amounts, Limits } from "../contract.ts";
import { AcquisitionReleasedError } from "../errors.ts";
import type { Clock } from "../platform/clock.ts";
import { SetClock } from "../platform/set-clock.ts";
import { performChange, type SentChange } from "../remote/changes.ts";
import { packError } from "../remote/packed-errors.ts";
import { HostedLeases } from "./hosted-leases.ts";
import { namingFrom } from "./hosted-names.ts";
import { HostedRequest } from "./hosted-request.ts";
import { eraOf, HostedSet, type HostedSetOptions, type Viewed } from "./hosted-set.ts";
import type {
  AmountsByKey,
  Changed,
  Counted,
  Failed,
  Foreseen,
  Inspected,
  Outcome,
  SentLimits,
  SentNames,
  SentRequest,
  SetDescription,
} from "./protocol.ts";
import type { SetStorage, StoredSet } from "./set-storage.ts";

export interface HostOptions extends HostedSetOptions {
  readonly clock: Clock;
}

export class Host {
  readonly #storage: SetStorage;
  readonly #hosted: HostedSet;
  /** The requests that wait or hold something, by their ids. */
  readonly #requests: Map<string, HostedRequest>;
  readonly #leases: HostedLeases;
  /** The ids of the latest changes. */
  #changes: readonly string[];

  /** Goes on from the `stored` set. */
  constructor(options: HostOptions, storage: SetStorage, stored: StoredSet) {
    const { leaseMs } = options;
    const clock = new SetClock(options.clock);
    this.#storage = storage;
    const hosted = new HostedSet(options, clock, storage, stored);
    this.#hosted = hosted;
    this.#leases = new HostedLeases(leaseMs, clock, storage, hosted, stored.alarm);
    this.#requests = this.#leases.requests;
    // If the clock was ahead when a lease was stored, the lease would end too late.
    const latest = clock.now() + leaseMs;
    this.#changes = stored.changes;
    for (const [id, { grant, era }] of hosted.grants) {
      const request = new HostedRequest(id, undefined);
      request.era = era;
      request.outcome = Promise.resolve({ kind: "granted", units: grant.units });
      const [naming, shared] = grant.at ? namingFrom(grant.at, era) : [undefined, 0];
      request.naming = naming;
      const record = { ...grant, token: grant.takenAt };
      const acquisition = hosted.internals.grantAgain(record, era, naming, shared);
      this.#leases.hold(request, acquisition, Math.min(grant.until, latest));
      if (hosted.isUnwritten) storage.putGrant(id, grant);
    }
    hosted.declare(this.#usedEras);
    if (hosted.isUnwritten && stored.definition) this.#write();
    else if (hosted.grants.size > 0) this.#leases.ensureAlarm();
  }

  /** The description of the present era. */
  get description(): SetDescription {
    return this.#hosted.describe();
  }

  /**
   * Takes a request in. A request that the client sends again is not taken in twice: `owner` has it from now on, and gets the same
   * outcome.
   */
  enter(sent: SentRequest, owner: object): Promise<Outcome> {
    this.#endLapsed();
    let request = this.#requests.get(sent.id);
    if (request) {
      request.owner = owner;
      if (request.acquisition) {
        this.#leases.start(request, request.acquisition);
        this.#write();
      }
    } else {
      request = new HostedRequest(sent.id, owner, sent.era);
      this.#requests.set(sent.id, request);
      request.outcome = this.#decide(request, sent);
    }
    const { outcome } = request;
    return outcome.then((outcome) => this.#hosted.describeIn(outcome, sent.descriptionId, request.era));
  }

  /** Ends a request, because `owner` has disposed of it or has vanished. Does nothing if the request has another owner by now. */
  abandon(id: string, owner: object): void {
    const request = this.#requests.get(id);
    if (!request || request.owner !== owner) return;
    if (request.acquisition) this.#leases.end(request, request.acquisition, {});
    else request.controller.abort();
    this.#write();
  }

  /** Takes a request out of its line. Does nothing to a request that is granted. */
  cancel(id: string): void {
    this.#requests.get(id)?.controller.abort();
  }

  /** Releases what a request holds. Takes it out of its line if it still waits. */
  release(id: string, usage: AmountsByKey): void {
    const request = this.#requests.get(id);
    if (request?.acquisition) this.#leases.end(request, request.acquisition, usage);
    else request?.controller.abort();
    this.#endLapsed();
    this.#write();
  }

  /** Renews the lease of a request; false if the request holds nothing. */
  renew(id: string): boolean {
    this.#endLapsed();
    const request = this.#requests.get(id);
    if (!request?.acquisition) return false;
    this.#leases.start(request, request.acquisition);
    this.#write();
    return true;
  }

  stats(descriptionId: string): Inspected;
  stats(descriptionId: string, at: SentNames | undefined): Inspected | Failed;
  stats(descriptionId: string, at?: SentNames): Inspected | Failed {
    return this.#look(descriptionId, at, (limits) => ({ kind: "inspected", stats: limits.stats() }));
  }

  /** What a try would be answered now. */
  peek(requested: AmountsByKey | undefined, descriptionId: string, at?: SentNames): Foreseen | Failed {
    return this.#look(descriptionId, at, (limits) => ({
      kind: "foreseen",
      prospect: limits.peek(requested as Amounts | undefined),
    }));
  }

  count(descriptionId: string): Counted {
    this.#endLapsed();
    const counted: Counted = { kind: "counted", counts: this.#hosted.partitions };
    return this.#hosted.describeIn(counted, descriptionId);
  }

  /** Looks at the set or at a view, and takes nothing. */
  #look<T extends Inspected | Foreseen>(
    descriptionId: string,
    at: SentNames | undefined,
    look: (limits: Viewed["limits"]) => T,
  ): T | Failed {
    this.#endLapsed();
    let answer: T | Failed;
    try {
      answer = look(this.#hosted.view(at).limits);
    } catch (error) {
      answer = { kind: "failed", error: packError(error) };
    }
    this.#writePartitions();
    return this.#hosted.describeIn<T | Failed>(answer, descriptionId);
  }

  /** Changes the limits, once for each id: the client sends a change again whose answer got lost. */
  change(id: string, change: SentChange, descriptionId: string, at?: SentNames): Changed | Failed {
    return this.#once(id, descriptionId, () => {
      performChange(this.#hosted.view(at).limits as Limits, change);
      return true;
    });
  }

  /** Gives the set other limits, once for each id. */
  redefine(id: string, { of, limits, ...options }: SentLimits, descriptionId: string): Changed | Failed {
    return this.#once(id, descriptionId, () => {
      if (of !== undefined && of !== this.#hosted.era) return false;
      this.#hosted.redefine(limits, options, this.#usedEras);
      return true;
    });
  }

  /** The object's alarm has gone off: ends the leases that have lapsed, and sets the alarm for the next one. */
  alarm(): void {
    this.#leases.alarm();
    this.#endLapsed();
    this.#leases.ensureAlarm();
    this.#write();
  }

  async #decide(request: HostedRequest, sent: SentRequest): Promise<Outcome> {
    const { signal } = request.controller;
    let acquisition: Acquisition;
    try {
      acquisition = await this.#acquire(request, sent);
    } catch (error) {
      this.#writePartitions();
      this.#requests.delete(request.id);
      if (signal.aborted && error === signal.reason) return { kind: "cancelled" };
      return { kind: "failed", error: packError(error) };
    }
    if (!acquisition.successful) {
      this.#requests.delete(request.id);
      this.#writePartitions();
      const { retryAfterMs, limitedBy, ahead } = acquisition;
      return { kind: "refused", retryAfterMs, limitedBy, ...(ahead > 0 && { ahead }) };
    }
    if (signal.aborted) {
      // The client has cancelled between the grant and now. The request is settled as if nothing had been used.
      this.#requests.delete(request.id);
      releaseUnused(acquisition);
      this.#write();
      return { kind: "cancelled" };
    }
    const { units } = this.#hosted.internals.recordOf(acquisition);
    request.era = this.#hosted.eraAt(eraOf(acquisition).number);
    if (units.some((count) => count > 0)) {
      this.#leases.start(request, acquisition);
      this.#write();
    } else {
      this.#requests.delete(request.id);
    }
    const { waitedMs } = acquisition;
    return { kind: "granted", units, ...(waitedMs > 0 && { waitedMs }) };
  }

  async #acquire(request: HostedRequest, sent: SentRequest): Promise<Acquisition> {
    const { waits, timeoutMs, priority, maxWaitMs, around, at } = sent;
    const { signal } = request.controller;
    const amounts = this.#hosted.amountsOf(sent) as Amounts | undefined;
    const outer = around === undefined ? undefined : this.#requests.get(around);
    const { limits, naming = outer?.naming } = this.#hosted.view(at);
    request.naming = naming;
    if (!waits) return limits.tryAcquire(amounts);
    const within = around === undefined ? limits : outer?.acquisition;
    if (!within) throw new AcquisitionReleasedError("acquire()", "released");
    return within.acquire(amounts, { timeoutMs, signal, priority, maxWaitMs });
  }

  /** Does the action, unless it was done under the same id. The action returns false if it has done nothing, since the set has another era. */
  #once(id: string, descriptionId: string, action: () => boolean): Changed | Failed {
    this.#endLapsed();
    let answer: Changed | Failed = { kind: "changed" };
    try {
      if (!this.#changes.includes(id)) {
        if (action()) {
          this.#changes = [...this.#changes, id].slice(-MOST_CHANGES);
          this.#storage.putChanges(this.#changes);
        } else {
          answer = { kind: "changed", isStale: true };
        }
      }
    } catch (error) {
      answer = { kind: "failed", error: packError(error) };
    }
    this.#write();
    return this.#hosted.describeIn<Changed | Failed>(answer, descriptionId);
  }

  /** The numbers of the eras that have grants or waiters. */
  get #usedEras(): ReadonlySet<number> {
    const requests = [...this.#requests.values()];
    return new Set(requests.map(({ asked, era }) => era?.number ?? asked ?? 0));
  }

  #endLapsed(): void {
    if (this.#leases.endLapsed()) this.#write();
  }

  /** Writes what a look at rows of partitions has changed. */
  #writePartitions(): void {
    if (this.#hosted.havePartitionsChanged) this.#write();
  }

  /** Writes all changes. Each answer that depends on them comes after it. */
  #write(): void {
    this.#hosted.write();
    this.#storage.flush();
    this.#leases.ensureAlarm();
  }
}

// A client sends a change again within its deadline, a few seconds as a rule.
const MOST_CHANGES = 256;
