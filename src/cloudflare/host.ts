/** The host of a set: answers requests, keeps grants under their leases, and writes each change to the object's storage. */
import { releaseUnused } from "../acquisition/acquisition.ts";
import { INTERNALS, type Internals, type OptionsWithRegion } from "../acquisition/internals.ts";
import type { Acquisition, Amounts } from "../contract.ts";
import type { Region } from "../core/region.ts";
import { AcquisitionReleasedError } from "../errors.ts";
import { LimitSet } from "../limit-set.ts";
import type { Limit, LimitLike } from "../limits/limits.ts";
import { plainOf } from "../limits/metrics.ts";
import type { LimitSetOptions } from "../limits/options.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import { SetClock } from "../platform/set-clock.ts";
import { performChange, type SentChange } from "../remote/changes.ts";
import { packError } from "../remote/packed-errors.ts";
import { settle } from "../remote/settling.ts";
import { Deadlines } from "../waiting/deadlines.ts";
import { HostedRequest } from "./hosted-request.ts";
import type {
  AmountsByKey,
  Answer,
  Changed,
  Failed,
  Foreseen,
  Inspected,
  Outcome,
  SentRequest,
  SetDescription,
} from "./protocol.ts";
import { restore } from "./restore.ts";
import type { SetStorage, StoredSet } from "./set-storage.ts";
import { snapshotOf, versionOf } from "./snapshot.ts";

export interface HostOptions {
  readonly limits: readonly Limit[];
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly queue: Pick<LimitSetOptions, "maxWaiting" | "agingMs">;
}

export class Host {
  readonly description: SetDescription;
  readonly #options: HostOptions;
  readonly #clock: SetClock;
  readonly #storage: SetStorage;
  readonly #region: Region;
  readonly #set: LimitSet<string>;
  readonly #internals: Internals<string>;
  /** The requests that wait or hold something, by their ids. */
  readonly #requests = new Map<string, HostedRequest>();
  /** The granted requests, by the ends of their leases. */
  readonly #leases = new Deadlines<HostedRequest>();
  /** The ids of the latest changes. */
  #changes: readonly string[];
  /** The version of the state that was written last. */
  #written: bigint | undefined;
  #hasAlarm: boolean;

  /** Goes on from the `stored` set. */
  constructor(options: HostOptions, storage: SetStorage, stored: StoredSet) {
    const { limits, config, missingUpdate, leaseMs, queue } = options;
    const clock = new SetClock(options.clock);
    this.#options = options;
    this.#clock = clock;
    this.#storage = storage;
    const plain = plainOf(limits);
    this.description = { id: crypto.randomUUID(), limits: plain, config, missingUpdate, leaseMs };
    const { region, grants, isRedefined } = restore(limits, stored, clock.now());
    // If the clock was ahead when a lease was stored, the lease would end too late.
    const latest = clock.now() + leaseMs;
    this.#region = region;
    const likes = limits as readonly LimitLike[];
    const hosted: OptionsWithRegion<string> = {
      limits: likes,
      config,
      clock,
      shared: false,
      ...queue,
      [INTERNALS]: region,
    };
    this.#set = new LimitSet<string>(hosted);
    this.#internals = this.#set[INTERNALS]();
    this.#changes = stored.changes;
    this.#hasAlarm = stored.alarm !== null && stored.alarm <= systemClock.now() + leaseMs;
    for (const [id, grant] of grants) {
      const request = new HostedRequest(id, undefined);
      request.outcome = Promise.resolve({ kind: "granted", units: grant.units });
      this.#hold(
        request,
        this.#internals.grantAgain({ ...grant, token: grant.takenAt }),
        Math.min(grant.until, latest),
      );
      if (isRedefined) storage.putGrant(id, grant);
    }
    this.#written = isRedefined ? undefined : versionOf(region);
    if (isRedefined && stored.definition) this.#write();
    else if (grants.size > 0) this.#ensureAlarm();
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
        this.#lease(request, request.acquisition);
        this.#write();
      }
    } else {
      request = new HostedRequest(sent.id, owner);
      this.#requests.set(sent.id, request);
      request.outcome = this.#decide(request, sent);
    }
    return request.outcome.then((outcome) => this.#describeIn(outcome, sent.descriptionId));
  }

  /** Ends a request, because `owner` has disposed of it or has vanished. Does nothing if the request has another owner by now. */
  abandon(id: string, owner: object): void {
    const request = this.#requests.get(id);
    if (!request || request.owner !== owner) return;
    if (request.acquisition) this.#end(request, request.acquisition, {});
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
    if (request?.acquisition) this.#end(request, request.acquisition, usage);
    else request?.controller.abort();
    this.#endLapsed();
    this.#write();
  }

  /** Renews the lease of a request; false if the request holds nothing. */
  renew(id: string): boolean {
    this.#endLapsed();
    const request = this.#requests.get(id);
    if (!request?.acquisition) return false;
    this.#lease(request, request.acquisition);
    this.#write();
    return true;
  }

  stats(descriptionId: string): Inspected {
    this.#endLapsed();
    return this.#describeIn<Inspected>({ kind: "inspected", stats: this.#set.stats() }, descriptionId);
  }

  /** What a try would be answered now. */
  peek(requested: AmountsByKey | undefined, descriptionId: string): Foreseen | Failed {
    this.#endLapsed();
    let answer: Foreseen | Failed;
    try {
      answer = { kind: "foreseen", prospect: this.#set.peek(requested as Amounts | undefined) };
    } catch (error) {
      answer = { kind: "failed", error: packError(error) };
    }
    return this.#describeIn(answer, descriptionId);
  }

  /** Changes the limits, unless it did so under the same id: the client sends a change again whose answer got lost. */
  change(id: string, change: SentChange, descriptionId: string): Changed | Failed {
    this.#endLapsed();
    try {
      if (!this.#changes.includes(id)) {
        performChange(this.#set, change);
        this.#changes = [...this.#changes, id].slice(-MOST_CHANGES);
        this.#storage.putChanges(this.#changes);
      }
    } catch (error) {
      return this.#describeIn<Failed>({ kind: "failed", error: packError(error) }, descriptionId);
    }
    this.#write();
    return this.#describeIn<Changed>({ kind: "changed" }, descriptionId);
  }

  /** The object's alarm has gone off: ends the leases that have lapsed, and sets the alarm for the next one. */
  alarm(): void {
    this.#hasAlarm = false;
    this.#endLapsed();
    this.#ensureAlarm();
    this.#write();
  }

  /** Adds the description to an answer, unless the client has it. */
  #describeIn<T extends Answer>(answer: T, descriptionId: string): T {
    return descriptionId === this.description.id ? answer : { ...answer, description: this.description };
  }

  async #decide(request: HostedRequest, sent: SentRequest): Promise<Outcome> {
    const { signal } = request.controller;
    let acquisition: Acquisition;
    try {
      acquisition = await this.#acquire(sent, signal);
    } catch (error) {
      this.#requests.delete(request.id);
      if (signal.aborted && error === signal.reason) return { kind: "cancelled" };
      return { kind: "failed", error: packError(error) };
    }
    if (!acquisition.successful) {
      this.#requests.delete(request.id);
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
    const { units } = this.#internals.recordOf(acquisition);
    if (units.some((count) => count > 0)) {
      this.#lease(request, acquisition);
      this.#write();
    } else {
      this.#requests.delete(request.id);
    }
    const { waitedMs } = acquisition;
    return { kind: "granted", units, ...(waitedMs > 0 && { waitedMs }) };
  }

  async #acquire(
    { waits, requested, timeoutMs, priority, maxWaitMs, around }: SentRequest,
    signal: AbortSignal,
  ): Promise<Acquisition> {
    const amounts = requested as Amounts | undefined;
    if (!waits) return this.#set.tryAcquire(amounts);
    const limits = around === undefined ? this.#set : this.#requests.get(around)?.acquisition;
    if (!limits) throw new AcquisitionReleasedError("acquire()", "released");
    return limits.acquire(amounts, { timeoutMs, signal, priority, maxWaitMs });
  }

  /** Starts or renews the lease of a granted request. */
  #lease(request: HostedRequest, acquisition: Acquisition): void {
    const until = this.#clock.now() + this.#options.leaseMs;
    this.#hold(request, acquisition, until);
    const { units, token, covered } = this.#internals.recordOf(acquisition);
    this.#storage.putGrant(request.id, { units, takenAt: token, covered, until });
  }

  #hold(request: HostedRequest, acquisition: Acquisition, until: number): void {
    this.#requests.set(request.id, request);
    this.#leases.remove(request);
    request.acquisition = acquisition;
    request.deadline = until;
    this.#leases.add(request);
  }

  #end(request: HostedRequest, acquisition: Acquisition, usage: AmountsByKey): void {
    this.#requests.delete(request.id);
    this.#leases.remove(request);
    this.#storage.deleteGrant(request.id);
    settle(acquisition, usage as Record<string, number>);
  }

  /** Ends the requests whose leases have lapsed. */
  #endLapsed(): void {
    const first = this.#leases.first;
    if (!first) return;
    const now = this.#clock.now();
    if (first.deadline > now) return;
    for (let lapsed = this.#leases.first; lapsed && lapsed.deadline <= now; lapsed = this.#leases.first) {
      this.#end(lapsed, lapsed.acquisition!, {});
    }
    this.#write();
  }

  /**
   * Sets the alarm for the end of the first lease, unless an alarm is set. An alarm stays set when its lease is released, as most
   * leases are: to set it anew for each of them would cost a write.
   */
  #ensureAlarm(): void {
    const first = this.#leases.first;
    if (!first || this.#hasAlarm) return;
    this.#hasAlarm = true;
    const inMs = Math.max(0, first.deadline - this.#clock.now());
    this.#storage.setAlarm(systemClock.now() + Math.min(inMs, FARTHEST_ALARM_MS));
  }

  /** Writes all changes. Each answer that depends on them comes after it. */
  #write(): void {
    const version = versionOf(this.#region);
    if (version !== this.#written) {
      if (this.#written === undefined) this.#storage.putDefinition(this.#options.limits);
      this.#written = version;
      this.#storage.putState(snapshotOf(this.#region));
    }
    this.#storage.flush();
    this.#ensureAlarm();
  }
}

// A client sends a change again within its deadline, a few seconds as a rule.
const MOST_CHANGES = 256;
const FARTHEST_ALARM_MS = 365 * 86_400_000;
